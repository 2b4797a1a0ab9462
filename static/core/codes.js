// Every code of the hub in plain words. The codes are the contract; the words are ours.

import { formatMoney } from './money.js';

/**
 * @typedef {object} Told What the words may use.
 * @property {number} [minimum_bid]
 * @property {string} [currency]
 * @property {string} [locale]
 */

/** @type {Readonly<Record<string, (told: Told) => string>>} */
export const REJECTION_WORDS = Object.freeze({
  bid_too_low: (told) =>
    told.minimum_bid === undefined || !told.currency
      ? 'Someone was faster: the minimum bid is higher now.'
      : `Someone was faster: the minimum bid is now ${formatMoney(told.minimum_bid, told.currency, told.locale)}.`,
  auction_not_open: () => 'Bidding has not opened yet.',
  auction_closed: () => 'The auction ended before this bid arrived.',
  auction_paused: () => 'Bidding is paused. Your bid was not taken.',
  auction_stopped: () => 'The auction was stopped. No more bids are taken.',
  own_auction: () => 'This is your own auction: you cannot bid on it.',
  banned: () => 'Your account may not bid. Write to us if you think this is wrong.',
  account_frozen: () => 'Your account is frozen and may not bid for now. Write to us to clear this up.',
  insufficient_funds: () => 'Your wallet does not cover this bid. Add funds or bid less.',
  max_not_raised: () => 'You already lead with a maximum at least this high. To raise it, enter more.',
  key_reused: () => 'This bid got mixed up with another one and was not placed. Please bid again.',
  bid_in_flight: () => 'Your previous bids are still being decided. This one follows as soon as they are.',
  busy: () => 'Many bids are coming in at once. Yours is sent again by itself.',
  rate_limited: () => 'That was very fast. Your bid is sent again in a moment.',
  unauthenticated: () => 'Sign in to bid. Your bid was not placed.',
  unknown_auction: () => 'There is no such auction.',
  invalid_amount: () => 'The hub cannot take this amount.',
  buy_now_unavailable: () => 'Buying at once is no longer offered.',
  unavailable: () => 'The hub could not decide this bid yet. It is sent again by itself and counts once.',
});

/** @type {Readonly<Record<string, string>>} */
const PROBLEM_WORDS = Object.freeze({
  email_taken: 'There is an account with this e-mail address already. Sign in instead?',
  invalid_email: 'This does not look like an e-mail address.',
  weak_password: 'Choose a password of at least 10 characters.',
  invalid_display_name: 'Choose another display name.',
  invalid_credentials: 'E-mail address and password do not match.',
  invalid_token: 'This link is no longer valid. Ask for a new one.',
  unauthenticated: 'Sign in to do this.',
  forbidden: 'Your account may not do this.',
  banned: 'Your account is barred. Write to us if you think this is wrong.',
  account_frozen: 'Your account is frozen. Write to us to clear this up.',
  not_found: 'There is nothing here.',
  unknown_auction: 'There is no such auction.',
  unsupported_media_type: 'Choose a PNG, a JPEG or a WebP.',
  body_too_large: 'This file is too large. Choose a smaller one.',
  image_too_large: 'This picture has too many pixels. Choose a smaller one.',
  invalid_image: 'This picture cannot be read. Save it anew, or choose another one; pictures that move are not taken.',
  image_quota_exceeded: 'There is no more room for your pictures.',
  unused_images_exceeded: 'Many of your pictures are in no auction. They make room after an hour.',
  image_storage_full: 'The hub has no room for more pictures just now. The auction can go up without one.',
  request_timeout: 'The picture took too long to arrive. Try again, or choose a smaller one.',
  unknown_image: 'The picture is no longer there. Choose it again.',
  busy: 'The hub has much to do just now. Try again in a few seconds.',
  rate_limited: 'Too many tries. Wait a moment, then try again.',
  network: 'The hub cannot be reached. Check your connection and try again.',
  timeout: 'The hub took too long to answer. Try again.',
});

/**
 * Why a bid was refused.
 * @param {string} code
 * @param {Told & {message?: string}} [told] `message` is the hub's own sentence, for codes newer than this page
 * @returns {string}
 */
export function rejectionWords(code, told = {}) {
  const words = Object.hasOwn(REJECTION_WORDS, code) ? REJECTION_WORDS[code] : undefined;
  return words ? words(told) : (told.message ?? 'The bid was not taken.');
}

/**
 * Why a request over REST failed.
 * @param {{code: string, detail?: string|null}} problem
 * @returns {string}
 */
export function problemWords({ code, detail }) {
  const words = Object.hasOwn(PROBLEM_WORDS, code) ? PROBLEM_WORDS[code] : undefined;
  return words ?? detail ?? 'Something went wrong. Try again in a moment.';
}
