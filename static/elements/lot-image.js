// The picture of a lot in its mat; without a picture, the first letter of its title, as a catalogue would set it.

import { part, setText, show, template } from './dom.js';

const fill = template('<img data-part="image" alt="" decoding="async" hidden><span class="lot-initial" data-part="initial" aria-hidden="true"></span>');

/** `<lot-image>` */
export class LotImage extends HTMLElement {
  connectedCallback() {
    this.#prepare();
  }

  /** @param {{image: string|null, initial: string, title: string}} lot */
  update({ image, initial, title }) {
    this.#prepare();
    const picture = part(this, 'image', HTMLImageElement);
    setText(part(this, 'initial', HTMLSpanElement), initial);
    if (picture.alt !== title) picture.alt = title;
    if (picture.getAttribute('src') === image) {
      if (!image) this.classList.add('no-image');
      return;
    }
    show(picture, false);
    this.classList.remove('has-image');
    this.classList.toggle('no-image', !image);
    if (image) picture.src = image;
    else picture.removeAttribute('src');
  }

  #prepare() {
    if (this.firstChild) return;
    fill(this);
    const picture = part(this, 'image', HTMLImageElement);
    picture.onload = () => this.#shown(picture, true);
    picture.onerror = () => this.#shown(picture, false);
  }

  /**
   * @param {HTMLImageElement} picture
   * @param {boolean} isGood
   */
  #shown(picture, isGood) {
    show(picture, isGood);
    this.classList.toggle('has-image', isGood);
    this.classList.toggle('no-image', !isGood);
  }
}

customElements.define('lot-image', LotImage);
