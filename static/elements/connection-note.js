// Says when the line to the hub is down, and that it is being mended. A short blink is not worth a word.

import { part, setText, show, template } from './dom.js';

/** How long the line may be down before anything is said. */
const PATIENCE_MS = 1_200;

const fill = template('<p class="connection-note" role="status"><span data-part="words"></span></p>');

/** `<connection-note>` */
export class ConnectionNote extends HTMLElement {
  #timer = 0;

  connectedCallback() {
    if (!this.firstChild) fill(this);
    show(this, false);
  }

  /** @param {import('../net/socket.js').LineStatus} status */
  update(status) {
    if (status === 'online') {
      window.clearTimeout(this.#timer);
      this.#timer = 0;
      show(this, false);
      setText(part(this, 'words', HTMLSpanElement), '');
    } else if (this.#timer === 0) {
      this.#timer = window.setTimeout(() => {
        show(this, true);
        setText(part(this, 'words', HTMLSpanElement), 'Reconnecting to the hub. Prices shown may be old; a bid you placed is kept and counts once.');
      }, PATIENCE_MS);
    }
  }
}

customElements.define('connection-note', ConnectionNote);
