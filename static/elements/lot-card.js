// One lot in the list.

import { lotPriceLabel } from '../core/lot.js';
import { formatMoney } from '../core/money.js';
import { formatMoment } from '../core/time.js';
import { STATUS_WORDS } from '../core/words.js';
import { LOCALE } from './app.js';
import { part, setText, show, template } from './dom.js';
import { LotImage } from './lot-image.js';
import { TimeLeft } from './time-left.js';

const fill = template(`
  <article class="lot">
    <a class="lot-link" data-part="link">
      <lot-image data-part="image"></lot-image>
      <h2 data-part="title"></h2>
    </a>
    <dl>
      <div><dt data-part="price-label"></dt><dd class="lot-price" data-part="price"></dd></div>
      <div class="lot-when"><dt data-part="when-label"></dt><dd><time-left data-part="left"></time-left><span data-part="when"></span></dd></div>
    </dl>
    <p class="lot-bids" data-part="bids"></p>
  </article>`);

/** `<lot-card>` */
export class LotCard extends HTMLElement {
  connectedCallback() {
    this.setAttribute('role', 'listitem');
  }

  /**
   * @param {import('../core/lot.js').Lot} lot
   * @param {() => number} now the hub's time
   */
  update(lot, now) {
    if (!this.firstChild) fill(this);
    const isOpen = lot.status === 'open';
    const isScheduled = lot.status === 'scheduled';
    const moment = isScheduled ? lot.startsAt : lot.endsAt;
    part(this, 'link', HTMLAnchorElement).setAttribute('href', lot.href);
    part(this, 'image', LotImage).update(lot);
    setText(part(this, 'title', HTMLElement), lot.title);
    setText(part(this, 'price-label', HTMLElement), lotPriceLabel(lot));
    setText(part(this, 'price', HTMLElement), formatMoney(lot.price, lot.currency, LOCALE));
    setText(part(this, 'when-label', HTMLElement), isOpen ? 'Ends in' : isScheduled ? 'Opens' : STATUS_WORDS[lot.status]);
    const left = part(this, 'left', TimeLeft);
    show(left, isOpen);
    left.now = now;
    left.update(lot.endsAt, { isStill: !isOpen });
    setText(part(this, 'when', HTMLElement), isOpen || moment === null ? '' : formatMoment(moment, LOCALE));
    setText(part(this, 'bids', HTMLElement), lot.bids === 0 ? 'No bids yet' : lot.bids === 1 ? '1 bid' : `${lot.bids} bids`);
  }
}

customElements.define('lot-card', LotCard);
