// Which page a path shows. The hub answers every such path with the same document.

/**
 * @typedef {'list'|'room'|'sell'|'sign-in'|'sign-up'|'account'|'reset-password'|'confirm-email'|'not-found'} Page
 * @typedef {{page: Page, id: string|null, query: URLSearchParams}} Route
 */

/** @type {Readonly<Record<string, Page>>} */
const PAGES = Object.freeze({
  '/': 'list',
  '/sell': 'sell',
  '/sign-in': 'sign-in',
  '/sign-up': 'sign-up',
  '/account': 'account',
  '/reset-password': 'reset-password',
  '/confirm-email': 'confirm-email',
});

/**
 * @param {string} pathname
 * @param {string} search
 * @returns {Route}
 */
export function routeOf(pathname, search) {
  const query = new URLSearchParams(search);
  const path = pathname.length > 1 ? pathname.replace(/\/+$/, '') : pathname;
  const room = /^\/auctions\/([^/]+)$/.exec(path);
  if (room?.[1]) return { page: 'room', id: room[1], query };
  return { page: (Object.hasOwn(PAGES, path) && PAGES[path]) || 'not-found', id: null, query };
}

/**
 * Where to go after signing in: only a path of this site, whatever the address says. Browsers leave tabs and line breaks out
 * of an address, so that "/\t/" would begin another site's.
 * @param {string|null} wanted
 * @returns {string}
 */
export function safeReturn(wanted) {
  return wanted && /^\/(?![/\\])[^\\\s\p{Cc}]*$/u.test(wanted) ? wanted : '/';
}
