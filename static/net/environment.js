// What the net needs from the world around it, in one place, so that tests can stand in for it.

/**
 * @typedef {object} Environment
 * @property {(url: string) => WebSocket} openSocket
 * @property {() => number} now milliseconds since 1970
 * @property {() => number} chance a number from 0 up to 1
 * @property {(then: () => void, ms: number) => number} after calls once, later
 * @property {(timer: number) => void} cancel
 * @property {() => string} newKey a fresh UUID
 * @property {Pick<Storage, 'getItem'|'setItem'|'removeItem'>} storage outlives a reload of the page
 */

/**
 * The browser.
 * @returns {Environment}
 */
export function browserEnvironment() {
  return {
    openSocket: (url) => new WebSocket(url, ['bidhub.v1.json']),
    now: () => Date.now(),
    chance: () => Math.random(),
    after: (then, ms) => window.setTimeout(then, ms),
    cancel: (timer) => window.clearTimeout(timer),
    newKey: randomUuid,
    storage: window.sessionStorage,
  };
}

/** `crypto.randomUUID` is there on secure origins only; a hub on a plain local network must work too. */
function randomUuid() {
  if (typeof crypto.randomUUID === 'function') return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
