// The head of every page: the house's name, the ways through it, who is signed in.

import { part, setText, show, template } from './dom.js';

const fill = template(`
  <header class="site-header">
    <a class="wordmark" href="/"><svg aria-hidden="true" viewBox="0 0 24 24" width="24" height="24"><circle cx="12" cy="8.5" r="7" fill="none" stroke="currentColor" stroke-width="1.5"/><path d="M12 15.5V23" stroke="currentColor" stroke-width="2.5" stroke-linecap="round"/><path d="M10 5v7M10 9.6a2.1 2.1 0 1 1 0 .6" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round"/></svg><span>bidhub</span></a>
    <nav aria-label="Site">
      <a href="/" data-nav="list">Auctions</a>
      <a href="/sell" data-nav="sell">Sell</a>
      <a href="/account" data-nav="account" data-part="account" hidden></a>
      <a href="/sign-in" data-nav="sign-in" data-part="sign-in">Sign in</a>
    </nav>
  </header>`);

/** `<site-header>` */
export class SiteHeader extends HTMLElement {
  connectedCallback() {
    if (!this.firstChild) fill(this);
  }

  /**
   * @param {import('../core/types.js').User|null} user
   * @param {import('../core/routes.js').Page} page
   */
  update(user, page) {
    const account = part(this, 'account', HTMLAnchorElement);
    show(account, user !== null);
    show(part(this, 'sign-in', HTMLAnchorElement), user === null);
    setText(account, user?.display_name ?? '');
    for (const link of this.querySelectorAll('[data-nav]')) {
      if (link instanceof HTMLElement && link.dataset.nav === page) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
  }
}

customElements.define('site-header', SiteHeader);
