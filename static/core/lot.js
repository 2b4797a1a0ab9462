// An auction as the lists show it, whether the hub sends its live part flat or under `state`.

import { parseTime } from './time.js';

/**
 * @typedef {object} Lot
 * @property {string} id
 * @property {string} title
 * @property {string} href
 * @property {string|null} image
 * @property {string} initial what the placeholder shows
 * @property {string} currency
 * @property {import('./types.js').Status} status
 * @property {number} price the current price, or the opening price while there is no bid
 * @property {number} bids
 * @property {import('./types.js').Outcome|null} outcome
 * @property {number|null} startsAt milliseconds
 * @property {number|null} endsAt milliseconds
 */

/**
 * @param {import('./types.js').Auction} auction
 * @returns {Lot}
 */
export function lotOf(auction) {
  const live = auction.state;
  return {
    id: auction.id,
    title: auction.title,
    href: `/auctions/${encodeURIComponent(auction.id)}`,
    image: auction.image_url || null,
    initial: (auction.title.match(/\p{L}|\p{N}/u)?.[0] ?? '·').toUpperCase(),
    currency: auction.currency,
    status: live?.status ?? auction.status ?? 'scheduled',
    price: live?.price ?? auction.price ?? auction.opening_price,
    bids: live?.bid_count ?? auction.bid_count ?? 0,
    outcome: live?.outcome ?? auction.outcome ?? null,
    startsAt: parseTime(live?.starts_at ?? auction.starts_at),
    endsAt: parseTime(live?.ends_at ?? auction.ends_at),
  };
}

/**
 * Whether this person sells the auction; nobody bids on their own.
 * @param {import('./types.js').Auction} auction
 * @param {import('./types.js').User|null} user
 * @returns {boolean}
 */
export function isSeller({ seller }, user) {
  return user !== null && (typeof seller === 'object' ? seller.id : seller) === user.id;
}

/**
 * What stands above the price of a lot.
 * @param {Lot} lot
 * @returns {string}
 */
export function lotPriceLabel(lot) {
  if (lot.status === 'ended') return lot.outcome === 'unsold' ? 'Not sold' : 'Sold for';
  return lot.bids === 0 ? 'Opening at' : 'Current price';
}
