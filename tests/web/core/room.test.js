import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { emptyRoom, reduce } from '../../../static/core/room.js';
import { bidEvent, joinedRoom, liveState, pushed } from './rooms.js';

/** @param {import('../../../static/core/room.js').Room} room */
const seqs = (room) => room.history.map((row) => row.seq);

describe('events', () => {
  test('in order move the price, the leader, the minimum and the history', () => {
    const room = reduce(joinedRoom(), pushed(bidEvent(42), bidEvent(43, { bidder: 'Bidder 9', leader: 'Bidder 9' })));
    assert.equal(room.seq, 43);
    assert.equal(room.live?.price, 13_500);
    assert.equal(room.live?.minimum_bid, 14_000);
    assert.equal(room.live?.leader, 'Bidder 9');
    assert.deepEqual(seqs(room), [43, 42]);
    assert.equal(room.need, null);
  });

  test('that were seen already change nothing', () => {
    const once = reduce(joinedRoom(), pushed(bidEvent(42)));
    assert.deepEqual(reduce(once, pushed(bidEvent(42, { price: 1 }), bidEvent(41, { price: 1 }))), once);
  });

  test('with a gap before them are not taken, and the room asks to resume', () => {
    const room = reduce(joinedRoom(), pushed(bidEvent(42), bidEvent(44), bidEvent(45)));
    assert.equal(room.seq, 42);
    assert.equal(room.live?.price, 13_000);
    assert.equal(room.need, 'resume');
  });

  test('of a kind unknown to this page make the room ask for a fresh state', () => {
    const room = reduce(joinedRoom(), pushed({ seq: 42, at: '', kind: 'amended' }, bidEvent(43)));
    assert.equal(room.need, 'fresh');
    assert.equal(room.live?.price, 12_500);
  });

  test('that are private move the number only', () => {
    const before = joinedRoom();
    assert.deepEqual(reduce(before, pushed({ seq: 42, at: '', kind: 'private' })), { ...before, seq: 42 });
  });

  test('of another auction, or before the join, are nothing to this room', () => {
    const room = joinedRoom();
    assert.equal(reduce(room, { type: 'events', auction: 'b', events: [bidEvent(42)] }), room);
    assert.deepEqual(reduce(emptyRoom('a'), pushed(bidEvent(1))), emptyRoom('a'));
  });

  for (const [kind, status] of /** @type {const} */ ([['opened', 'open'], ['paused', 'paused'], ['resumed', 'open'], ['suspended', 'suspended'], ['stopped', 'stopped'], ['ended', 'ended']])) {
    test(`${kind} makes the room ${status}, keeps the reason and is noted`, () => {
      const room = reduce(joinedRoom(), pushed({ seq: 42, at: '', kind, reason: 'why' }));
      assert.equal(room.live?.status, status);
      assert.equal(room.live?.reason, 'why');
      assert.equal(room.notice?.kind, kind);
    });
  }

  test('extended moves the end, and ends an interruption', () => {
    const room = reduce(joinedRoom({ status: 'suspended' }), pushed({ seq: 42, at: '', kind: 'extended', ends_at: '2026-11-20T10:05:00.000Z' }));
    assert.equal(room.live?.ends_at, '2026-11-20T10:05:00.000Z');
    assert.equal(room.live?.status, 'open');
  });

  test('reserve_met, ended and the first bid are taken over', () => {
    let room = joinedRoom({ buy_now: 50_000 });
    room = reduce(room, pushed(bidEvent(42), { seq: 43, at: '', kind: 'reserve_met' }));
    assert.equal(room.live?.buy_now, null);
    assert.equal(room.live?.reserve, 'met');
    room = reduce(room, pushed({ seq: 44, at: '', kind: 'ended', outcome: 'sold', price: 13_000, winner: 'Bidder 3' }));
    assert.equal(room.live?.outcome, 'sold');
    assert.equal(room.live?.winner, 'Bidder 3');
  });

  test('bid_voided may lower the price, and asks for what only the hub knows', () => {
    const room = reduce(joinedRoom(), pushed({ seq: 42, at: '', kind: 'bid_voided', price: 9_000, minimum_bid: 9_500, leader: 'Bidder 2' }));
    assert.equal(room.live?.price, 9_000);
    assert.equal(room.need, 'fresh');
    assert.equal(room.historyStale, true);
  });
});

describe('joining', () => {
  test('with events goes on where the room was', () => {
    const broken = reduce(joinedRoom(), pushed(bidEvent(44)));
    const room = reduce(broken, { type: 'joined', auction: 'a', seq: 44, log: 'first', resumed: true, events: [bidEvent(42), bidEvent(43), bidEvent(44)] });
    assert.equal(room.seq, 44);
    assert.equal(room.need, null);
    assert.deepEqual(seqs(room), [44, 43, 42]);
  });

  test('with a state replaces the room, drops bids of a log that was told anew, and asks for the history', () => {
    const ahead = reduce(joinedRoom(), pushed(bidEvent(42), bidEvent(43)));
    const room = reduce(ahead, { type: 'joined', auction: 'a', seq: 42, log: 'second', resumed: false, state: liveState({ price: 7 }) });
    assert.equal(room.seq, 42);
    assert.equal(room.log, 'second');
    assert.equal(room.live?.price, 7);
    assert.deepEqual(seqs(room), [42]);
    assert.equal(room.historyStale, true);
  });

  test('without either is asked for again', () => {
    assert.equal(reduce(joinedRoom(), { type: 'joined', auction: 'a', seq: 50 }).need, 'fresh');
  });

  test('a pushed state replaces what a slow line missed; an older one is not believed', () => {
    const room = reduce(joinedRoom(), { type: 'state', auction: 'a', seq: 60, state: liveState({ price: 30_000 }) });
    assert.equal(room.seq, 60);
    assert.equal(room.live?.price, 30_000);
    const old = reduce(room, { type: 'state', auction: 'a', seq: 50, state: liveState() });
    assert.equal(old.live?.price, 30_000);
    assert.equal(old.need, 'fresh');
  });
});

describe('the own bid', () => {
  const accepted = { type: 'bid_accepted', auction: 'a', key: 'k', seq: 42, leading: true, price: 13_000, minimum_bid: 13_500, your_max: 20_000 };
  const own = bidEvent(42, { bidder: 'Bidder 4', leader: 'Bidder 4' });

  test('gives the alias and the ceiling, whichever of answer and event comes first', () => {
    const answerFirst = reduce(reduce(joinedRoom(), accepted), pushed(own));
    const eventFirst = reduce(reduce(joinedRoom(), pushed(own)), accepted);
    for (const room of [answerFirst, eventFirst]) {
      assert.deepEqual(room.live?.you, { alias: 'Bidder 4', leading: true, max: 20_000 });
      assert.equal(room.need, null);
    }
  });

  test('is outbid by an event with another leader, and the ceiling stays known', () => {
    let room = reduce(reduce(joinedRoom(), accepted), pushed(own));
    room = reduce(room, pushed(bidEvent(43, { price: 20_500, leader: 'Bidder 9' })));
    assert.deepEqual(room.live?.you, { alias: 'Bidder 4', leading: false, max: 20_000 });
  });

  test('answered again long after does not say who leads now', () => {
    let room = reduce(reduce(joinedRoom(), accepted), pushed(own));
    room = reduce(room, pushed(bidEvent(43, { leader: 'Bidder 9' })));
    assert.equal(reduce(room, accepted).live?.you?.leading, false);
  });

  test('that is not in sight any more makes the room ask who we are', () => {
    assert.equal(reduce(joinedRoom(), { ...accepted, seq: 5 }).need, 'fresh');
  });

  test('placed from another place is noticed by a price above the known ceiling', () => {
    const room = joinedRoom({ leader: 'Bidder 4', you: { alias: 'Bidder 4', leading: true, max: 13_000 } });
    assert.equal(reduce(room, pushed(bidEvent(42, { price: 14_000, leader: 'Bidder 4' }))).need, 'fresh');
  });

  test('to buy at once that is no longer offered takes the offer away', () => {
    const room = reduce(joinedRoom({ buy_now: 50_000 }), { type: 'bid_rejected', auction: 'a', code: 'buy_now_unavailable' });
    assert.equal(room.live?.buy_now, null);
  });
});

describe('the history', () => {
  const row = (/** @type {number} */ seq) => ({ seq, at: '', bidder: 'Bidder 1', amount: seq, price: seq });

  test('read over REST replaces all up to where it is complete, and keeps what came since', () => {
    const room = reduce(joinedRoom(), pushed(bidEvent(42), bidEvent(43)));
    const read = reduce(room, { type: 'history', items: [row(40), row(38)], upTo: 42 });
    assert.deepEqual(seqs(read), [43, 40, 38]);
    assert.equal(read.historyStale, false);
  });

  test('of earlier bids goes below, each bid once', () => {
    const room = reduce(joinedRoom(), { type: 'history', items: [row(40), row(38)], upTo: 41 });
    assert.deepEqual(seqs(reduce(room, { type: 'history', items: [row(38), row(36)], upTo: null })), [40, 38, 36]);
  });
});
