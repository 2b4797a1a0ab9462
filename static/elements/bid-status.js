// What became of this bidder's own bids: those whose answer is outstanding, and the last verdict in plain words.

import { rejectionWords } from '../core/codes.js';
import { formatMoney } from '../core/money.js';
import { LOCALE } from './app.js';
import { keepChildren, part, setText, show, template } from './dom.js';

/**
 * @typedef {import('../core/bid-book.js').Bid} Bid
 * @typedef {{bid: Bid, verdict: import('../core/bid-book.js').Verdict}} Settled
 */

const fill = template('<ul class="pending" data-part="pending"></ul><p class="verdict" data-part="verdict" role="status" aria-live="assertive"></p>');

/** `<bid-status>` */
export class BidStatus extends HTMLElement {
  connectedCallback() {
    if (!this.firstChild) fill(this);
  }

  /**
   * @param {readonly Bid[]} outstanding
   * @param {Settled|null} settled the last verdict
   * @param {string} currency
   * @param {boolean} isOnline
   */
  update(outstanding, settled, currency, isOnline) {
    show(this, outstanding.length > 0 || settled !== null);
    keepChildren(part(this, 'pending', HTMLElement), outstanding, (bid) => bid.key, newItem, (item, bid) => {
      setText(item, `${bidName(bid, currency)} – ${isOnline ? 'waiting for the hub…' : 'kept, goes out again when the line is back; it counts once'}`);
    });
    const verdict = part(this, 'verdict', HTMLElement);
    verdict.dataset.kind = settled?.verdict.accepted ? 'good' : 'bad';
    show(verdict, settled !== null);
    setText(verdict, settled ? verdictText(settled, currency) : '');
  }
}

/**
 * @param {Settled} settled
 * @param {string} currency
 */
function verdictText({ bid, verdict }, currency) {
  const { answer, accepted, code } = verdict;
  if (!accepted) return rejectionWords(code ?? '', { minimum_bid: answer.minimum_bid, currency, locale: LOCALE, message: answer.message });
  if (bid.kind === 'buy_now') return 'It is yours.';
  if (answer.leading) return `${bidName(bid, currency)} – taken, and it leads.`;
  return `${bidName(bid, currency)} – taken, but a higher maximum was there first. The minimum bid is now ${formatMoney(answer.minimum_bid, currency, LOCALE)}.`;
}

/**
 * @param {Bid} bid
 * @param {string} currency
 */
function bidName({ kind, amount }, currency) {
  if (kind === 'buy_now') return 'Buy now';
  return `${kind === 'max' ? 'Bid up to' : 'Bid of'} ${formatMoney(amount, currency, LOCALE)}`;
}

/** @returns {HTMLLIElement} */
function newItem() {
  return document.createElement('li');
}

customElements.define('bid-status', BidStatus);
