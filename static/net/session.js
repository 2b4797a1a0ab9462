// Who is signed in. The session itself is an HttpOnly cookie that this page cannot read; here is only what it is told.

/** @typedef {import('../core/types.js').User} User */

/** The person at this browser. */
export class Session {
  /** @type {User|null} */
  user = null;
  /** Whether the hub has been asked yet. */
  isKnown = false;
  /** @type {Set<(user: User|null) => void>} */
  #listeners = new Set();

  /** @param {import('./rest.js').Rest} rest */
  constructor(rest) {
    this.rest = rest;
  }

  /** Asks the hub who is signed in. */
  async refresh() {
    this.set(await this.rest.me());
  }

  /**
   * @param {User|null} user
   */
  set(user) {
    const isSame = this.isKnown && user?.id === this.user?.id;
    this.user = user;
    this.isKnown = true;
    if (!isSame) for (const listener of [...this.#listeners]) listener(user);
  }

  /** Signs out here; the hub ends the session and its connections. */
  async signOut() {
    await this.rest.logout();
    this.set(null);
  }

  /**
   * @param {(user: User|null) => void} listener
   * @returns {() => void} ends the listening
   */
  on(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
