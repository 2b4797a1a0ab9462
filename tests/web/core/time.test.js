import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SAMPLES_KEPT, addSample, bestOffset } from '../../../static/core/clock-offset.js';
import { countdown, formatBidTime, parseTime, passedMark, spokenTime, urgency, wireTime } from '../../../static/core/time.js';

const MINUTE = 60_000;

test('a moment is written as it was read', () => {
  assert.equal(wireTime(parseTime('2026-11-20T09:30:00.007Z') ?? 0), '2026-11-20T09:30:00.007Z');
  assert.equal(parseTime(null), null);
  assert.equal(parseTime('soon'), null);
});

test('a countdown shows zero only when it is over', () => {
  const shown = /** @type {const} */ ([[0, '0:00'], [-5, '0:00'], [1, '0:01'], [1_000, '0:01'], [9_001, '0:10'], [61_000, '1:01'], [3 * 3_600_000 + 4 * MINUTE + 9_000, '3:04:09'], [52 * 3_600_000, '2 d 04 h']]);
  for (const [left, text] of shown) assert.equal(countdown(left), text);
});

test('time left is spoken in its two largest units', () => {
  const said = /** @type {const} */ ([[0, 'no time'], [1_000, '1 second'], [61_000, '1 minute 1 second'], [2 * MINUTE, '2 minutes'], [49 * 3_600_000, '2 days 1 hour']]);
  for (const [left, text] of said) assert.equal(spokenTime(left), text);
});

test('urgency grows towards the end', () => {
  assert.deepEqual([10 * MINUTE, 5 * MINUTE, MINUTE, 0].map(urgency), ['calm', 'soon', 'last', 'over']);
});

test('each mark is passed once', () => {
  assert.equal(passedMark(MINUTE + 1, MINUTE), MINUTE);
  assert.equal(passedMark(MINUTE, MINUTE - 1), null);
  assert.equal(passedMark(6 * MINUTE, 4 * MINUTE), 5 * MINUTE);
  assert.equal(passedMark(20_000, -1), null);
});

test('a bid of today shows its seconds, an older one its day', () => {
  const now = Date.UTC(2026, 10, 20, 12);
  assert.match(formatBidTime(Date.UTC(2026, 10, 20, 9, 30, 7), now, 'en-GB', 'UTC'), /^09:30:07$/);
  assert.match(formatBidTime(Date.UTC(2026, 10, 19, 9, 30, 7), now, 'en-GB', 'UTC'), /19 Nov 2026.*09:30$/);
});

describe("the hub's clock", () => {
  test('is taken from the shortest round trip', () => {
    let samples = addSample([], { sentAt: 1_000, receivedAt: 1_400, serverTime: 9_000 });
    samples = addSample(samples, { sentAt: 2_000, receivedAt: 2_020, serverTime: 7_010 });
    samples = addSample(samples, { sentAt: 3_000, receivedAt: 3_900, serverTime: 1 });
    assert.equal(bestOffset(samples), 5_000);
  });

  test('follows a drift, because old samples leave', () => {
    let samples = addSample([], { sentAt: 0, receivedAt: 2, serverTime: 1 });
    for (let i = 0; i < SAMPLES_KEPT; i += 1) samples = addSample(samples, { sentAt: 0, receivedAt: 10, serverTime: 505 });
    assert.equal(bestOffset(samples), 500);
  });

  test('is unknown before the first answer, and no broken sample counts', () => {
    assert.equal(bestOffset([]), null);
    assert.deepEqual(addSample([], { sentAt: 10, receivedAt: 5, serverTime: 1 }), []);
    assert.deepEqual(addSample([], { sentAt: 0, receivedAt: 5, serverTime: Number.NaN }), []);
  });
});
