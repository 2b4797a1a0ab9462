import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { OPEN_CODES, bidRequest, readBook, verdictOf, withBid, withoutBid } from '../../../static/core/bid-book.js';
import { REJECTION_WORDS, problemWords, rejectionWords } from '../../../static/core/codes.js';
import { isSeller, lotOf, lotPriceLabel } from '../../../static/core/lot.js';
import { routeOf, safeReturn } from '../../../static/core/routes.js';
import { deservesSecondLook, leastAmount, quickAmounts, stepAt } from '../../../static/core/steps.js';
import { readTerms } from '../../../static/core/terms.js';
import { closedWords, noticeWords, standingOf, standingWords } from '../../../static/core/words.js';
import { liveState } from './rooms.js';

/** The rejection codes of the contract with clients. */
const CODES = [
  'bid_too_low', 'auction_not_open', 'auction_closed', 'auction_paused', 'auction_stopped', 'own_auction', 'banned', 'account_frozen', 'insufficient_funds',
  'max_not_raised',   'key_reused', 'bid_in_flight', 'busy', 'rate_limited', 'unauthenticated', 'unknown_auction', 'invalid_amount', 'buy_now_unavailable', 'unavailable',
];

describe('rejections', () => {
  test('have words for every code of the contract, and for no other', () => assert.deepEqual(Object.keys(REJECTION_WORDS).sort(), [...CODES].sort()));

  for (const code of CODES) {
    test(`${code} is said in a sentence of its own`, () => {
      const words = rejectionWords(code, { minimum_bid: 13_000, currency: 'USD', message: 'not this one' });
      assert.match(words, /^[A-Z].*\.$/);
      assert.ok(!words.includes('not this one') && !words.includes('_'));
      assert.equal(CODES.filter((other) => rejectionWords(other) === rejectionWords(code)).length, 1);
    });
  }

  test('carry the new minimum', () => assert.match(rejectionWords('bid_too_low', { minimum_bid: 13_000, currency: 'USD' }), /\$130\.00/));

  test('newer than the page use the sentence of the hub', () => {
    assert.equal(rejectionWords('moon_phase', { message: 'Not at full moon.' }), 'Not at full moon.');
    assert.equal(rejectionWords('constructor'), 'The bid was not taken.');
  });

  test('of a picture are said in words of the page', () => {
    const codes = ['unsupported_media_type', 'body_too_large', 'image_too_large', 'invalid_image', 'image_quota_exceeded', 'unused_images_exceeded', 'image_storage_full', 'request_timeout', 'unknown_image', 'busy'];
    const said = codes.map((code) => problemWords({ code, detail: 'not this one' }));
    for (const words of said) assert.match(words, /^(?!.*(not this one|_))[A-Z].*\.$/);
    assert.equal(new Set(said).size, codes.length);
  });

  test('over REST fall back to the detail', () => {
    assert.equal(problemWords({ code: 'odd', detail: 'The odd thing.' }), 'The odd thing.');
    assert.match(problemWords({ code: 'toString', detail: null }), /went wrong/);
  });
});

describe('who leads', () => {
  const you = { alias: 'Bidder 7', leading: true, max: 20_000 };

  test('is said to the leader with the ceiling', () => assert.equal(standingWords(liveState({ you }), 'en'), 'You lead with a max of $200.00.'));
  test('is said to who was outbid', () => assert.match(standingWords(liveState({ you: { ...you, leading: false } }), 'en'), /^You were outbid\./));
  test('is said to a watcher by alias', () => assert.equal(standingWords(liveState(), 'en'), 'Bidder 7 leads.'));
  test('is said after the end to winner, loser and leader of an unsold lot', () => {
    const ended = { status: /** @type {const} */ ('ended'), outcome: /** @type {const} */ ('sold'), you };
    assert.equal(standingOf(liveState({ ...ended, winner: 'Bidder 7' })), 'won');
    assert.equal(standingOf(liveState({ ...ended, winner: 'Bidder 2' })), 'lost');
    assert.equal(standingOf(liveState({ ...ended, outcome: 'unsold' })), 'lost');
  });
});

test('a room that takes no bids says why, with the reason', () => {
  const moment = () => 'at noon';
  assert.equal(closedWords(liveState(), 'en', moment), null);
  assert.match(closedWords(liveState({ status: 'paused', reason: 'We look into a bid' }), 'en', moment) ?? '', /We look into a bid\.$/);
  for (const status of /** @type {const} */ (['scheduled', 'suspended', 'stopped', 'ended'])) assert.match(closedWords(liveState({ status }), 'en', moment) ?? '', /\.$/);
});

test('what happened is said for every kind that is noted', () => {
  for (const kind of ['opened', 'extended', 'reserve_met', 'paused', 'resumed', 'suspended', 'bid_voided', 'stopped', 'ended']) {
    assert.match(noticeWords({ seq: 1, at: '', kind }, 'USD', 'en', () => 'at noon'), /^[A-Z].*\.$/, kind);
  }
});

describe('amounts to choose from', () => {
  const steps = [{ from: 0, step: 100 }, { from: 10_000, step: 500 }, { from: 13_500, step: 1_000 }];

  test('begin with the minimum and rise by the band of each', () => assert.deepEqual(quickAmounts(liveState(), steps), [13_000, 13_500, 14_500]));
  test('use the step in force when no table is known', () => assert.deepEqual(quickAmounts(liveState()), [13_000, 13_500, 14_000]));
  test('are the minimum alone when no step is known', () => assert.deepEqual(quickAmounts(liveState({ price: null })), [13_000]));
  test("lie above the leader's own ceiling", () => {
    const live = liveState({ you: { alias: 'Bidder 7', leading: true, max: 20_000 } });
    assert.deepEqual(quickAmounts(live, steps), [21_000, 22_000, 23_000]);
    assert.equal(leastAmount(live), 20_001);
  });
  test('no band, no step', () => assert.equal(stepAt([{ from: 100, step: 5 }], 99), null));
  test('ten times the minimum is asked about once more', () => assert.deepEqual([129_999, 130_000].map((amount) => deservesSecondLook(amount, 13_000)), [false, true]));
});

describe('the book of bids', () => {
  const bid = { key: 'k', auction: 'a', kind: /** @type {const} */ ('max'), amount: 5, account: 'u' };

  test('holds a key once', () => assert.deepEqual(withBid(withBid([], bid), bid), [bid]));
  test('lets go of a key', () => assert.deepEqual(withoutBid([bid], 'k'), []));
  test('sends each kind in its own shape', () => {
    assert.deepEqual(bidRequest(bid), { type: 'bid', auction: 'a', key: 'k', max: 5 });
    assert.deepEqual(bidRequest({ ...bid, kind: 'straight' }), { type: 'bid', auction: 'a', key: 'k', amount: 5 });
    assert.deepEqual(bidRequest({ ...bid, kind: 'buy_now', amount: null }), { type: 'buy_now', auction: 'a', key: 'k' });
  });
  test('is read back with distrust', () => {
    assert.deepEqual(readBook(JSON.stringify([bid, { key: 1 }, null, { ...bid, amount: '5' }, { ...bid, kind: 'gift' }])), [bid]);
    for (const text of [null, '', 'x', '{}']) assert.deepEqual(readBook(text), []);
  });
  test('keeps a bid open on codes that decide nothing', () => {
    for (const code of CODES) assert.equal(verdictOf({ type: 'bid_rejected', code }) === null, OPEN_CODES.includes(code), code);
    assert.equal(verdictOf({ type: 'bid_accepted' })?.accepted, true);
    assert.equal(verdictOf({ type: 'bid_rejected', code: 'new_one', retry: true }), null);
  });
});

test('paths lead to pages, and signing in leads nowhere else', () => {
  assert.equal(routeOf('/', '').page, 'list');
  assert.deepEqual([routeOf('/auctions/x/', '').page, routeOf('/auctions/x', '').id], ['room', 'x']);
  assert.equal(routeOf('/reset-password', '?token=t').query.get('token'), 't');
  for (const path of ['/nowhere', '/auctions/', '/constructor']) assert.equal(routeOf(path, '').page, 'not-found');
  assert.equal(safeReturn('/auctions/1?x=2'), '/auctions/1?x=2');
  for (const wanted of [null, '', 'https://elsewhere.example', '//elsewhere.example', '/\\elsewhere.example', '/\t/elsewhere.example', '/\n/elsewhere.example', 'javascript:1']) assert.equal(safeReturn(wanted), '/');
});

test('a lot is read flat or with its live state', () => {
  const auction = { id: 'a', title: '“Étude”', currency: 'USD', opening_price: 100, ends_at: '2026-11-20T10:00:00.000Z' };
  assert.deepEqual([lotOf(auction).price, lotOf(auction).initial, lotPriceLabel(lotOf(auction))], [100, 'É', 'Opening at']);
  const user = { id: 'u', display_name: 'A', roles: [] };
  assert.deepEqual([{ ...auction, seller: 'u' }, { ...auction, seller: { id: 'u' } }, { ...auction, seller: 'v' }, auction].map((one) => isSeller(one, user)), [true, true, false, false]);
  assert.equal(isSeller(auction, null), false);
  assert.equal(lotOf({ ...auction, price: 300, status: 'open' }).price, 300);
  assert.equal(lotOf({ ...auction, state: liveState() }).price, 12_500);
  assert.equal(lotPriceLabel(lotOf({ ...auction, state: liveState({ status: 'ended', outcome: 'unsold' }) })), 'Not sold');
});

describe('terms of a new auction', () => {
  const now = Date.parse('2026-11-20T09:30:00.000Z');
  const typed = { title: ' A vase ', description: '', category: 'Art', currency: 'USD', opening_price: '100', reserve: '', buy_now: '', starts_at: '', ends_at: '2026-11-25T10:00', image_url: '' };

  test('leave out what was left empty', () => {
    const read = readTerms(typed, now, 'en');
    assert.deepEqual(read, { ok: true, terms: { title: 'A vase', description: '', category: 'Art', currency: 'USD', opening_price: 10_000, ends_at: new Date('2026-11-25T10:00').toISOString(), soft_close: { window_s: 120, extension_s: 120, max_total_s: 3_600 } } });
  });
  for (const [field, fields] of /** @type {const} */ ([
    ['opening_price', { opening_price: '' }],
    ['reserve', { reserve: '99' }],
    ['buy_now', { reserve: '200', buy_now: '199' }],
    ['ends_at', { ends_at: '' }],
    ['ends_at', { ends_at: '2020-01-01T10:00' }],
    ['ends_at', { starts_at: '2026-11-26T10:00' }],
  ])) {
    test(`are refused at ${field} with ${JSON.stringify(fields)}`, () => {
      const read = readTerms({ ...typed, ...fields }, now, 'en');
      assert.equal(!read.ok && read.field, field);
    });
  }
});
