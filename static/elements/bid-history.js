// The bids of a room, newest first: who (by alias), how much, the price after it, when.

import { formatMoney } from '../core/money.js';
import { formatBidTime, parseTime } from '../core/time.js';
import { LOCALE } from './app.js';
import { keepChildren, part, setText, show, template } from './dom.js';

const fill = template(`
  <section class="history" aria-labelledby="history-heading">
    <h2 id="history-heading">Bids <span class="count" data-part="count"></span></h2>
    <p class="plain-note" data-part="empty">No bids yet.</p>
    <table data-part="table" hidden>
      <thead><tr><th scope="col">Bidder</th><th scope="col" class="num">Bid</th><th scope="col" class="num">Price</th><th scope="col" class="num">Time</th></tr></thead>
      <tbody data-part="rows"></tbody>
    </table>
    <p class="more"><button type="button" class="quiet" data-part="more" hidden>Earlier bids</button></p>
  </section>`);
const fillRow = template('<td data-part="bidder"></td><td class="num" data-part="amount"></td><td class="num strong" data-part="price"></td><td class="num"><time data-part="at"></time></td>');

/** `<bid-history>` */
export class BidHistory extends HTMLElement {
  /** Called when earlier bids are asked for. */
  onMore = () => {};

  connectedCallback() {
    if (this.firstChild) return;
    fill(this);
    part(this, 'more', HTMLButtonElement).onclick = () => this.onMore();
  }

  /**
   * @param {import('../core/room.js').Room} room
   * @param {number} now the hub's time
   * @param {boolean} hasMore whether the hub has earlier bids than these
   */
  update({ history, live }, now, hasMore) {
    const currency = live?.currency ?? 'USD';
    const alias = live?.you?.alias ?? null;
    setText(part(this, 'count', HTMLElement), live?.bid_count ? String(live.bid_count) : '');
    show(part(this, 'empty', HTMLElement), history.length === 0);
    show(part(this, 'table', HTMLElement), history.length > 0);
    show(part(this, 'more', HTMLButtonElement), hasMore);
    keepChildren(part(this, 'rows', HTMLElement), history, (row) => String(row.seq), newRow, (element, row) => {
      element.classList.toggle('own', row.bidder === alias);
      setText(part(element, 'bidder', HTMLElement), row.bidder === alias ? `${row.bidder} (you)` : row.bidder);
      setText(part(element, 'amount', HTMLElement), formatMoney(row.amount, currency, LOCALE));
      setText(part(element, 'price', HTMLElement), formatMoney(row.price, currency, LOCALE));
      const at = part(element, 'at', HTMLTimeElement);
      at.dateTime = row.at;
      setText(at, formatBidTime(parseTime(row.at) ?? now, now, LOCALE));
    });
  }
}

/** @returns {HTMLTableRowElement} */
function newRow() {
  const row = document.createElement('tr');
  fillRow(row);
  return row;
}

customElements.define('bid-history', BidHistory);
