// Where a bid is typed and placed. It keeps what the bidder typed whatever happens in the room, says what the button will
// do before it is pressed, and asks once more for an amount that looks like a slip.

import { amountFaultWords, parseAmount } from '../core/amount.js';
import { currencySign, editableMoney, formatMoney } from '../core/money.js';
import { deservesSecondLook, leastAmount, quickAmounts } from '../core/steps.js';
import { LOCALE } from './app.js';
import { keepChildren, part, setText, show, template } from './dom.js';

/**
 * @typedef {import('../core/types.js').LiveState} LiveState
 * @typedef {import('../core/types.js').Step} Step
 */

/** An amount that moved by itself this shortly before the button was pressed was not read by who pressed it. */
const UNREAD_MS = 700;

const fill = template(`
  <form class="bid-box" novalidate>
    <fieldset class="kinds">
      <legend class="visually-hidden">How to bid</legend>
      <label class="kind"><input type="radio" name="kind" value="max" checked><span class="kind-name">Bid up to</span><span class="kind-words">The hub bids for you, one step at a time, and never above this. Nobody sees your maximum.</span></label>
      <label class="kind"><input type="radio" name="kind" value="straight"><span class="kind-name">Bid exactly</span><span class="kind-words">The price goes to this amount at once, for all to see.</span></label>
    </fieldset>
    <div class="quick" role="group" aria-label="Amounts to choose from" data-part="quick"></div>
    <label class="amount-label" for="bid-amount" data-part="amount-label"></label>
    <div class="amount"><span class="amount-sign" aria-hidden="true" data-part="sign"></span><input id="bid-amount" name="amount" inputmode="decimal" autocomplete="off" enterkeyhint="done" aria-describedby="bid-hint" data-part="amount"></div>
    <p class="hint" id="bid-hint" data-part="hint"></p>
    <button type="submit" class="primary" data-part="submit"></button>
    <div class="buy-now" data-part="buy-now" hidden><span class="or">or</span><button type="button" class="secondary" data-part="buy"></button></div>
  </form>`);

/** `<bid-box>` */
export class BidBox extends HTMLElement {
  /** Called with a bid to place. @type {(kind: import('../core/types.js').BidKind, amount: number|null) => void} */
  onBid = () => {};
  /** @type {LiveState|null} */
  #live = null;
  /** @type {readonly Step[]|undefined} */
  #steps;
  #isTyped = false;
  /** What has been asked about once more: an amount, or `buy`. @type {number|'buy'|null} */
  #asked = null;
  /** When the amount last moved by itself, on the clock of `performance.now()`. */
  #movedAt = Number.NEGATIVE_INFINITY;

  connectedCallback() {
    if (this.firstChild) return;
    fill(this);
    const form = this.querySelector('form');
    form?.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit();
    });
    form?.addEventListener('change', () => this.#refresh());
    part(this, 'amount', HTMLInputElement).addEventListener('input', () => {
      this.#isTyped = true;
      this.#asked = null;
      this.#refresh();
    });
    part(this, 'buy', HTMLButtonElement).onclick = () => this.#buy();
  }

  /**
   * @param {LiveState} live
   * @param {readonly Step[]|undefined} steps
   */
  update(live, steps) {
    this.#live = live;
    this.#steps = steps;
    this.#refresh();
  }

  /** Forgets what was typed, as after a bid was placed. */
  clear() {
    this.#isTyped = false;
    this.#asked = null;
    this.#refresh();
    this.#movedAt = Number.NEGATIVE_INFINITY;
  }

  get #kind() {
    return this.querySelector('input[value="max"]:checked') ? /** @type {const} */ ('max') : /** @type {const} */ ('straight');
  }

  #refresh() {
    const live = this.#live;
    if (!live) return;
    const { currency } = live;
    const input = part(this, 'amount', HTMLInputElement);
    const amounts = quickAmounts(live, this.#steps);
    if (!this.#isTyped) this.#prefill(input, editableMoney(amounts[0] ?? leastAmount(live), currency, LOCALE));
    setText(part(this, 'sign', HTMLElement), currencySign(currency, LOCALE));
    setText(part(this, 'amount-label', HTMLElement), this.#kind === 'max' ? 'Your maximum' : 'Your bid');
    keepChildren(part(this, 'quick', HTMLElement), amounts, String, newChip, (chip, amount) => {
      setText(chip, formatMoney(amount, currency, LOCALE));
      chip.setAttribute('aria-pressed', String(this.#amount() === amount));
      chip.onclick = () => this.#choose(amount);
    });
    this.#refreshButtons(live);
  }

  /**
   * @param {HTMLInputElement} input
   * @param {string} text
   */
  #prefill(input, text) {
    if (input.value === text) return;
    if (input.value !== '') this.#movedAt = performance.now();
    this.#asked = this.#asked === 'buy' ? 'buy' : null;
    input.value = text;
  }

  /** @param {LiveState} live */
  #refreshButtons(live) {
    const { currency } = live;
    const amount = this.#amount();
    const least = leastAmount(live);
    const money = formatMoney(amount, currency, LOCALE);
    const verb = this.#kind === 'max' ? (live.you?.leading ? 'Raise maximum to' : 'Bid up to') : 'Bid exactly';
    const words = amount === null ? 'Place bid' : this.#asked === amount ? `Yes, ${verb.toLowerCase()} ${money}` : `${verb} ${money}`;
    setText(part(this, 'submit', HTMLButtonElement), words);
    const isLow = amount !== null && amount < least;
    const input = part(this, 'amount', HTMLInputElement);
    if (isLow && this.#isTyped) input.setAttribute('aria-invalid', 'true');
    else input.removeAttribute('aria-invalid');
    setText(part(this, 'hint', HTMLElement), this.#hint(live, amount, isLow));
    part(this, 'hint', HTMLElement).classList.toggle('is-problem', this.#isTyped && (isLow || amount === null || this.#asked === amount));
    show(part(this, 'buy-now', HTMLElement), live.buy_now !== null);
    const price = formatMoney(live.buy_now, currency, LOCALE);
    setText(part(this, 'buy', HTMLButtonElement), this.#asked === 'buy' ? `Yes, buy it for ${price}` : `Buy now for ${price}`);
  }

  /**
   * @param {LiveState} live
   * @param {number|null} amount
   * @param {boolean} isLow
   */
  #hint(live, amount, isLow) {
    const { currency, you } = live;
    const ownMax = you?.leading ? you.max : null;
    if (amount !== null && this.#asked === amount) {
      return deservesSecondLook(amount, live.minimum_bid) ? 'More than ten times the minimum. Press again if you mean it.' : 'The amount rose just before you pressed. Press again to bid it.';
    }
    if (this.#isTyped && amount === null) {
      const parsed = parseAmount(part(this, 'amount', HTMLInputElement).value, currency, LOCALE);
      return parsed.ok ? '' : amountFaultWords(parsed.fault, currency);
    }
    if (ownMax != null) return `Enter more than your max of ${formatMoney(ownMax, currency, LOCALE)} to raise it.`;
    const least = formatMoney(live.minimum_bid, currency, LOCALE);
    return isLow ? `The minimum bid is now ${least}.` : `Minimum bid ${least}`;
  }

  #amount() {
    if (!this.#live) return null;
    const parsed = parseAmount(part(this, 'amount', HTMLInputElement).value, this.#live.currency, LOCALE);
    return parsed.ok ? parsed.amount : null;
  }

  /** @param {number} amount */
  #choose(amount) {
    if (!this.#live) return;
    part(this, 'amount', HTMLInputElement).value = editableMoney(amount, this.#live.currency, LOCALE);
    this.#isTyped = true;
    this.#asked = null;
    this.#refresh();
  }

  #submit() {
    const live = this.#live;
    const amount = this.#amount();
    if (!live || amount === null || amount < leastAmount(live)) {
      this.#isTyped = true;
      part(this, 'amount', HTMLInputElement).focus();
      this.#refresh();
      return;
    }
    const isUnread = !this.#isTyped && performance.now() - this.#movedAt < UNREAD_MS;
    if ((isUnread || deservesSecondLook(amount, live.minimum_bid)) && this.#asked !== amount) {
      this.#asked = amount;
      this.#isTyped = true;
      this.#refresh();
      return;
    }
    this.onBid(this.#kind, amount);
  }

  #buy() {
    if (this.#asked !== 'buy') {
      this.#asked = 'buy';
      this.#refresh();
      return;
    }
    this.#asked = null;
    this.onBid('buy_now', null);
    this.#refresh();
  }
}

/** @returns {HTMLButtonElement} */
function newChip() {
  const chip = document.createElement('button');
  chip.type = 'button';
  chip.className = 'chip';
  return chip;
}

customElements.define('bid-box', BidBox);
