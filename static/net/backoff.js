// How long to wait before trying again: doubling, bounded, and never the same for everyone.

/** The first wait, in milliseconds. */
export const FIRST_WAIT_MS = 400;
/** The longest wait, in milliseconds. */
export const LONGEST_WAIT_MS = 15_000;

/**
 * @param {number} attempt 0 for the first try again
 * @param {() => number} chance a number from 0 up to 1
 * @param {number} [least] milliseconds that are waited in any case
 * @returns {number} milliseconds: between half and the whole of the doubled wait
 */
export function waitBefore(attempt, chance, least = 0) {
  const whole = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(attempt, 16));
  return Math.round(Math.max(least, whole * (0.5 + chance() / 2)));
}
