import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bidder, MOST_OUTSTANDING } from '../../../static/net/bidder.js';
import { HubSocket } from '../../../static/net/socket.js';
import { World, settle } from './world.js';

/** @param {World} world */
function bidderIn(world, account = 'u') {
  const hub = new HubSocket('ws://hub/ws', world.environment());
  const bidder = new Bidder(hub);
  /** @type {{key: string, code: string|null, accepted: boolean}[]} */
  const verdicts = [];
  bidder.on((bid, verdict) => verdict && verdicts.push({ key: bid.key, code: verdict.code, accepted: verdict.accepted }));
  bidder.setAccount(account);
  hub.connect();
  world.socket.opens();
  return { hub, bidder, verdicts };
}

/** @param {World} world */
const keysSent = (world) => world.sockets.flatMap((socket) => socket.requests('bid').map((request) => request.key));

test('a bid is sent once and settled by its answer', async () => {
  const world = new World();
  const { bidder, verdicts } = bidderIn(world);
  bidder.place('a', 'max', 20_000);
  const [request] = world.socket.requests('bid');
  assert.deepEqual([request?.auction, request?.max, request?.amount, request?.key], ['a', 20_000, undefined, 'key-1']);
  assert.equal(bidder.outstanding('a').length, 1);
  world.socket.answers('bid', { type: 'bid_accepted', auction: 'a', key: 'key-1', seq: 42 });
  await settle();
  assert.deepEqual(verdicts, [{ key: 'key-1', code: null, accepted: true }]);
  assert.deepEqual(bidder.outstanding('a'), []);
  assert.equal(world.kept.size, 0);
});

test('a bid without an answer is sent again over a new line, with the same key', async () => {
  const world = new World();
  const { bidder, verdicts } = bidderIn(world);
  bidder.place('a', 'straight', 13_000);
  world.socket.breaks();
  await world.pass(1_000);
  assert.equal(bidder.outstanding('a').length, 1);
  world.socket.opens();
  assert.deepEqual(keysSent(world), ['key-1', 'key-1']);
  world.socket.answers('bid', { type: 'bid_rejected', code: 'bid_too_low', minimum_bid: 14_000 });
  await settle();
  assert.deepEqual(verdicts, [{ key: 'key-1', code: 'bid_too_low', accepted: false }]);
  await world.pass(5_000);
  assert.equal(keysSent(world).length, 2);
});

test('a bid placed while the line is down goes out when it is up', async () => {
  const world = new World();
  const { bidder } = bidderIn(world);
  world.socket.breaks();
  bidder.place('a', 'straight', 13_000);
  await world.pass(1_000);
  world.socket.opens();
  assert.deepEqual(keysSent(world), ['key-1']);
});

test('an answer that decides nothing is followed by the same bid, a little later each time', async () => {
  const world = new World();
  const { bidder, verdicts } = bidderIn(world);
  bidder.place('a', 'straight', 13_000);
  for (const code of ['unavailable', 'busy', 'rate_limited', 'bid_in_flight']) {
    world.socket.answers('bid', { type: 'bid_rejected', code });
    await settle();
    const before = keysSent(world).length;
    await world.pass(100);
    assert.equal(keysSent(world).length, before, 'not at once');
    await world.pass(3_000);
    assert.equal(keysSent(world).length, before + 1);
    // The line stays up only while its pings are answered.
    for (const ping of world.socket.requests('ping')) world.socket.says({ type: 'pong', reply_to: ping.id, server_time: new Date(world.time).toISOString() });
  }
  assert.equal(new Set(keysSent(world)).size, 1);
  assert.deepEqual(verdicts, []);
});

test('a line that breaks while a bid waits to go again sends it once', async () => {
  const world = new World();
  const { bidder } = bidderIn(world);
  bidder.place('a', 'straight', 13_000);
  world.socket.answers('bid', { type: 'bid_rejected', code: 'busy' });
  await settle();
  world.socket.breaks();
  await world.pass(250);
  world.socket.opens();
  await world.pass(2_000);
  assert.deepEqual(keysSent(world), ['key-1', 'key-1']);
});

test('an outstanding bid outlives a reload, for the same account only', async () => {
  const world = new World();
  bidderIn(world).bidder.place('a', 'straight', 13_000);
  bidderIn(world);
  assert.deepEqual(keysSent(world), ['key-1', 'key-1']);
  const { bidder } = bidderIn(world, 'somebody else');
  assert.deepEqual(bidder.outstanding('a'), []);
  assert.equal(keysSent(world).length, 2);
  assert.equal(world.kept.size, 0);
});

test('nobody signed in, no bid; and no more bids at once than can be followed', () => {
  const world = new World();
  const { bidder } = bidderIn(world);
  for (let i = 0; i < MOST_OUTSTANDING; i += 1) assert.ok(bidder.place('a', 'straight', 13_000 + i));
  assert.equal(bidder.place('a', 'straight', 99_000), null);
  bidder.setAccount(null);
  assert.equal(bidder.place('a', 'straight', 99_000), null);
});
