// What the pages share: the line to the hub, the calls, who is signed in, how to go elsewhere. Built once in main.js.

import { formatBidTime, parseTime } from '../core/time.js';

/**
 * @typedef {object} App
 * @property {import('../net/rest.js').Rest} rest
 * @property {import('../net/socket.js').HubSocket} hub
 * @property {import('../net/bidder.js').Bidder} bidder
 * @property {import('../net/session.js').Session} session
 * @property {(path: string) => void} go shows another page of this site
 */

/** The locale of numbers and times; the words of the page are English. */
export const LOCALE = navigator.language || 'en';

/**
 * @param {string|null|undefined} text a moment as the hub writes it
 * @returns {string}
 */
export function momentWords(text) {
  const ms = parseTime(text);
  return ms === null ? 'soon' : formatBidTime(ms, Date.now(), LOCALE);
}

/**
 * A page of the site: an element that is given the app and its route before it is shown.
 */
export class PageElement extends HTMLElement {
  /** @type {App} */
  app = /** @type {App} */ (/** @type {unknown} */ (null));
  /** @type {import('../core/routes.js').Route} */
  route = { page: 'not-found', id: null, query: new URLSearchParams() };
  /** What the window is called while this page is shown. */
  heading = 'bidhub';
  /** @type {(() => void)[]} what to end when the page is left */
  leaving = [];

  /** Ends what the page started. */
  disconnectedCallback() {
    for (const end of this.leaving.splice(0)) end();
  }
}
