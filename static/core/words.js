// What a room says about itself in sentences: where it stands, who leads, what just happened.

import { formatMoney } from './money.js';

/**
 * @typedef {import('./types.js').LiveState} LiveState
 * @typedef {'leading'|'outbid'|'watching'|'won'|'lost'} Standing
 */

/** @type {Readonly<Record<import('./types.js').Status, string>>} */
export const STATUS_WORDS = Object.freeze({
  scheduled: 'Not open yet',
  open: 'Open',
  paused: 'Paused',
  suspended: 'Interrupted',
  ended: 'Ended',
  stopped: 'Stopped',
});

/** @type {Readonly<Record<import('./types.js').Reserve, string>>} */
export const RESERVE_WORDS = Object.freeze({ none: 'No reserve', not_met: 'Reserve not met', met: 'Reserve met' });

/**
 * Where this bidder stands.
 * @param {LiveState} live
 * @returns {Standing}
 */
export function standingOf(live) {
  const you = live.you;
  if (live.status === 'ended' && you?.alias) {
    const isWinner = live.winner != null ? live.winner === you.alias : you.leading && live.outcome !== 'unsold';
    return isWinner ? 'won' : 'lost';
  }
  if (you?.leading) return 'leading';
  return you?.alias ? 'outbid' : 'watching';
}

/**
 * Who leads, in one sentence.
 * @param {LiveState} live
 * @param {string} locale
 * @returns {string}
 */
export function standingWords(live, locale) {
  const { you, currency } = live;
  const isOver = live.status === 'ended' || live.status === 'stopped';
  switch (standingOf(live)) {
    case 'won':
      return `It is yours, for ${formatMoney(live.price, currency, locale)}.`;
    case 'lost':
      return live.outcome === 'unsold' ? 'The lot was not sold.' : 'The lot went to another bidder.';
    case 'leading':
      return you?.max == null ? 'You lead.' : `You lead with a max of ${formatMoney(you.max, currency, locale)}.`;
    case 'outbid':
      return isOver ? 'You did not lead at the end.' : you?.max == null ? 'You were outbid.' : `You were outbid. Your max was ${formatMoney(you.max, currency, locale)}.`;
    case 'watching':
      if (isOver) return live.leader ? `${live.winner ?? live.leader} had the highest bid.` : 'There were no bids.';
      return live.leader ? `${live.leader} leads.` : 'No bids yet. The first one leads.';
  }
}

/**
 * What stands above the price.
 * @param {LiveState} live
 * @returns {string}
 */
export function priceLabel(live) {
  if (live.status === 'ended') return live.outcome === 'unsold' ? 'Highest bid, not sold' : live.outcome === 'bought_now' ? 'Bought at once for' : 'Sold for';
  return live.price === null ? 'Opening price' : 'Current price';
}

/**
 * Why no bid can be placed now, or null when one can.
 * @param {LiveState} live
 * @param {string} locale
 * @param {(text: string|null) => string} moment how a moment is written
 * @returns {string|null}
 */
export function closedWords(live, locale, moment) {
  const because = live.reason ? ` ${sentence(live.reason)}` : '';
  switch (live.status) {
    case 'open':
      return null;
    case 'scheduled':
      return `Bidding opens ${moment(live.starts_at)}.`;
    case 'paused':
      return `Bidding is paused; the time left is kept.${because}`;
    case 'suspended':
      return 'The hub was interrupted. Bidding goes on in a moment, and the lost time is given back.';
    case 'stopped':
      return `The auction was stopped; no bid stands.${because}`;
    case 'ended':
      return live.outcome === 'unsold' ? 'The auction ended without a sale.' : `The auction ended at ${formatMoney(live.price, live.currency, locale)}.`;
  }
}

/**
 * What just happened, for the room's ticker and for people who listen.
 * @param {import('./types.js').RoomEvent} event
 * @param {string} currency
 * @param {string} locale
 * @param {(text: string|null) => string} moment
 * @returns {string}
 */
export function noticeWords(event, currency, locale, moment) {
  const because = event.reason ? ` ${sentence(event.reason)}` : '';
  switch (event.kind) {
    case 'opened':
      return 'Bidding is open.';
    case 'extended':
      return `More time: the auction now ends ${moment(event.ends_at ?? null)}.`;
    case 'reserve_met':
      return 'The reserve is met: the lot will be sold.';
    case 'paused':
      return `Bidding is paused.${because}`;
    case 'resumed':
      return `Bidding goes on.${because} The auction ends ${moment(event.ends_at ?? null)}.`;
    case 'suspended':
      return 'The hub was interrupted. Lost time will be given back.';
    case 'bid_voided':
      return `A bid was taken back by staff.${because}`;
    case 'stopped':
      return `The auction was stopped.${because}`;
    case 'ended':
      return event.outcome === 'unsold' ? 'The auction ended without a sale.' : `Sold for ${formatMoney(event.price, currency, locale)}.`;
    default:
      return '';
  }
}

/** @param {string} text */
function sentence(text) {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
