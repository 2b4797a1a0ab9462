// Putting a lot up for auction.

import { readTerms } from '../core/terms.js';
import { LOCALE, PageElement } from './app.js';
import { part, template } from './dom.js';
import { clearProblems, onSubmit, showFieldProblem } from './form.js';
import { ImageField } from './image-field.js';

/** Suggested length of an auction. */
const SUGGESTED_LENGTH_MS = 3 * 24 * 60 * 60 * 1_000;

const fill = template(`
  <section class="page narrow">
    <h1>Sell</h1>
    <p class="lead">Describe the lot, set the opening price and the end. Terms can be changed until the first bid.</p>
    <form data-part="form">
      <div class="field"><label for="title">Title</label><input id="title" name="title" required maxlength="120"></div>
      <div class="field"><label for="description">Description</label><textarea id="description" name="description" rows="5" maxlength="8000"></textarea></div>
      <image-field data-part="image"></image-field>
      <div class="columns">
        <div class="field"><label for="category">Category</label><input id="category" name="category" list="categories" required maxlength="60"><datalist id="categories"><option>Art</option><option>Books</option><option>Clocks</option><option>Furniture</option><option>Jewellery</option><option>Music</option><option>Photography</option><option>Wine</option></datalist></div>
        <div class="field"><label for="currency">Currency</label><select id="currency" name="currency"><option>USD</option><option>EUR</option><option>GBP</option><option>CHF</option><option>JPY</option><option>KWD</option></select></div>
      </div>
      <div class="columns thirds">
        <div class="field"><label for="opening_price">Opening price</label><input id="opening_price" name="opening_price" inputmode="decimal" autocomplete="off" required></div>
        <div class="field"><label for="reserve">Reserve <small>optional</small></label><input id="reserve" name="reserve" inputmode="decimal" autocomplete="off" aria-describedby="reserve-hint"><p class="hint" id="reserve-hint">Hidden. Below it the lot is not sold.</p></div>
        <div class="field"><label for="buy_now">Buy now <small>optional</small></label><input id="buy_now" name="buy_now" inputmode="decimal" autocomplete="off" aria-describedby="buy-hint"><p class="hint" id="buy-hint">Ends the auction at once.</p></div>
      </div>
      <div class="columns">
        <div class="field"><label for="starts_at">Opens <small>empty: at once</small></label><input id="starts_at" name="starts_at" type="datetime-local"></div>
        <div class="field"><label for="ends_at">Ends</label><input id="ends_at" name="ends_at" type="datetime-local" required aria-describedby="ends-hint"><p class="hint" id="ends-hint">A bid near the end gives the others more time.</p></div>
      </div>
      <p class="form-error" data-form-error role="alert" hidden></p>
      <button type="submit" class="primary">Put up for auction</button>
    </form>
  </section>`);

/** `<sell-page>` */
export class SellPage extends PageElement {
  connectedCallback() {
    this.heading = 'Sell';
    fill(this);
    const form = part(this, 'form', HTMLFormElement);
    const ends = form.elements.namedItem('ends_at');
    if (ends instanceof HTMLInputElement) ends.value = localMinute(this.app.hub.serverNow() + SUGGESTED_LENGTH_MS);
    const image = part(this, 'image', ImageField);
    image.start((file) => this.app.rest.uploadImage(file));
    onSubmit(form, async () => {
      if (!(await image.settled())) return;
      const values = new FormData(form);
      const typed = Object.fromEntries(Array.from(values, ([name, value]) => [name, String(value)]));
      const read = readTerms(typed, this.app.hub.serverNow(), LOCALE);
      clearProblems(form);
      if (!read.ok) return showFieldProblem(form, read.field, read.words);
      const auction = await this.app.rest.createAuction(read.terms);
      this.app.go(`/auctions/${encodeURIComponent(auction.id)}`);
    });
  }
}

/**
 * A moment as `datetime-local` inputs have it: local time, to the minute.
 * @param {number} ms
 */
function localMinute(ms) {
  const shifted = ms - new Date(ms).getTimezoneOffset() * 60_000;
  return new Date(shifted).toISOString().slice(0, 16);
}

customElements.define('sell-page', SellPage);
