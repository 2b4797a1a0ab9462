// Places bids and does not let go of one before its verdict: over reconnects, over "try again", over a reload of the page,
// always with the key it was first sent with.

import { bidRequest, readBook, verdictOf, withBid, withoutBid } from '../core/bid-book.js';
import { waitBefore } from './backoff.js';
import { LineError } from './socket.js';

/**
 * @typedef {import('../core/bid-book.js').Bid} Bid
 * @typedef {import('../core/bid-book.js').Verdict} Verdict
 */

/** Where outstanding bids are kept over a reload. */
const STORAGE_KEY = 'bidhub.outstanding-bids';
/** The hub takes at most 16 bids of one bidder at once in a room; a person needs fewer. */
export const MOST_OUTSTANDING = 8;

/** The bids of the account that is signed in. */
export class Bidder {
  /** @type {string|null} */
  #account = null;
  /** @type {readonly Bid[]} */
  #book = [];
  /** @type {Set<string>} keys whose answer is awaited on the line as it is */
  #asked = new Set();
  /** @type {Map<string, number>} how often a bid was asked to come again */
  #attempts = new Map();
  /** @type {Set<(bid: Bid, verdict: Verdict|null) => void>} */
  #listeners = new Set();

  /** @param {import('./socket.js').HubSocket} hub */
  constructor(hub) {
    this.hub = hub;
    hub.on('status', (status) => {
      if (status === 'online') this.#sendAll();
    });
  }

  /**
   * Whose bids these are. Another account's outstanding bids are dropped, never sent.
   * @param {string|null} account
   */
  setAccount(account) {
    if (account === this.#account) return;
    this.#account = account;
    this.#asked.clear();
    this.#attempts.clear();
    this.#book = account === null ? [] : readBook(this.hub.env.storage.getItem(STORAGE_KEY)).filter((bid) => bid.account === account);
    this.#keep();
    this.#sendAll();
  }

  /**
   * @param {string} auction
   * @returns {Bid[]} bids without a verdict, oldest first
   */
  outstanding(auction) {
    return this.#book.filter((bid) => bid.auction === auction);
  }

  /**
   * Called with every new bid (no verdict) and with every verdict.
   * @param {(bid: Bid, verdict: Verdict|null) => void} listener
   * @returns {() => void} ends the listening
   */
  on(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Places a bid under a new key, now or when the line is up again.
   * @param {string} auction
   * @param {import('../core/types.js').BidKind} kind
   * @param {number|null} amount
   * @returns {Bid|null} null when nobody is signed in or too many bids wait
   */
  place(auction, kind, amount) {
    if (this.#account === null || this.#book.length >= MOST_OUTSTANDING) return null;
    const bid = { key: this.hub.env.newKey(), auction, kind, amount, account: this.#account };
    this.#book = withBid(this.#book, bid);
    this.#keep();
    this.#tell(bid, null);
    this.#send(bid);
    return bid;
  }

  #sendAll() {
    for (const bid of this.#book) this.#send(bid);
  }

  /** @param {Bid} bid */
  async #send(bid) {
    if (this.#asked.has(bid.key) || this.hub.status !== 'online' || !this.#holds(bid)) return;
    this.#asked.add(bid.key);
    const answer = await this.hub.request(bidRequest(bid)).catch(lineBroke);
    if (!this.#holds(bid)) return;
    const verdict = answer && verdictOf(answer);
    if (verdict) return this.#settle(bid, verdict);
    // Without an answer, a new line sends all bids again; on the same line this one's answer got lost, so it asks once more.
    if (answer || this.hub.status === 'online') this.#sendLater(bid);
    else this.#asked.delete(bid.key);
  }

  /** @param {Bid} bid */
  #sendLater(bid) {
    const attempt = this.#attempts.get(bid.key) ?? 0;
    this.#attempts.set(bid.key, attempt + 1);
    this.#asked.add(bid.key);
    this.hub.env.after(() => {
      this.#asked.delete(bid.key);
      this.#send(bid);
    }, waitBefore(attempt, this.hub.env.chance));
  }

  /**
   * @param {Bid} bid
   * @param {Verdict} verdict
   */
  #settle(bid, verdict) {
    this.#book = withoutBid(this.#book, bid.key);
    this.#asked.delete(bid.key);
    this.#attempts.delete(bid.key);
    this.#keep();
    this.#tell(bid, verdict);
  }

  /** @param {Bid} bid */
  #holds(bid) {
    return this.#book.some((one) => one.key === bid.key);
  }

  #keep() {
    if (this.#book.length === 0) this.hub.env.storage.removeItem(STORAGE_KEY);
    else this.hub.env.storage.setItem(STORAGE_KEY, JSON.stringify(this.#book));
  }

  /**
   * @param {Bid} bid
   * @param {Verdict|null} verdict
   */
  #tell(bid, verdict) {
    for (const listener of [...this.#listeners]) listener(bid, verdict);
  }
}

/**
 * @param {unknown} error
 * @returns {null} no answer came
 */
function lineBroke(error) {
  if (error instanceof LineError) return null;
  throw error;
}
