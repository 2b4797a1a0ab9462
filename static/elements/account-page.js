// The account of who is signed in: own bids, the password, signing out.

import { problemWords } from '../core/codes.js';
import { formatMoney } from '../core/money.js';
import { Problem } from '../net/rest.js';
import { LOCALE, PageElement } from './app.js';
import { keepChildren, part, setText, show, template } from './dom.js';
import { onSubmit } from './form.js';

const fill = template(`
  <section class="page narrow">
    <div class="page-head"><div><h1 data-part="name"></h1><p class="lead" data-part="email"></p></div><button type="button" class="secondary" data-part="sign-out">Sign out</button></div>
    <h2>Your bids</h2>
    <p class="plain-note" data-part="note" role="status">Loading…</p>
    <ul class="own-bids" data-part="bids"></ul>
    <h2>Password</h2>
    <form data-part="form">
      <input type="hidden" name="username" autocomplete="username" data-part="username">
      <div class="field"><label for="current">Current password</label><input id="current" name="current" type="password" autocomplete="current-password" required></div>
      <div class="field"><label for="next">New password</label><input id="next" name="new" type="password" autocomplete="new-password" required minlength="10" aria-describedby="next-hint"><p class="hint" id="next-hint">At least 10 characters. All other devices are signed out.</p></div>
      <p class="form-error" data-form-error role="alert" hidden></p>
      <button type="submit" class="secondary">Change password</button>
      <p role="status" data-part="changed" hidden>Your password is changed.</p>
    </form>
  </section>`);
const fillBid = template('<a data-part="title"></a><span data-part="standing"></span>');

/** `<account-page>` */
export class AccountPage extends PageElement {
  connectedCallback() {
    this.heading = 'Account';
    fill(this);
    const { session, rest, go } = this.app;
    this.leaving.push(session.on((user) => (user ? this.#update() : go('/'))));
    part(this, 'sign-out', HTMLButtonElement).onclick = () => this.#signOut();
    const form = part(this, 'form', HTMLFormElement);
    onSubmit(form, async (values) => {
      await rest.changePassword(String(values.get('current') ?? ''), String(values.get('new') ?? ''));
      form.reset();
      show(part(this, 'changed', HTMLElement), true);
    });
    this.#update();
    this.#readBids();
  }

  #update() {
    const user = this.app.session.user;
    setText(part(this, 'name', HTMLElement), user?.display_name ?? '');
    const confirmed = user?.email_confirmed === false ? ' · not confirmed yet, see your mail' : '';
    setText(part(this, 'email', HTMLElement), user?.email ? `${user.email}${confirmed}` : '');
    part(this, 'username', HTMLInputElement).value = user?.email ?? '';
  }

  async #signOut() {
    try {
      await this.app.session.signOut();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      setText(part(this, 'note', HTMLElement), problemWords(error));
    }
  }

  async #readBids() {
    const note = part(this, 'note', HTMLElement);
    try {
      const { items } = await this.app.rest.myBids();
      setText(note, items.length === 0 ? 'You have not bid yet.' : '');
      show(note, items.length === 0);
      keepChildren(part(this, 'bids', HTMLElement), items.map(bidOf), (bid) => bid.auction, newBid, (element, bid) => {
        const link = part(element, 'title', HTMLAnchorElement);
        link.href = `/auctions/${encodeURIComponent(bid.auction)}`;
        setText(link, bid.title);
        setText(part(element, 'standing', HTMLElement), bid.words);
      });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      setText(note, error.status === 404 ? 'Your bids are shown in their auctions.' : problemWords(error));
    }
  }
}

/**
 * One line of own bids, from however much the hub tells.
 * @param {any} item
 * @returns {{auction: string, title: string, words: string}}
 */
function bidOf(item) {
  const auction = typeof item.auction === 'object' && item.auction !== null ? item.auction : { id: item.auction, ...item };
  const money = item.price != null && (item.currency ?? auction.currency) ? formatMoney(item.price, item.currency ?? auction.currency, LOCALE) : '';
  const standing = item.standing ? String(item.standing).replace(/_/g, ' ') : item.leading ? 'leading' : '';
  return { auction: String(auction.id), title: auction.title ?? 'Auction', words: [standing, money].filter(Boolean).join(' · ') };
}

/** @returns {HTMLLIElement} */
function newBid() {
  const item = document.createElement('li');
  fillBid(item);
  return item;
}

customElements.define('account-page', AccountPage);
