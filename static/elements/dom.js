// Small tools for custom elements: constant markup set up once, named parts found by type, text set only when it changed.

/**
 * Constant markup, parsed once. Never give it data: data goes into parts by `setText`.
 * @param {string} markup
 * @returns {(host: Element) => void} fills the host
 */
export function template(markup) {
  /** @type {HTMLTemplateElement|null} */
  let parsed = null;
  return (host) => {
    if (!parsed) {
      parsed = document.createElement('template');
      parsed.innerHTML = markup;
    }
    // Imported, not cloned: so the custom elements in it are alive at once.
    host.replaceChildren(document.importNode(parsed.content, true));
  };
}

/**
 * The part of a host that is marked `data-part="name"`. Parts of custom elements within the host are theirs alone.
 * @template {Element} T
 * @param {Element} host
 * @param {string} name
 * @param {new () => T} type
 * @returns {T}
 */
export function part(host, name, type) {
  for (const found of host.querySelectorAll(`[data-part="${name}"]`)) {
    if (found instanceof type && isOwn(host, found)) return found;
  }
  throw new TypeError(`no part ${name} of this type`);
}

/**
 * @param {Element} host
 * @param {Element} found
 */
function isOwn(host, found) {
  let above = found.parentElement;
  while (above && above !== host && !above.localName.includes('-')) above = above.parentElement;
  return above === host;
}

/**
 * Sets the text of a node, only if it changes: a live region is read out at every touch.
 * @param {Node} node
 * @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * @param {HTMLElement} node
 * @param {boolean} isShown
 */
export function show(node, isShown) {
  if (node.hidden === isShown) node.hidden = !isShown;
}

/**
 * Keeps one child per item, in order, reusing what is there.
 * @template T
 * @template {HTMLElement} E
 * @param {Element} host
 * @param {readonly T[]} items
 * @param {(item: T) => string} keyOf
 * @param {() => E} create
 * @param {(element: E, item: T) => void} update
 */
export function keepChildren(host, items, keyOf, create, update) {
  const there = new Map(Array.from(host.children, (child) => [/** @type {HTMLElement} */ (child).dataset.key ?? '', child]));
  /** @type {Element|null} */
  let before = null;
  for (const item of items) {
    const key = keyOf(item);
    const element = /** @type {E} */ (there.get(key) ?? create());
    there.delete(key);
    element.dataset.key = key;
    update(element, item);
    /** @type {Element|null} */
    const place = before ? before.nextElementSibling : host.firstElementChild;
    if (place !== element) host.insertBefore(element, place);
    before = element;
  }
  for (const left of there.values()) left.remove();
}
