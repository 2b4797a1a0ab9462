// The live side of a lot: status, price, who leads, time left, and what just happened. Price and lead are read out as
// they change; the countdown says its own marks.

import { formatMoney } from '../core/money.js';
import { parseTime } from '../core/time.js';
import { RESERVE_WORDS, STATUS_WORDS, closedWords, noticeWords, priceLabel, standingOf, standingWords } from '../core/words.js';
import { LOCALE, momentWords } from './app.js';
import { part, setText, show, template } from './dom.js';
import { TimeLeft } from './time-left.js';

/** How long a change of price is marked. */
const FLASH_MS = 1_200;

const fill = template(`
  <div class="room-state"><span class="badge" data-part="status"></span><span class="reserve" data-part="reserve"></span><span class="viewers" data-part="viewers"></span></div>
  <div class="room-figures">
    <div class="figure"><span class="label" data-part="price-label"></span><output class="price" data-part="price"></output></div>
    <div class="figure when"><span class="label" data-part="when-label"></span><time-left data-part="left"></time-left><span class="ends" data-part="ends"></span></div>
  </div>
  <p class="standing" data-part="standing"></p>
  <p class="visually-hidden" aria-live="polite" data-part="aloud"></p>
  <p class="notice" data-part="notice" role="status" hidden></p>
  <p class="closed" data-part="closed" hidden></p>`);

/** `<room-panel>` */
export class RoomPanel extends HTMLElement {
  /** @type {number|null} */
  #price = null;
  #timer = 0;

  connectedCallback() {
    if (!this.firstChild) fill(this);
  }

  /**
   * @param {import('../core/room.js').Room} room
   * @param {() => number} now the hub's time
   */
  update({ live, notice, viewers }, now) {
    if (!live) return;
    const status = part(this, 'status', HTMLElement);
    setText(status, STATUS_WORDS[live.status]);
    status.dataset.status = live.status;
    setText(part(this, 'reserve', HTMLElement), live.reserve === 'none' ? '' : RESERVE_WORDS[live.reserve]);
    setText(part(this, 'viewers', HTMLElement), viewers ? `${viewers} watching` : '');
    this.#showPrice(live);
    this.#showTime(live, now);
    const standing = part(this, 'standing', HTMLElement);
    standing.dataset.standing = standingOf(live);
    setText(standing, standingWords(live, LOCALE));
    setText(part(this, 'aloud', HTMLElement), `${priceLabel(live)} ${formatMoney(live.price ?? live.minimum_bid, live.currency, LOCALE)}. ${standingWords(live, LOCALE)}`);
    const closed = closedWords(live, LOCALE, momentWords);
    const noticed = notice && !closed ? noticeWords(notice, live.currency, LOCALE, momentWords) : '';
    show(part(this, 'notice', HTMLElement), noticed !== '');
    setText(part(this, 'notice', HTMLElement), noticed);
    show(part(this, 'closed', HTMLElement), closed !== null);
    setText(part(this, 'closed', HTMLElement), closed ?? '');
  }

  /** @param {import('../core/types.js').LiveState} live */
  #showPrice(live) {
    const price = live.price ?? live.minimum_bid;
    setText(part(this, 'price-label', HTMLElement), priceLabel(live));
    const output = part(this, 'price', HTMLElement);
    setText(output, formatMoney(price, live.currency, LOCALE));
    if (this.#price !== null && this.#price !== price) {
      output.classList.add('has-changed');
      window.clearTimeout(this.#timer);
      this.#timer = window.setTimeout(() => output.classList.remove('has-changed'), FLASH_MS);
    }
    this.#price = price;
  }

  /**
   * @param {import('../core/types.js').LiveState} live
   * @param {() => number} now
   */
  #showTime(live, now) {
    const isScheduled = live.status === 'scheduled';
    const isCounting = isScheduled || live.status === 'open';
    const moment = isScheduled ? live.starts_at : live.ends_at;
    const left = part(this, 'left', TimeLeft);
    left.now = now;
    left.update(parseTime(moment), { isStill: !isCounting, over: isScheduled ? 'Opening' : 'Closing' });
    show(left, isCounting);
    setText(part(this, 'when-label', HTMLElement), isScheduled ? 'Opens in' : isCounting ? 'Ends in' : live.status === 'ended' ? 'Ended' : 'Time kept');
    setText(part(this, 'ends', HTMLElement), isCounting || live.status === 'ended' ? momentWords(moment) : '');
    show(part(this, 'ends', HTMLElement).parentElement ?? this, isCounting || live.status === 'ended');
  }
}

customElements.define('room-panel', RoomPanel);
