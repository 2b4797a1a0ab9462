import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FIRST_WAIT_MS, LONGEST_WAIT_MS, waitBefore } from '../../../static/net/backoff.js';
import { HubSocket, LineError } from '../../../static/net/socket.js';
import { World } from './world.js';

function connected() {
  const world = new World();
  const hub = new HubSocket('ws://hub/ws', world.environment());
  hub.connect();
  world.socket.opens();
  return { world, hub };
}

describe('the wait before trying again', () => {
  test('doubles, varies and is bounded', () => {
    assert.equal(waitBefore(0, () => 0), FIRST_WAIT_MS / 2);
    assert.equal(waitBefore(1, () => 0), FIRST_WAIT_MS);
    assert.equal(waitBefore(3, () => 0.5), FIRST_WAIT_MS * 6);
    assert.ok(waitBefore(1_000, () => 0.999) <= LONGEST_WAIT_MS);
    assert.equal(waitBefore(0, () => 0, 5_000), 5_000);
  });
});

describe('a request', () => {
  test('gets the answer with its number, in whatever order they come', async () => {
    const { world, hub } = connected();
    const first = hub.request({ type: 'join', auction: 'a' });
    const second = hub.request({ type: 'join', auction: 'b' });
    const [one, two] = world.socket.requests('join');
    world.socket.says({ type: 'joined', reply_to: two?.id, auction: 'b' });
    world.socket.says({ type: 'joined', reply_to: one?.id, auction: 'a' });
    assert.deepEqual([(await first).auction, (await second).auction], ['a', 'b']);
  });

  test('fails while there is no line, when the line breaks, and when no answer comes in time', async () => {
    const world = new World();
    const hub = new HubSocket('ws://hub/ws', world.environment());
    await assert.rejects(hub.request({ type: 'join' }), LineError);
    hub.connect();
    world.socket.opens();
    const cut = assert.rejects(hub.request({ type: 'join' }), LineError);
    world.socket.breaks();
    await cut;
    await world.pass(1_000);
    world.socket.opens();
    const silent = assert.rejects(hub.request({ type: 'join' }), LineError);
    await world.pass(16_000);
    await silent;
  });
});

describe('the line', () => {
  test('comes back by itself, later each time, and at once when woken', async () => {
    const { world, hub } = connected();
    /** @type {string[]} */
    const told = [];
    hub.on('status', (status) => told.push(status));
    world.socket.breaks();
    assert.deepEqual(told, ['offline']);
    await world.pass(FIRST_WAIT_MS / 2);
    assert.equal(world.sockets.length, 2);
    world.socket.breaks();
    await world.pass(FIRST_WAIT_MS / 2);
    assert.equal(world.sockets.length, 2);
    hub.wake();
    assert.equal(world.sockets.length, 3);
    world.socket.opens();
    assert.deepEqual(told, ['offline', 'connecting', 'offline', 'connecting', 'online']);
  });

  test('that opens and dies at once keeps backing off; one that spoke starts over', async () => {
    const { world } = connected();
    world.socket.breaks();
    await world.pass(FIRST_WAIT_MS / 2);
    world.socket.opens();
    world.socket.breaks();
    await world.pass(FIRST_WAIT_MS / 2);
    assert.equal(world.sockets.length, 2);
    await world.pass(FIRST_WAIT_MS / 2);
    assert.equal(world.sockets.length, 3);
    world.socket.opens();
    world.socket.says({ type: 'viewers', auction: 'a', count: 1 });
    world.socket.breaks();
    await world.pass(FIRST_WAIT_MS / 2);
    assert.equal(world.sockets.length, 4);
  });

  test('that does not open in time, or does not answer pings, is given up', async () => {
    const world = new World();
    const hub = new HubSocket('ws://hub/ws', world.environment());
    hub.connect();
    await world.pass(10_500);
    assert.equal(world.sockets.length, 2);
    world.socket.opens();
    await world.pass(15_500);
    assert.equal(hub.status, 'connecting');
    assert.equal(world.sockets[1]?.isClosed, true);
  });

  test('leaves a hub alone that asked for it', async () => {
    const { world } = connected();
    world.socket.breaks(4003);
    await world.pass(4_900);
    assert.equal(world.sockets.length, 1);
    await world.pass(200);
    assert.equal(world.sockets.length, 2);
  });

  test('moves when the hub drains, at the moment it is told', async () => {
    const { world } = connected();
    world.socket.says({ type: 'draining', reconnect_after_ms: 850 });
    await world.pass(849);
    assert.equal(world.sockets.length, 1);
    await world.pass(1);
    assert.equal(world.sockets.length, 2);
    assert.equal(world.sockets[0]?.isClosed, true);
  });

  test('that a draining hub closes early comes back at the moment it was told, and backs off from then on', async () => {
    const { world } = connected();
    world.socket.says({ type: 'draining', reconnect_after_ms: 1_700 });
    world.socket.breaks(1001);
    await world.pass(1_699);
    assert.equal(world.sockets.length, 1);
    await world.pass(1);
    assert.equal(world.sockets.length, 2);
    world.socket.breaks();
    await world.pass(FIRST_WAIT_MS);
    assert.equal(world.sockets.length, 3);
  });

  test('serves until the moment at which it moves', async () => {
    const { world, hub } = connected();
    world.socket.says({ type: 'draining', reconnect_after_ms: 850 });
    await world.pass(400);
    const answer = hub.request({ type: 'bid', auction: 'a', key: 'k', amount: 100 });
    world.socket.answers('bid', { type: 'bid_accepted', auction: 'a', key: 'k' });
    assert.equal((await answer).type, 'bid_accepted');
  });

  test('says when the session ended', () => {
    const { world, hub } = connected();
    let ended = 0;
    hub.on('session_ended', () => (ended += 1));
    world.socket.breaks(4002);
    assert.equal(ended, 1);
  });

  test('that was let go of is not heard any more', () => {
    const { world, hub } = connected();
    const old = world.socket;
    hub.reconnect();
    hub.on('push', () => assert.fail('heard an old line'));
    old.says({ type: 'viewers', auction: 'a', count: 1 });
    assert.equal(world.sockets.length, 2);
  });

  test('that was closed stays closed', async () => {
    const { world, hub } = connected();
    hub.close();
    await world.pass(60_000);
    assert.equal(world.sockets.length, 1);
  });

  test('does not stumble over what is no message', () => {
    const { world, hub } = connected();
    for (const data of ['', 'null', '7', '{}', '{"type":3}']) world.socket.onmessage?.({ data });
    assert.equal(hub.status, 'online');
  });
});

test("the hub's clock is read from pings, soon after the line opens", async () => {
  const { world, hub } = connected();
  assert.equal(hub.offset, null);
  await world.pass(0);
  world.time += 40;
  world.socket.answers('ping', { type: 'pong', server_time: new Date(world.time - 20 + 3_000).toISOString() });
  await world.pass(0);
  assert.equal(hub.offset, 3_000);
  assert.equal(hub.serverNow(), world.time + 3_000);
});
