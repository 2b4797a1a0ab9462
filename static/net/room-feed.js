// Keeps one room up to date: joins it when the line is up, resumes after what it has, joins anew where the room says it must.

import { emptyRoom, reduce } from '../core/room.js';
import { waitBefore } from './backoff.js';
import { LineError } from './socket.js';

/** The live room of one auction. */
export class RoomFeed {
  /** @type {import('../core/room.js').Room} */
  room;
  /** @type {string|null} why the room cannot be joined: a code of the hub */
  failure = null;
  #isJoining = false;
  #attempt = 0;
  /** @type {number|null} */
  #timer = null;
  #isStopped = false;
  /** @type {(() => void)[]} */
  #listening = [];

  /**
   * @param {import('./socket.js').HubSocket} hub
   * @param {string} auction
   * @param {(room: import('../core/room.js').Room) => void} onChange
   */
  constructor(hub, auction, onChange) {
    this.hub = hub;
    this.room = emptyRoom(auction);
    this.onChange = onChange;
  }

  /** Joins as soon as it can, and stays. */
  start() {
    this.#listening = [
      this.hub.on('push', (message) => this.take(message)),
      this.hub.on('status', (status) => {
        if (status !== 'online') return;
        this.#attempt = 0;
        this.#join(this.room.need ?? 'resume');
      }),
    ];
    if (this.hub.status === 'online') this.#join('fresh');
  }

  /** Leaves the room. */
  stop() {
    this.#isStopped = true;
    for (const end of this.#listening) end();
    if (this.#timer !== null) this.hub.env.cancel(this.#timer);
    this.hub.request({ type: 'leave', auction: this.room.auction }).catch(lineBroke);
  }

  /**
   * Takes in what the hub said: a push, an answer to a bid, a page of history.
   * @param {Parameters<typeof reduce>[1]} message
   */
  take(message) {
    this.#fold(message);
    if (this.room.need && this.#timer === null) this.#join(this.room.need);
  }

  /** Takes the room anew, as when another person has signed in. */
  renew() {
    this.room = { ...this.room, need: 'fresh', ownSeqs: [] };
    if (this.hub.status === 'online') this.#join('fresh');
  }

  /** @param {Parameters<typeof reduce>[1]} message */
  #fold(message) {
    if (this.#isStopped) return;
    const before = this.room;
    this.room = reduce(before, message);
    if (this.room !== before) this.onChange(this.room);
  }

  /** @param {'resume'|'fresh'} need */
  async #join(need) {
    if (this.#isJoining || this.#isStopped || this.hub.status !== 'online') return;
    this.#isJoining = true;
    const { auction, seq, log, live } = this.room;
    const where = need === 'resume' && live ? { after: seq, ...(log ? { log } : {}) } : {};
    const answer = await this.hub.request({ type: 'join', auction, ...where }).catch(lineBroke);
    this.#isJoining = false;
    if (!answer) return this.#again();
    if (answer.type !== 'joined') return this.#failed(answer.code ?? 'unavailable');
    this.failure = null;
    this.#fold(answer);
    if (this.room.need) this.#again();
    else this.#attempt = 0;
  }

  /** @param {string} code */
  #failed(code) {
    this.failure = code;
    this.onChange(this.room);
    if (code !== 'unknown_auction') this.#again();
  }

  #again() {
    if (this.#isStopped || this.#timer !== null || this.hub.status !== 'online') return;
    this.#timer = this.hub.env.after(() => {
      this.#timer = null;
      this.#join(this.room.need ?? 'resume');
    }, waitBefore(this.#attempt++, this.hub.env.chance));
  }
}

/**
 * A request whose line broke or was silent. A new line joins by itself, and the hub forgets a room with its line.
 * @param {unknown} error
 * @returns {null}
 */
function lineBroke(error) {
  if (error instanceof LineError) return null;
  throw error;
}
