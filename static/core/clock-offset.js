// How far the hub's clock is from ours, from pings. The sample with the shortest round trip is the most exact one, because
// its answer had the least room to wait on one side only.

/**
 * @typedef {object} Sample
 * @property {number} roundTrip milliseconds
 * @property {number} offset what to add to our clock to get the hub's, in milliseconds
 */

/** Samples that are kept; older ones leave, so that a drifting clock is followed. */
export const SAMPLES_KEPT = 8;

/**
 * @param {readonly Sample[]} samples oldest first
 * @param {{sentAt: number, receivedAt: number, serverTime: number}} pong all in milliseconds
 * @returns {Sample[]}
 */
export function addSample(samples, { sentAt, receivedAt, serverTime }) {
  const roundTrip = receivedAt - sentAt;
  if (roundTrip < 0 || Number.isNaN(serverTime)) return [...samples];
  return [...samples, { roundTrip, offset: serverTime + roundTrip / 2 - receivedAt }].slice(-SAMPLES_KEPT);
}

/**
 * @param {readonly Sample[]} samples
 * @returns {number|null} milliseconds to add to our clock; null while nothing is known
 */
export function bestOffset(samples) {
  if (samples.length === 0) return null;
  return samples.reduce((best, sample) => (sample.roundTrip <= best.roundTrip ? sample : best)).offset;
}
