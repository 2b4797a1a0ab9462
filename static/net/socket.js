// One WebSocket to the hub, kept open: requests with answers, pushes, pings for the clock, reconnecting with back-off.
// It knows nothing of auctions; rooms and bids stand on top and are told when the line is up again.

import { addSample, bestOffset } from '../core/clock-offset.js';
import { parseTime } from '../core/time.js';
import { waitBefore } from './backoff.js';

/**
 * @typedef {import('../core/types.js').Message} Message
 * @typedef {'connecting'|'online'|'offline'} LineStatus
 * @typedef {object} Pending
 * @property {(answer: Message) => void} resolve
 * @property {(error: Error) => void} reject
 * @property {number} timer
 */

/** How long a request may wait for its answer. */
const ANSWER_TIMEOUT_MS = 15_000;
/** How long a connection may take to open. */
const OPEN_TIMEOUT_MS = 10_000;
/** Between pings while the line is up; a ping without an answer for as long is a dead line. */
const PING_EVERY_MS = 15_000;
/** The first pings of a connection come fast, so that the clock is right soon. */
const FIRST_PINGS_MS = [0, 300, 1_000];
/** Requests that may wait for an answer at once. */
const MOST_PENDING = 256;
/** Close codes after which the hub wants to be left alone for a while, with the least wait in milliseconds. */
const LEAST_WAIT_MS = new Map([[4003, 5_000], [4005, 5_000]]);
/** The session of this connection ended. */
const SESSION_ENDED = 4002;

/** The line broke, or was too slow, before an answer came. The request may or may not have been carried out. */
export class LineError extends Error {}

/** The connection to the hub. */
export class HubSocket {
  /** @type {LineStatus} */
  status = 'offline';
  /** @type {import('../core/clock-offset.js').Sample[]} */
  #samples = [];
  /** @type {WebSocket|null} */
  #socket = null;
  #nextId = 1;
  #attempt = 0;
  #wanted = false;
  /** When the hub that drains wants us to come again, by our clock. */
  #comeAgainAt = 0;
  /** @type {Map<number, Pending>} */
  #pending = new Map();
  /** @type {Set<number>} timers that live as long as the connection */
  #lineTimers = new Set();
  /** @type {number|null} */
  #retryTimer = null;
  /** @type {Record<'push'|'status'|'session_ended', Set<(value: any) => void>>} */
  #listeners = { push: new Set(), status: new Set(), session_ended: new Set() };

  /**
   * @param {string} url
   * @param {import('./environment.js').Environment} env
   */
  constructor(url, env) {
    this.url = url;
    this.env = env;
  }

  /** Opens the line and keeps it open from now on. */
  connect() {
    this.#wanted = true;
    if (!this.#socket) this.#open();
  }

  /** Closes the line for good. */
  close() {
    this.#wanted = false;
    this.#cancelRetry();
    this.#drop();
    this.#setStatus('offline');
  }

  /** Closes the line and opens a new one at once, as after signing in or out. */
  reconnect() {
    this.#drop();
    this.#attempt = 0;
    if (this.#wanted) this.#open();
  }

  /** Tries again now if it is waiting to, as when the network is back. */
  wake() {
    if (this.#wanted && this.#retryTimer !== null) this.reconnect();
  }

  /**
   * @param {'push'|'status'|'session_ended'} what
   * @param {(value: any) => void} listener a push gives the message, a status the new status
   * @returns {() => void} ends the listening
   */
  on(what, listener) {
    this.#listeners[what].add(listener);
    return () => this.#listeners[what].delete(listener);
  }

  /**
   * Milliseconds to add to our clock for the hub's; null before the first answer to a ping.
   * @returns {number|null}
   */
  get offset() {
    return bestOffset(this.#samples);
  }

  /**
   * The hub's time now, as well as we know it.
   * @returns {number}
   */
  serverNow() {
    return this.env.now() + (this.offset ?? 0);
  }

  /**
   * Sends a request and gives its one answer, whatever its type.
   * @param {Record<string, unknown> & {type: string}} message
   * @returns {Promise<Message>} fails with a `LineError` when no answer came
   */
  request(message) {
    const socket = this.#socket;
    if (this.status !== 'online' || !socket) return Promise.reject(new LineError('offline'));
    if (this.#pending.size >= MOST_PENDING) return Promise.reject(new LineError('too many requests wait for an answer'));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const timer = this.env.after(() => this.#settle(id)?.reject(new LineError('no answer in time')), ANSWER_TIMEOUT_MS);
      this.#pending.set(id, { resolve, reject, timer });
      socket.send(JSON.stringify({ ...message, id }));
    });
  }

  #open() {
    this.#cancelRetry();
    this.#setStatus('connecting');
    const socket = this.env.openSocket(this.url);
    this.#socket = socket;
    const tooSlow = this.#lineTimer(() => this.#lost(socket, 0), OPEN_TIMEOUT_MS);
    socket.onopen = () => {
      if (socket !== this.#socket) return;
      this.env.cancel(tooSlow);
      this.#setStatus('online');
      for (const ms of FIRST_PINGS_MS) this.#lineTimer(() => this.#ping(socket), ms);
      this.#pingLater(socket);
    };
    socket.onmessage = ({ data }) => socket === this.#socket && this.#received(socket, data);
    socket.onclose = ({ code }) => this.#lost(socket, code);
  }

  /**
   * @param {WebSocket} socket
   * @param {unknown} data
   */
  #received(socket, data) {
    const message = readMessage(data);
    if (!message) return;
    // A line counts as good once the hub has spoken on it: one that opens and dies at once keeps backing off.
    this.#attempt = 0;
    if (message.type === 'draining') {
      const after = Number(message.reconnect_after_ms) || 0;
      this.#comeAgainAt = this.env.now() + after;
      this.#lineTimer(() => socket === this.#socket && this.reconnect(), after);
    }
    if (message.reply_to != null) this.#settle(message.reply_to)?.resolve(message);
    else this.#tell('push', message);
  }

  /**
   * @param {WebSocket} socket
   * @param {number} code
   */
  #lost(socket, code) {
    if (socket !== this.#socket) return;
    this.#drop();
    if (code === SESSION_ENDED) this.#tell('session_ended', null);
    if (!this.#wanted || this.#socket) return;
    // A hub that closes the line before the moment it gave is waited for until then.
    const least = Math.max(LEAST_WAIT_MS.get(code) ?? 0, this.#comeAgainAt - this.env.now());
    const wait = waitBefore(this.#attempt, this.env.chance, least);
    this.#attempt += 1;
    this.#retryTimer = this.env.after(() => this.#open(), wait);
    this.#setStatus('offline');
  }

  /** Lets go of the connection; every request that waits fails. */
  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    for (const timer of this.#lineTimers) this.env.cancel(timer);
    this.#lineTimers.clear();
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
    if (this.status === 'online') this.#setStatus('offline');
    for (const id of [...this.#pending.keys()]) this.#settle(id)?.reject(new LineError('the line broke'));
  }

  /** @param {WebSocket} socket */
  #pingLater(socket) {
    this.#lineTimer(() => {
      this.#ping(socket);
      this.#pingLater(socket);
    }, PING_EVERY_MS);
  }

  /** @param {WebSocket} socket */
  async #ping(socket) {
    const sentAt = this.env.now();
    try {
      const pong = await this.request({ type: 'ping', sent_at: sentAt });
      const serverTime = parseTime(pong.server_time);
      if (serverTime !== null) this.#samples = addSample(this.#samples, { sentAt, receivedAt: this.env.now(), serverTime });
    } catch {
      this.#lost(socket, 0);
    }
  }

  /** @param {number} id */
  #settle(id) {
    const pending = this.#pending.get(id);
    if (pending) this.env.cancel(pending.timer);
    this.#pending.delete(id);
    return pending;
  }

  /**
   * @param {() => void} then
   * @param {number} ms
   */
  #lineTimer(then, ms) {
    const timer = this.env.after(() => {
      this.#lineTimers.delete(timer);
      then();
    }, ms);
    this.#lineTimers.add(timer);
    return timer;
  }

  #cancelRetry() {
    if (this.#retryTimer !== null) this.env.cancel(this.#retryTimer);
    this.#retryTimer = null;
  }

  /** @param {LineStatus} status */
  #setStatus(status) {
    if (this.status === status) return;
    this.status = status;
    this.#tell('status', status);
  }

  /**
   * @param {'push'|'status'|'session_ended'} what
   * @param {unknown} value
   */
  #tell(what, value) {
    for (const listener of [...this.#listeners[what]]) listener(value);
  }
}

/**
 * @param {unknown} data
 * @returns {Message|null} null for what is not a message
 */
function readMessage(data) {
  try {
    const found = JSON.parse(String(data));
    return typeof found?.type === 'string' ? found : null;
  } catch {
    return null;
  }
}
