// A countdown on the hub's clock. It ticks by itself and says the marks that matter (five minutes, one, ten seconds) aloud.

import { countdown, passedMark, spokenTime, urgency } from '../core/time.js';
import { part, setText, template } from './dom.js';

/** How often the text is looked at. */
const TICK_MS = 200;

const fill = template('<span data-part="clock" aria-hidden="true"></span><span class="visually-hidden" data-part="spoken"></span><span class="visually-hidden" data-part="mark" aria-live="polite"></span>');

/** `<time-left>` */
export class TimeLeft extends HTMLElement {
  /** @type {() => number} the hub's time */
  now = () => Date.now();
  /** @type {number|null} milliseconds since 1970 */
  #until = null;
  #isStill = false;
  #over = 'Closing';
  #left = Number.POSITIVE_INFINITY;
  #timer = 0;

  connectedCallback() {
    if (!this.firstChild) fill(this);
    this.#timer = window.setInterval(() => this.#tick(), TICK_MS);
    this.#tick();
  }

  disconnectedCallback() {
    window.clearInterval(this.#timer);
  }

  /**
   * @param {number|null} until milliseconds since 1970
   * @param {{isStill?: boolean, over?: string}} [how] a still one shows no countdown; `over` is said at zero
   */
  update(until, { isStill = false, over = 'Closing' } = {}) {
    if (until !== this.#until) this.#left = Number.POSITIVE_INFINITY;
    this.#until = until;
    this.#isStill = isStill;
    this.#over = over;
    if (this.isConnected) this.#tick();
  }

  #tick() {
    const left = this.#until === null ? null : this.#until - this.now();
    const isCounting = left !== null && !this.#isStill;
    this.dataset.urgency = isCounting ? urgency(left) : 'still';
    const clock = left === null || this.#isStill ? '–' : left <= 0 ? this.#over : countdown(left);
    setText(part(this, 'clock', HTMLSpanElement), clock);
    setText(part(this, 'spoken', HTMLSpanElement), !isCounting ? '' : left <= 0 ? this.#over : left > 60_000 ? spokenTime(Math.ceil(left / 60_000) * 60_000) : 'less than a minute');
    if (!isCounting) return;
    const mark = passedMark(this.#left, left);
    if (mark !== null && Number.isFinite(this.#left)) setText(part(this, 'mark', HTMLSpanElement), `${spokenTime(mark)} left`);
    this.#left = left;
  }
}

customElements.define('time-left', TimeLeft);
