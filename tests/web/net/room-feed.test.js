import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RoomFeed } from '../../../static/net/room-feed.js';
import { HubSocket } from '../../../static/net/socket.js';
import { bidEvent, liveState, pushed } from '../core/rooms.js';
import { World, settle } from './world.js';

async function joined() {
  const world = new World();
  const hub = new HubSocket('ws://hub/ws', world.environment());
  const feed = new RoomFeed(hub, 'a', () => {});
  hub.connect();
  feed.start();
  world.socket.opens();
  await settle();
  world.socket.answers('join', { type: 'joined', auction: 'a', seq: 41, log: 'first', state: liveState() });
  await settle();
  return { world, hub, feed };
}

/** @param {import('./world.js').Request|undefined} request */
function place(request) {
  const { id: _id, type: _type, ...where } = request ?? { id: 0, type: '' };
  return where;
}

test('a room is joined when the line is up, without a place to go on from', async () => {
  const { world, feed } = await joined();
  assert.deepEqual(place(world.socket.requests('join')[0]), { auction: 'a' });
  assert.equal(feed.room.seq, 41);
});

test('after a break it goes on after the last event, in the same log', async () => {
  const { world, feed } = await joined();
  world.socket.says(pushed(bidEvent(42)));
  world.socket.breaks();
  await world.pass(1_000);
  world.socket.opens();
  assert.deepEqual(place(world.socket.requests('join')[0]), { auction: 'a', after: 42, log: 'first' });
  world.socket.answers('join', { type: 'joined', auction: 'a', seq: 43, log: 'first', resumed: true, events: [bidEvent(43)] });
  await settle();
  assert.equal(feed.room.seq, 43);
  assert.equal(feed.room.live?.price, 13_500);
});

test('a gap is asked for once, and filled', async () => {
  const { world, feed } = await joined();
  world.socket.says(pushed(bidEvent(43)));
  world.socket.says(pushed(bidEvent(44)));
  const joins = world.socket.requests('join');
  assert.equal(joins.length, 2);
  assert.deepEqual(place(joins[1]), { auction: 'a', after: 41, log: 'first' });
  world.socket.answers('join', { type: 'joined', auction: 'a', seq: 44, log: 'first', resumed: true, events: [42, 43, 44].map((seq) => bidEvent(seq)) });
  await settle();
  assert.equal(feed.room.seq, 44);
  assert.equal(feed.room.need, null);
});

test('an unknown kind of event makes it join anew', async () => {
  const { world } = await joined();
  world.socket.says(pushed({ seq: 42, at: '', kind: 'amended' }));
  assert.deepEqual(place(world.socket.requests('join')[1]), { auction: 'a' });
});

test('a hub that answers without a state is asked again with patience, not in a loop', async () => {
  const { world } = await joined();
  world.socket.says(pushed({ seq: 42, at: '', kind: 'amended' }));
  world.socket.answers('join', { type: 'joined', auction: 'a', seq: 42 });
  await settle();
  assert.equal(world.socket.requests('join').length, 2);
  await world.pass(500);
  assert.equal(world.socket.requests('join').length, 3);
});

test('an auction that is not there is asked for once; a busy hub again', async () => {
  const world = new World();
  const hub = new HubSocket('ws://hub/ws', world.environment());
  const feed = new RoomFeed(hub, 'a', () => {});
  hub.connect();
  feed.start();
  world.socket.opens();
  world.socket.answers('join', { type: 'error', code: 'busy', message: '' });
  await world.pass(500);
  assert.equal(world.socket.requests('join').length, 2);
  world.socket.answers('join', { type: 'error', code: 'unknown_auction', message: '' });
  await world.pass(10_000);
  assert.equal(feed.failure, 'unknown_auction');
  assert.equal(world.socket.requests('join').length, 2);
});

test('a change of person takes the room anew and forgets whose bids were ours', async () => {
  const { world, hub, feed } = await joined();
  feed.take({ type: 'bid_accepted', auction: 'a', seq: 42, leading: true, your_max: 5 });
  feed.renew();
  hub.reconnect();
  await settle();
  world.socket.opens();
  assert.deepEqual(place(world.socket.requests('join')[0]), { auction: 'a' });
  assert.deepEqual(feed.room.ownSeqs, []);
});

test('a room that was left hears nothing and asks nothing', async () => {
  const { world, feed } = await joined();
  feed.stop();
  world.socket.says(pushed(bidEvent(42), bidEvent(44)));
  world.socket.breaks();
  await world.pass(1_000);
  world.socket.opens();
  assert.equal(feed.room.seq, 41);
  assert.equal(world.socket.requests('join').length, 0);
});
