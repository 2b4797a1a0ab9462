// Starts the page: builds what is shared, and shows the element of the current path. Links within the site change the page
// without a load; everything else is left to the browser.

import { routeOf } from './core/routes.js';
import { AccountPage } from './elements/account-page.js';
import { AuctionListPage } from './elements/auction-list-page.js';
import { AuctionRoomPage } from './elements/auction-room-page.js';
import { ConnectionNote } from './elements/connection-note.js';
import { ConfirmEmailPage, ResetPasswordPage } from './elements/mail-link-pages.js';
import { SellPage } from './elements/sell-page.js';
import { SignInPage } from './elements/sign-in-page.js';
import { SignUpPage } from './elements/sign-up-page.js';
import { SiteHeader } from './elements/site-header.js';
import { Bidder } from './net/bidder.js';
import { browserEnvironment } from './net/environment.js';
import { Problem, Rest } from './net/rest.js';
import { Session } from './net/session.js';
import { HubSocket } from './net/socket.js';

/** Between two tries to learn who is signed in, while the hub cannot be reached. */
const SESSION_RETRY_MS = 5_000;

/** @type {Partial<Record<import('./core/routes.js').Page, new () => import('./elements/app.js').PageElement>>} */
const PAGES = {
  list: AuctionListPage,
  room: AuctionRoomPage,
  sell: SellPage,
  'sign-in': SignInPage,
  'sign-up': SignUpPage,
  account: AccountPage,
  'reset-password': ResetPasswordPage,
  'confirm-email': ConfirmEmailPage,
};
/** Pages that only make sense for someone who is signed in. */
const MEMBERS_ONLY = new Set(['sell', 'account']);

const rest = new Rest((input, init) => fetch(input, init));
const hub = new HubSocket(socketUrl(), browserEnvironment());
const session = new Session(rest);
const bidder = new Bidder(hub);
/** @type {import('./elements/app.js').App} */
const app = { rest, hub, bidder, session, go };

const main = document.querySelector('main') ?? document.body;
const header = document.querySelector('site-header');
const note = document.querySelector('connection-note');

/** @param {string} path */
function go(path) {
  window.history.pushState(null, '', path);
  showPage();
  window.scrollTo(0, 0);
  main.focus({ preventScroll: true });
}

function showPage() {
  const route = routeOf(window.location.pathname, window.location.search);
  if (MEMBERS_ONLY.has(route.page) && session.isKnown && !session.user) {
    window.history.replaceState(null, '', `/sign-in?return=${encodeURIComponent(window.location.pathname)}`);
    return showPage();
  }
  const Page = PAGES[route.page];
  if (header instanceof SiteHeader) header.update(session.user, route.page);
  if (!Page) return showNothing();
  const page = new Page();
  page.app = app;
  page.route = route;
  main.replaceChildren(page);
  document.title = `${page.heading} · bidhub`;
}

function showNothing() {
  const words = document.createElement('p');
  words.className = 'page plain-note';
  words.textContent = 'There is no such page.';
  main.replaceChildren(words);
  document.title = 'Not found · bidhub';
}

/** @param {MouseEvent} event */
function followLink(event) {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = event.target instanceof Element ? event.target.closest('a') : null;
  if (!link || link.target || link.dataset.native !== undefined || link.origin !== window.location.origin || link.hash) return;
  event.preventDefault();
  go(link.pathname + link.search);
}

function socketUrl() {
  const url = new URL('/ws', window.location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}

/** Asks who is signed in until the hub has said it. */
async function learnSession() {
  try {
    await session.refresh();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    window.setTimeout(learnSession, SESSION_RETRY_MS);
  }
}

let isFirstAnswer = true;
session.on((user) => {
  bidder.setAccount(user?.id ?? null);
  // The line carries the session it was opened with: a new session needs a new line. The first answer is no change.
  if (isFirstAnswer) isFirstAnswer = false;
  else hub.reconnect();
  const { page } = routeOf(window.location.pathname, window.location.search);
  if (header instanceof SiteHeader) header.update(user, page);
  if (!user && MEMBERS_ONLY.has(page)) showPage();
});
hub.on('status', (status) => note instanceof ConnectionNote && note.update(status));
hub.on('session_ended', learnSession);
document.addEventListener('click', followLink);
window.addEventListener('popstate', showPage);
window.addEventListener('online', () => hub.wake());
document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && hub.wake());

showPage();
hub.connect();
learnSession();
