// The terms of a new auction, from what the seller typed to what the hub takes.

import { amountFaultWords, parseAmount } from './amount.js';
import { wireTime } from './time.js';

/** How late bids move the end, as the form promises: two minutes more for the others, an hour in all at most. */
const SOFT_CLOSE = Object.freeze({ window_s: 120, extension_s: 120, max_total_s: 3_600 });

/**
 * @typedef {{ok: true, terms: Record<string, unknown>} | {ok: false, field: string, words: string}} ReadTerms
 */

/**
 * Checks what can be checked here; the hub checks all of it again.
 * @param {Record<string, string>} typed the form's fields as text; moments as of `datetime-local` inputs, in local time
 * @param {number} now milliseconds since 1970
 * @param {string} locale
 * @returns {ReadTerms}
 */
export function readTerms(typed, now, locale) {
  const currency = typed.currency ?? 'USD';
  /** @type {Record<string, number>} */
  const amounts = {};
  for (const field of ['opening_price', 'reserve', 'buy_now']) {
    const text = (typed[field] ?? '').trim();
    if (text === '' && field !== 'opening_price') continue;
    const parsed = parseAmount(text, currency, locale);
    if (!parsed.ok) return wrong(field, amountFaultWords(parsed.fault, currency));
    amounts[field] = parsed.amount;
  }
  const { opening_price: opening = 0, reserve = opening, buy_now: buyNow } = amounts;
  if (reserve < opening) return wrong('reserve', 'The reserve cannot be below the opening price.');
  if (buyNow !== undefined && buyNow < reserve) return wrong('buy_now', 'The price to buy at once cannot be below the opening price or the reserve.');

  const starts = typed.starts_at ? new Date(typed.starts_at).getTime() : null;
  const ends = new Date(typed.ends_at ?? '').getTime();
  if (Number.isNaN(ends)) return wrong('ends_at', 'Say when the auction ends.');
  if (ends <= Math.max(now, starts ?? now)) return wrong('ends_at', 'The end must lie after the start, and ahead of now.');

  /** @type {Record<string, unknown>} */
  const terms = {
    title: (typed.title ?? '').trim(),
    description: (typed.description ?? '').trim(),
    category: typed.category ?? '',
    currency,
    ...amounts,
    ends_at: wireTime(ends),
    soft_close: SOFT_CLOSE,
  };
  if (starts !== null) terms.starts_at = wireTime(starts);
  if (typed.image_url) terms.image_url = typed.image_url;
  return { ok: true, terms };
}

/**
 * @param {string} field
 * @param {string} words
 * @returns {ReadTerms}
 */
function wrong(field, words) {
  return { ok: false, field, words };
}
