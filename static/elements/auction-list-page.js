// The list of auctions: filter by status, price, time left. It looks again now and then while it is seen.

import { problemWords } from '../core/codes.js';
import { lotOf } from '../core/lot.js';
import { Problem } from '../net/rest.js';
import { PageElement } from './app.js';
import { keepChildren, part, setText, show, template } from './dom.js';
import { LotCard } from './lot-card.js';

/** How often the first page is read again. */
const REFRESH_MS = 15_000;
/** @type {Readonly<Record<string, string>>} */
const EMPTY_WORDS = Object.freeze({
  open: 'Nothing is under the hammer right now. See what comes next under Upcoming.',
  scheduled: 'No auction is announced. Sell something?',
  ended: 'No auction has ended yet.',
  '': 'There are no auctions yet. Yours could be the first.',
});

const fill = template(`
  <section class="page lots-page">
    <div class="page-head">
      <h1>The saleroom</h1>
      <nav class="filter" aria-label="Which auctions">
        <a href="/" data-status="open">Open</a>
        <a href="/?status=scheduled" data-status="scheduled">Upcoming</a>
        <a href="/?status=ended" data-status="ended">Ended</a>
        <a href="/?status=all" data-status="">All</a>
      </nav>
    </div>
    <p class="plain-note" data-part="note" role="status">Loading…</p>
    <div class="lots" role="list" data-part="lots"></div>
    <p class="more"><button type="button" class="quiet" data-part="more" hidden>More auctions</button></p>
  </section>`);

/** `<auction-list-page>` */
export class AuctionListPage extends PageElement {
  /** @type {Map<string, import('../core/lot.js').Lot>} */
  #lots = new Map();
  /** @type {string|null} */
  #next = null;
  #status = 'open';

  connectedCallback() {
    this.heading = 'Auctions';
    fill(this);
    const wanted = this.route.query.get('status') ?? 'open';
    this.#status = wanted === 'all' ? '' : wanted;
    for (const link of this.querySelectorAll('[data-status]')) {
      if (link instanceof HTMLElement && link.dataset.status === this.#status) link.setAttribute('aria-current', 'page');
    }
    part(this, 'more', HTMLButtonElement).onclick = () => this.#load(this.#next);
    const timer = window.setInterval(() => document.visibilityState === 'visible' && this.#load(null), REFRESH_MS);
    this.leaving.push(() => window.clearInterval(timer));
    this.#load(null);
  }

  /** @param {string|null} cursor */
  async #load(cursor) {
    try {
      const { items, next } = await this.app.rest.auctions({ status: this.#status, cursor });
      const hadMore = this.#lots.size > items.length && cursor === null;
      // The first page read again keeps the pages below it, but not a lot that has left this list.
      if (cursor === null && !hadMore) this.#lots.clear();
      for (const item of items) this.#lots.set(item.id, lotOf(item));
      if (!hadMore) this.#next = next;
      this.#update(null);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.#update(problemWords(error));
    }
  }

  /** @param {string|null} problem */
  #update(problem) {
    if (!this.isConnected) return;
    const lots = [...this.#lots.values()];
    const words = problem ?? (lots.length === 0 ? (EMPTY_WORDS[this.#status] ?? EMPTY_WORDS['']) : '');
    const note = part(this, 'note', HTMLElement);
    setText(note, words ?? '');
    show(note, Boolean(words));
    show(part(this, 'more', HTMLButtonElement), this.#next !== null);
    keepChildren(part(this, 'lots', HTMLDivElement), lots, (lot) => lot.id, newCard, (card, lot) => card.update(lot, () => this.app.hub.serverNow()));
  }
}

/** @returns {LotCard} */
function newCard() {
  return new LotCard();
}

customElements.define('auction-list-page', AuctionListPage);
