// A world for the net to live in: a clock that moves when it is told to, sockets that the test answers, storage in memory.

/**
 * @typedef {import('../../../static/core/types.js').Message} Message
 * @typedef {Record<string, any> & {id: number, type: string}} Request
 */

/** A WebSocket whose other end is the test. */
export class FakeSocket {
  /** @type {(() => void)|null} */
  onopen = null;
  /** @type {((event: {data: string}) => void)|null} */
  onmessage = null;
  /** @type {((event: {code: number}) => void)|null} */
  onclose = null;
  /** @type {Request[]} */
  sent = [];
  isClosed = false;

  /** @param {string} text */
  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close() {
    this.isClosed = true;
  }

  /** The hub takes the connection. */
  opens() {
    this.onopen?.();
  }

  /** @param {number} code */
  breaks(code = 1006) {
    this.onclose?.({ code });
  }

  /** @param {Record<string, any>} message */
  says(message) {
    this.onmessage?.({ data: JSON.stringify(message) });
  }

  /**
   * Answers the last request of a type.
   * @param {string} type
   * @param {Record<string, any>} answer
   */
  answers(type, answer) {
    const request = this.requests(type).at(-1);
    if (!request) throw new Error(`no request ${type} was sent`);
    this.says({ reply_to: request.id, ...answer });
  }

  /** @param {string} type */
  requests(type) {
    return this.sent.filter((request) => request.type === type);
  }
}

/** The environment of the net, in the hands of a test. */
export class World {
  time = Date.parse('2026-11-20T09:30:00.000Z');
  /** @type {FakeSocket[]} */
  sockets = [];
  /** @type {Map<string, string>} */
  kept = new Map();
  #nextTimer = 1;
  #nextKey = 1;
  /** @type {Map<number, {at: number, then: () => void}>} */
  #timers = new Map();

  /** @returns {import('../../../static/net/environment.js').Environment} */
  environment() {
    return {
      openSocket: () => {
        const socket = new FakeSocket();
        this.sockets.push(socket);
        return /** @type {any} */ (socket);
      },
      now: () => this.time,
      chance: () => 0,
      after: (then, ms) => {
        const timer = this.#nextTimer++;
        this.#timers.set(timer, { at: this.time + ms, then });
        return timer;
      },
      cancel: (timer) => this.#timers.delete(timer),
      newKey: () => `key-${this.#nextKey++}`,
      storage: {
        getItem: (name) => this.kept.get(name) ?? null,
        setItem: (name, value) => void this.kept.set(name, value),
        removeItem: (name) => void this.kept.delete(name),
      },
    };
  }

  /** The newest connection. */
  get socket() {
    const socket = this.sockets.at(-1);
    if (!socket) throw new Error('nothing was opened');
    return socket;
  }

  /**
   * Lets time pass; timers go off in order, and what waits on promises runs after each.
   * @param {number} ms
   */
  async pass(ms) {
    const until = this.time + ms;
    await settle();
    for (;;) {
      const due = [...this.#timers].filter(([, timer]) => timer.at <= until).sort((a, b) => a[1].at - b[1].at || a[0] - b[0])[0];
      if (!due) break;
      this.#timers.delete(due[0]);
      this.time = Math.max(this.time, due[1].at);
      due[1].then();
      await settle();
    }
    this.time = until;
  }
}

/** Lets everything run that waits on settled promises. */
export function settle() {
  return new Promise((resolve) => setImmediate(resolve));
}
