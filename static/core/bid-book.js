// The bids of this page that have been sent and not yet answered for good. A bid keeps its key until there is a verdict, so
// sending it again can never count it twice.

/**
 * @typedef {import('./types.js').Message} Message
 * @typedef {object} Bid
 * @property {string} key
 * @property {string} auction
 * @property {import('./types.js').BidKind} kind
 * @property {number|null} amount minor units; null for buying at once
 * @property {string} account who placed it; another account never sends it
 *
 * @typedef {object} Verdict
 * @property {boolean} accepted
 * @property {string|null} code why not
 * @property {Message} answer
 */

/** Codes that leave the key open: the same bid may be sent again with it. */
export const OPEN_CODES = Object.freeze(['unavailable', 'busy', 'rate_limited', 'bid_in_flight']);

/**
 * The request that places the bid.
 * @param {Bid} bid
 * @returns {Record<string, unknown> & {type: string}}
 */
export function bidRequest({ auction, key, kind, amount }) {
  if (kind === 'buy_now') return { type: 'buy_now', auction, key };
  return kind === 'max' ? { type: 'bid', auction, key, max: amount } : { type: 'bid', auction, key, amount };
}

/**
 * What an answer decides, or null when the bid is still open.
 * @param {Message} answer
 * @returns {Verdict|null}
 */
export function verdictOf(answer) {
  if (answer.type === 'bid_accepted') return { accepted: true, code: null, answer };
  const code = answer.code ?? 'unavailable';
  if (answer.retry || OPEN_CODES.includes(code)) return null;
  return { accepted: false, code, answer };
}

/**
 * The book with one more bid; the same key is held once.
 * @param {readonly Bid[]} book
 * @param {Bid} bid
 * @returns {Bid[]}
 */
export function withBid(book, bid) {
  return [...withoutBid(book, bid.key), bid];
}

/**
 * @param {readonly Bid[]} book
 * @param {string} key
 * @returns {Bid[]}
 */
export function withoutBid(book, key) {
  return book.filter((bid) => bid.key !== key);
}

/**
 * The book as kept text, read with distrust: what is not a bid is dropped.
 * @param {string|null} text
 * @returns {Bid[]}
 */
export function readBook(text) {
  try {
    const found = JSON.parse(text ?? '[]');
    return Array.isArray(found) ? found.filter(isBid) : [];
  } catch {
    return [];
  }
}

/**
 * @param {any} value
 * @returns {value is Bid}
 */
function isBid(value) {
  const hasAmount = value?.kind === 'buy_now' || Number.isSafeInteger(value?.amount);
  return hasAmount && ['key', 'auction', 'account'].every((name) => typeof value[name] === 'string') && ['straight', 'max', 'buy_now'].includes(value.kind);
}
