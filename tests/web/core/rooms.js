// Rooms and events for the tests, with everything a test does not care about filled in.

import { emptyRoom, reduce } from '../../../static/core/room.js';

/**
 * @param {Partial<import('../../../static/core/types.js').LiveState>} [fields]
 * @returns {import('../../../static/core/types.js').LiveState}
 */
export function liveState(fields = {}) {
  return {
    status: 'open',
    currency: 'USD',
    price: 12_500,
    minimum_bid: 13_000,
    leader: 'Bidder 7',
    bid_count: 9,
    starts_at: null,
    ends_at: '2026-11-20T10:00:00.000Z',
    reserve: 'not_met',
    buy_now: null,
    outcome: null,
    you: null,
    ...fields,
  };
}

/**
 * A room that was joined at event 41.
 * @param {Partial<import('../../../static/core/types.js').LiveState>} [fields]
 */
export function joinedRoom(fields = {}) {
  return reduce(emptyRoom('a'), { type: 'joined', auction: 'a', seq: 41, log: 'first', state: liveState(fields) });
}

/**
 * @param {number} seq
 * @param {Partial<import('../../../static/core/types.js').RoomEvent>} [fields]
 * @returns {import('../../../static/core/types.js').RoomEvent}
 */
export function bidEvent(seq, fields = {}) {
  const price = 12_500 + (seq - 41) * 500;
  return {
    seq,
    at: '2026-11-20T09:31:00.000Z',
    kind: 'bid',
    bidder: 'Bidder 3',
    amount: price,
    price,
    minimum_bid: price + 500,
    leader: 'Bidder 3',
    bid_count: 9 + seq - 41,
    ends_at: '2026-11-20T10:00:00.000Z',
    ...fields,
  };
}

/**
 * @param {...import('../../../static/core/types.js').RoomEvent} events
 */
export function pushed(...events) {
  return { type: 'events', auction: 'a', events };
}
