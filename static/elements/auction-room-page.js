// One auction, live: the lot, its room, the bid box and the bids. It brings the parts together and draws nothing itself.

import { problemWords } from '../core/codes.js';
import { isSeller, lotOf } from '../core/lot.js';
import { Problem } from '../net/rest.js';
import { RoomFeed } from '../net/room-feed.js';
import { PageElement } from './app.js';
import { BidBox } from './bid-box.js';
import { BidHistory } from './bid-history.js';
import { BidStatus } from './bid-status.js';
import { part, setText, show, template } from './dom.js';
import { LotImage } from './lot-image.js';
import { RoomPanel } from './room-panel.js';

/** Between two tries to read the history. */
const HISTORY_RETRY_MS = 5_000;

const fill = template(`
  <article class="page room-page">
    <p class="crumb"><a href="/">← All auctions</a></p>
    <p class="plain-note" data-part="note" role="status">Loading…</p>
    <div class="room" data-part="room" hidden>
      <header class="room-head"><p class="category" data-part="category"></p><h1 data-part="title"></h1></header>
      <lot-image class="room-image" data-part="image"></lot-image>
      <aside class="room-side" aria-label="Bidding">
        <room-panel data-part="panel"></room-panel>
        <bid-status data-part="status"></bid-status>
        <bid-box data-part="box"></bid-box>
        <p class="sign-in-note" data-part="sign-in" hidden><a data-part="sign-in-link">Sign in</a> or <a data-part="sign-up-link">open an account</a> to bid. Watching is free.</p>
        <p class="sign-in-note" data-part="own-lot" hidden>This is your own lot. You see all bids here as they come; only others can bid.</p>
      </aside>
      <div class="room-more">
        <section class="description" data-part="about" aria-labelledby="about-heading"><h2 id="about-heading">The lot</h2><p data-part="description"></p></section>
        <bid-history data-part="history"></bid-history>
      </div>
    </div>
  </article>`);

/** `<auction-room-page>` */
export class AuctionRoomPage extends PageElement {
  /** @type {import('../core/types.js').Auction|null} */
  #auction = null;
  /** @type {RoomFeed|null} */
  #feed = null;
  /** @type {import('./bid-status.js').Settled|null} */
  #settled = null;
  /** @type {string|null} where the bids before the shown ones begin */
  #earlier = null;
  #isReading = false;

  connectedCallback() {
    fill(this);
    const { hub, bidder, session } = this.app;
    const id = this.route.id ?? '';
    const feed = new RoomFeed(hub, id, () => this.#update());
    this.#feed = feed;
    this.leaving.push(
      () => feed.stop(),
      bidder.on((bid, verdict) => this.#bidMoved(bid, verdict)),
      session.on(() => {
        feed.renew();
        this.#update();
      }),
      hub.on('status', () => this.#update()),
    );
    part(this, 'box', BidBox).onBid = (kind, amount) => this.#place(kind, amount);
    part(this, 'history', BidHistory).onMore = () => this.#readHistory(this.#earlier);
    const back = `?return=${encodeURIComponent(`/auctions/${id}`)}`;
    part(this, 'sign-in-link', HTMLAnchorElement).href = `/sign-in${back}`;
    part(this, 'sign-up-link', HTMLAnchorElement).href = `/sign-up${back}`;
    this.#load(id);
    feed.start();
  }

  /** @param {string} id */
  async #load(id) {
    try {
      const auction = await this.app.rest.auction(id);
      this.#auction = auction;
      this.heading = auction.title;
      document.title = `${auction.title} · bidhub`;
      this.#update();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      setText(part(this, 'note', HTMLElement), error.status === 404 ? 'There is no such auction.' : problemWords(error));
    }
  }

  #update() {
    const auction = this.#auction;
    const feed = this.#feed;
    if (!auction || !feed || !this.isConnected) return;
    const room = feed.room.live || !auction.state ? feed.room : { ...feed.room, live: auction.state };
    show(part(this, 'note', HTMLElement), !room.live);
    show(part(this, 'room', HTMLElement), Boolean(room.live));
    if (!room.live) return;
    const now = () => this.app.hub.serverNow();
    setText(part(this, 'title', HTMLElement), auction.title);
    setText(part(this, 'category', HTMLElement), auction.category ?? '');
    setText(part(this, 'description', HTMLElement), auction.description ?? '');
    show(part(this, 'about', HTMLElement), Boolean(auction.description));
    part(this, 'image', LotImage).update(lotOf(auction));
    part(this, 'panel', RoomPanel).update(room, now);
    const isOpen = room.live.status === 'open';
    const isSignedIn = this.app.session.user !== null;
    const isOwn = isSeller(auction, this.app.session.user);
    show(part(this, 'box', BidBox), isOpen && isSignedIn && !isOwn);
    show(part(this, 'own-lot', HTMLElement), isOpen && isOwn);
    show(part(this, 'sign-in', HTMLElement), this.app.session.isKnown && !isSignedIn && (isOpen || room.live.status === 'scheduled'));
    part(this, 'box', BidBox).update(room.live, auction.increments);
    // "It leads" is true only as long as it does and bids are taken; then the standing says what is true now.
    const isOver = room.live.status === 'ended' || room.live.status === 'stopped';
    if (this.#settled?.verdict.answer.leading && (isOver || (room.live.you?.alias && !room.live.you.leading))) this.#settled = null;
    part(this, 'status', BidStatus).update(this.app.bidder.outstanding(auction.id), this.#settled, room.live.currency, this.app.hub.status === 'online');
    part(this, 'history', BidHistory).update(room, now(), this.#earlier !== null);
    if (feed.room.live && room.historyStale) this.#readHistory(null);
  }

  /**
   * @param {import('../core/types.js').BidKind} kind
   * @param {number|null} amount
   */
  #place(kind, amount) {
    if (!this.#auction) return;
    this.#settled = null;
    if (this.app.bidder.place(this.#auction.id, kind, amount)) part(this, 'box', BidBox).clear();
    this.#update();
  }

  /**
   * @param {import('../core/bid-book.js').Bid} bid
   * @param {import('../core/bid-book.js').Verdict|null} verdict
   */
  #bidMoved(bid, verdict) {
    if (bid.auction !== this.route.id) return;
    if (verdict) {
      this.#settled = { bid, verdict };
      this.#feed?.take({ ...verdict.answer, auction: bid.auction });
      if (verdict.code === 'unauthenticated') this.app.session.set(null);
    }
    this.#update();
  }

  /** @param {string|null} cursor where to go on, or null for the newest bids */
  async #readHistory(cursor) {
    if (this.#isReading || !this.#feed || !this.#auction) return;
    this.#isReading = true;
    try {
      const { items, next, upTo } = await this.app.rest.bids(this.#auction.id, cursor);
      this.#earlier = next;
      this.#isReading = false;
      this.#feed.take({ type: 'history', items, upTo: cursor === null ? (upTo ?? items[0]?.seq ?? 0) : null });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      const timer = window.setTimeout(() => {
        this.#isReading = false;
        this.#update();
      }, HISTORY_RETRY_MS);
      this.leaving.push(() => window.clearTimeout(timer));
    }
  }
}

customElements.define('auction-room-page', AuctionRoomPage);
