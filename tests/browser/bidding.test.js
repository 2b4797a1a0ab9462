// What a person lives through at the page: two browsers, the real hub, a bid that the other sees, a hub that dies.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { chromium } from 'playwright-core';

import { Hub } from './hub.js';
import { Person } from './people.js';

/** How long the page may take to show what happened. */
const PATIENCE_MS = 20_000;

describe('two people and a hub', () => {
  /** @type {Hub} */
  let hub;
  /** @type {import('playwright-core').Browser} */
  let browser;
  /** @type {Person} */
  let ada;
  /** @type {Person} */
  let ben;
  /** @type {Person} */
  let guest;
  let lot = '';
  let loads = 0;

  before(async () => {
    hub = await Hub.start();
    browser = await chromium.launch({ executablePath: process.env.BIDHUB_CHROMIUM ?? '/usr/bin/chromium' });
    [ada, ben, guest] = await Promise.all([
      Person.at(browser, hub.url),
      Person.at(browser, hub.url),
      Person.at(browser, hub.url, { width: 390, height: 844 }),
    ]);
    for (const person of [ada, ben, guest]) {
      person.page.setDefaultTimeout(PATIENCE_MS);
      await person.open('/');
    }
  });

  after(async () => {
    await browser?.close();
    await hub?.remove();
  });

  test('sign up, each under an own name', async () => {
    await ada.picture('01-empty-list');
    await ada.signUp('Ada');
    await ben.signUp('Ben');
  });

  test('a lot is put up for auction through the form, and is in the list', async () => {
    lot = await ada.sell('Carriage clock, about 1880');
    await ada.sees('This is your own lot.');
    await ada.picture('02-own-lot');
    await guest.open('/');
    await guest.sees('Carriage clock, about 1880');
    await guest.picture('03-list-phone');
    await guest.page.getByRole('link', { name: /Carriage clock/ }).first().click();
    await guest.seesPrice('$100.00');
    await guest.sees('to bid. Watching is free.');
    for (const person of [ben, guest]) person.page.on('load', () => (loads += 1));
  });

  test('a bid shows at the other pages without a reload', async () => {
    const cleo = await Person.at(browser, hub.url);
    cleo.page.setDefaultTimeout(PATIENCE_MS);
    await cleo.open(lot);
    await cleo.page.getByRole('link', { name: 'open an account' }).waitFor();
    await cleo.signUp('Cleo');
    await cleo.open(lot);
    await ben.open(lot);
    loads = 0;
    await ben.page.locator('#bid-amount').waitFor();
    await ben.picture('04-before-the-bid');
    await ben.bid('150');
    await ben.sees('taken, and it leads');
    await guest.page.locator('bid-history tbody tr').first().waitFor();
    await ben.picture('05-leading');

    await cleo.page.locator('#bid-amount').waitFor();
    await cleo.bid('200', 'Bid exactly');
    await ben.seesPrice('$200.00');
    await guest.seesPrice('$200.00');
    await ben.sees(/outbid/i);
    await ben.picture('06-outbid');
    await guest.picture('07-guest-phone');
    assert.deepEqual(await guest.history(), ['Bidder 2 $200.00 $200.00', 'Bidder 1 $100.00 $100.00']);
    assert.equal(loads, 0, 'no page was loaded anew');
    assert.deepEqual(cleo.complaints, []);
    await cleo.page.context().close();
  });

  test('a bid below the minimum is refused, with the minimum in words', async () => {
    await ben.bid('150');
    await ben.sees(/The minimum bid is now \$/);
    await ben.picture('08-too-low');
  });

  test('the line comes back by itself after the hub was killed, and nothing is lost', async () => {
    const before = await ben.history();
    await hub.kill();
    await ben.sees(/Reconnecting to the hub/);
    await ben.bid('300');
    await ben.sees(/kept, goes out again/);
    await ben.picture('09-line-down');
    await hub.start();
    await ben.sees('taken, and it leads');
    await guest.page.locator('bid-history tbody tr').nth(2).waitFor();
    await ben.page.locator('connection-note').waitFor({ state: 'hidden' });
    const history = await ben.history();
    assert.equal(history.length, before.length + 1, 'the bid counts once');
    assert.deepEqual(history.slice(1), before);
    assert.deepEqual(await guest.history(), history.map((row) => row.replace(' (you)', '')));
    assert.equal(loads, 0, 'no page was loaded anew');
    await ben.picture('10-line-back');
  });

  test('an auction that ends says so at every page', async () => {
    const short = await ada.sellFor('A short sale', 8_000);
    await ben.open(short);
    await guest.open(short);
    await ben.page.locator('#bid-amount').waitFor();
    await ben.bid('120', 'Bid exactly');
    await ben.sees('taken, and it leads');
    await ben.page.locator('room-panel .badge[data-status="ended"]').waitFor();
    await guest.page.locator('room-panel .badge[data-status="ended"]').waitFor();
    await guest.sees(/Sold/);
    await ben.sees('It is yours, for $120.00.');
    assert.equal(await ben.page.locator('bid-box').isVisible(), false);
    assert.equal(await ben.page.getByText('it leads').isVisible(), false, 'nobody leads when it is over');
    await ben.picture('11-won');
    await guest.picture('12-ended-phone');
  });

  test('the account shows its holder, changes the password and signs out', async () => {
    await ben.page.getByRole('link', { name: 'Ben', exact: true }).click();
    await ben.page.getByLabel('Current password').fill('correct horse battery');
    await ben.page.getByLabel('New password').fill('another horse battery');
    await ben.page.getByRole('button', { name: 'Change password' }).click();
    await ben.sees('Your password is changed.');
    await ben.picture('13-account');
    await ben.page.getByRole('button', { name: 'Sign out' }).click();
    await ben.page.getByRole('link', { name: 'Sign in' }).first().waitFor();
  });

  test('no page complained', () => {
    for (const person of [ada, ben, guest]) assert.deepEqual(person.complaints, []);
  });
});
