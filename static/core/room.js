// The room as one watcher sees it: what the hub says, folded into a state. A pure function of the messages, so the same
// messages give the same room. It never asks for anything itself; `need` says what the caller has to ask for.

/**
 * @typedef {import('./types.js').RoomEvent} RoomEvent
 * @typedef {import('./types.js').LiveState} LiveState
 * @typedef {import('./types.js').HistoryRow} HistoryRow
 * @typedef {import('./types.js').Message} Message
 *
 * @typedef {object} HistoryPage Bids read over REST.
 * @property {'history'} type
 * @property {HistoryRow[]} items
 * @property {number|null} upTo the event up to which the newest page is complete; null for a page of older bids
 *
 * @typedef {object} Room
 * @property {string} auction
 * @property {number} seq the last event that is in `live`; 0 before the first join
 * @property {string|null} log which telling of the room `seq` belongs to
 * @property {LiveState|null} live
 * @property {HistoryRow[]} history newest first
 * @property {boolean} historyStale whether the history should be read again over REST
 * @property {number[]} ownSeqs events known to be this bidder's own bids
 * @property {number|null} viewers
 * @property {RoomEvent|null} notice the last event that people should be told about in words
 * @property {null|'resume'|'fresh'} need what to join with: `resume` after `seq`, `fresh` without
 */

/** Rows of history that are kept. */
export const HISTORY_KEPT = 500;
/** Own bids that are remembered by their number. */
const OWN_SEQS_KEPT = 64;

/** Kinds of events that are said in words when they happen. */
const NOTED = new Set(['opened', 'extended', 'reserve_met', 'paused', 'resumed', 'suspended', 'bid_voided', 'stopped', 'ended']);
/** Kinds of events after which the room is taken anew, because they may change what only the hub knows. */
const RENEWING = new Set(['bid_voided']);
/** @type {Record<string, import('./types.js').Status>} */
const STATUS_AFTER = { opened: 'open', resumed: 'open', extended: 'open', paused: 'paused', suspended: 'suspended', stopped: 'stopped', ended: 'ended' };

/**
 * A room about which nothing is known yet.
 * @param {string} auction
 * @returns {Room}
 */
export function emptyRoom(auction) {
  return { auction, seq: 0, log: null, live: null, history: [], historyStale: true, ownSeqs: [], viewers: null, notice: null, need: 'fresh' };
}

/**
 * The room after a message. Messages that do not concern it leave it as it is.
 * @param {Room} room
 * @param {Message|HistoryPage} message
 * @returns {Room}
 */
export function reduce(room, message) {
  if (message.type === 'history') return withHistory(room, /** @type {HistoryPage} */ (message));
  const said = /** @type {Message} */ (message);
  if (said.auction !== room.auction) return room;
  switch (said.type) {
    case 'joined':
      return joined(room, said);
    case 'state':
      return pushedState(room, said);
    case 'events':
      return withEvents(room, said.events ?? []);
    case 'viewers':
      return { ...room, viewers: said.count ?? null };
    case 'bid_accepted':
      return accepted(room, said);
    case 'bid_rejected':
      return rejected(room, said);
    default:
      return room;
  }
}

/**
 * @param {Room} room
 * @param {Message} said
 * @returns {Room}
 */
function joined(room, said) {
  if (said.resumed && room.live) {
    return withEvents({ ...room, log: said.log ?? room.log, need: null }, said.events ?? []);
  }
  if (!said.state) return { ...room, need: 'fresh' };
  return fresh({ ...room, log: said.log ?? null }, said.state, said.seq ?? 0);
}

/**
 * A state in place of events. One that is older than what we have says that the log was told anew.
 * @param {Room} room
 * @param {Message} said
 * @returns {Room}
 */
function pushedState(room, said) {
  if (!said.state || (said.seq ?? 0) < room.seq) return { ...room, need: 'fresh' };
  return fresh(room, said.state, said.seq ?? 0);
}

/**
 * @param {Room} room
 * @param {LiveState} live
 * @param {number} seq
 * @returns {Room}
 */
function fresh(room, live, seq) {
  const history = room.history.filter((row) => row.seq <= seq);
  return { ...room, live, seq, history, historyStale: true, need: null };
}

/**
 * @param {Room} room
 * @param {readonly RoomEvent[]} events
 * @returns {Room}
 */
function withEvents(room, events) {
  return events.reduce(withEvent, room);
}

/**
 * @param {Room} room
 * @param {RoomEvent} event
 * @returns {Room}
 */
function withEvent(room, event) {
  if (!room.live || room.need || event.seq <= room.seq) return room;
  if (event.seq > room.seq + 1) return { ...room, need: 'resume' };
  const next = { ...room, seq: event.seq };
  if (event.kind === 'private') return next;
  if (event.kind !== 'bid' && !NOTED.has(event.kind)) return { ...next, need: 'fresh' };
  next.live = liveAfter(next.live ?? room.live, event);
  if (event.kind === 'bid') return withOwnAlias(withBid(next, event), event);
  next.notice = event;
  return RENEWING.has(event.kind) ? { ...next, need: 'fresh', historyStale: true } : next;
}

/**
 * @param {LiveState} live
 * @param {RoomEvent} event
 * @returns {LiveState}
 */
function liveAfter(live, event) {
  const leader = event.leader === undefined ? live.leader : event.leader;
  /** @type {LiveState} */
  const next = {
    ...live,
    status: event.status ?? STATUS_AFTER[event.kind] ?? live.status,
    price: event.price === undefined ? live.price : event.price,
    minimum_bid: event.minimum_bid ?? live.minimum_bid,
    leader,
    bid_count: event.bid_count ?? live.bid_count,
    ends_at: event.ends_at ?? live.ends_at,
    reserve: event.kind === 'reserve_met' ? 'met' : (event.reserve ?? live.reserve),
    // The offer to buy at once ends with the first bid unless the event says that it still stands.
    buy_now: event.buy_now !== undefined ? event.buy_now : event.kind === 'bid' || event.kind === 'ended' ? null : live.buy_now,
    outcome: event.outcome ?? live.outcome,
    reason: event.reason !== undefined ? event.reason : STATUS_AFTER[event.kind] ? null : live.reason,
    winner: event.winner !== undefined ? event.winner : live.winner,
  };
  if (next.you?.alias) next.you = { ...next.you, leading: leader === next.you.alias };
  return next;
}

/**
 * @param {Room} room
 * @param {RoomEvent} event
 * @returns {Room}
 */
function withBid(room, event) {
  const { seq, at, bidder = '', amount = 0, price } = event;
  return { ...room, history: [{ seq, at, bidder, amount, price: price ?? amount }, ...room.history].slice(0, HISTORY_KEPT) };
}

/**
 * Our alias becomes known with our first bid: the event of that number carries it. The price rising above our own ceiling while
 * we lead says that we bid from another place; only the hub knows the new ceiling.
 * @param {Room} room
 * @param {RoomEvent} event
 * @returns {Room}
 */
function withOwnAlias(room, event) {
  const named = room.ownSeqs.includes(event.seq) ? withAlias(room, event.bidder ?? null) : room;
  const you = named.live?.you;
  const price = named.live?.price;
  if (you?.leading && you.max != null && price != null && price > you.max && !room.ownSeqs.includes(event.seq)) {
    return { ...named, need: 'fresh' };
  }
  return named;
}

/**
 * @param {Room} room
 * @param {string|null} alias
 * @returns {Room}
 */
function withAlias(room, alias) {
  if (!room.live || alias === null) return room;
  const you = { leading: false, ...room.live.you, alias };
  return { ...room, live: { ...room.live, you: { ...you, leading: room.live.leader === alias } } };
}

/**
 * @param {Room} room
 * @param {Message} said
 * @returns {Room}
 */
function accepted(room, said) {
  if (!room.live || said.seq === undefined) return room;
  const before = room.live.you ?? { alias: null, leading: false };
  const max = said.your_max === undefined ? before.max : said.your_max;
  // An answer to a bid that was sent twice may be old: only one newer than what we have says who leads.
  const isNewer = said.seq > room.seq;
  const you = { ...before, max, leading: isNewer && said.leading !== undefined ? said.leading : before.leading };
  const next = { ...room, ownSeqs: [...room.ownSeqs, said.seq].slice(-OWN_SEQS_KEPT), live: { ...room.live, you } };
  const row = room.history.find((one) => one.seq === said.seq);
  if (row) return withAlias(next, row.bidder);
  return isNewer || you.alias ? next : { ...next, need: room.need ?? 'fresh' };
}

/**
 * @param {Room} room
 * @param {Message} said
 * @returns {Room}
 */
function rejected(room, said) {
  if (!room.live || said.code !== 'buy_now_unavailable') return room;
  return { ...room, live: { ...room.live, buy_now: null } };
}

/**
 * The newest page replaces all up to where it is complete; a page of older bids is added below.
 * @param {Room} room
 * @param {HistoryPage} page
 * @returns {Room}
 */
function withHistory(room, { items, upTo }) {
  const kept = upTo === null ? room.history : room.history.filter((row) => row.seq > upTo);
  const bySeq = new Map([...items, ...kept].map((row) => [row.seq, row]));
  const history = [...bySeq.values()].sort((a, b) => b.seq - a.seq).slice(0, HISTORY_KEPT);
  return { ...room, history, historyStale: upTo === null ? room.historyStale : false };
}
