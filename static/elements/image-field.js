// The picture of a lot to be: sent as soon as it is chosen, shown as the hub made it, and named in the form by its address.

import { problemWords } from '../core/codes.js';
import { Problem } from '../net/rest.js';
import { part, setText, show, template } from './dom.js';
import { clearFieldProblem, showFieldProblem } from './form.js';

const fill = template(`
  <div class="field">
    <label for="image">Picture <small>optional</small></label>
    <input id="image" name="image" type="file" accept="image/png,image/jpeg,image/webp" aria-describedby="image-hint" data-part="file">
    <p class="hint" id="image-hint">A PNG, a JPEG or a WebP. Nothing of the file is kept but what is to be seen.</p>
    <p class="hint" role="status" data-part="said"></p>
    <div class="chosen-image" data-part="chosen" hidden><img alt="The picture of this lot" data-part="picture"><button type="button" class="quiet" data-part="remove">Remove picture</button></div>
    <input type="hidden" name="image_url" data-part="address">
  </div>`);

/** `<image-field>`, within a form */
export class ImageField extends HTMLElement {
  /** What is on its way: whether it arrived. @type {Promise<boolean>} */
  #sent = Promise.resolve(true);
  /** Counts what was chosen: only the last of it counts. */
  #choice = 0;

  /** @param {(file: File) => Promise<import('../core/types.js').Image>} send */
  start(send) {
    fill(this);
    const file = part(this, 'file', HTMLInputElement);
    file.addEventListener('change', () => {
      const [chosen] = file.files ?? [];
      if (chosen) this.#sent = this.#send(chosen, send);
      else this.#forget('');
    });
    part(this, 'remove', HTMLButtonElement).addEventListener('click', () => {
      this.#forget('The picture is removed.');
      file.focus();
    });
  }

  /**
   * Waits for what is on its way.
   * @returns {Promise<boolean>} false if the picture did not arrive, which the field says
   */
  settled() {
    return this.#sent;
  }

  /**
   * @param {File} file
   * @param {(file: File) => Promise<import('../core/types.js').Image>} send
   * @returns {Promise<boolean>}
   */
  async #send(file, send) {
    this.#forget('The picture is on its way…', false);
    const choice = this.#choice;
    try {
      const image = await send(file);
      if (choice === this.#choice) this.#show(image);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (choice !== this.#choice) return this.#sent;
      this.#forget('');
      if (this.#form) showFieldProblem(this.#form, 'image', problemWords(error));
      return false;
    }
    // Another one may have been chosen meanwhile.
    return choice === this.#choice || this.#sent;
  }

  /** @param {import('../core/types.js').Image} image */
  #show(image) {
    part(this, 'address', HTMLInputElement).value = image.url;
    part(this, 'picture', HTMLImageElement).src = image.thumbnail_url;
    show(part(this, 'chosen', HTMLElement), true);
    setText(part(this, 'said', HTMLElement), 'The picture is there.');
  }

  /**
   * @param {string} words
   * @param {boolean} [emptied] whether the browser's own field is emptied too
   */
  #forget(words, emptied = true) {
    this.#choice += 1;
    if (emptied) {
      part(this, 'file', HTMLInputElement).value = '';
      this.#sent = Promise.resolve(true);
    }
    part(this, 'address', HTMLInputElement).value = '';
    part(this, 'picture', HTMLImageElement).removeAttribute('src');
    show(part(this, 'chosen', HTMLElement), false);
    setText(part(this, 'said', HTMLElement), words);
    if (this.#form) clearFieldProblem(this.#form, 'image');
  }

  get #form() {
    return this.closest('form');
  }
}

customElements.define('image-field', ImageField);
