// Putting a lot up for auction with a picture: sent as it is chosen, shown, taken away, refused in words, and then on the lot.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { chromium } from 'playwright-core';

import { Hub } from './hub.js';
import { Person } from './people.js';

const PATIENCE_MS = 20_000;
const PIXELS = 'iVBORw0KGgoAAAANSUhEUgAAABgAAAAYCAIAAABvFaqvAAAAW0lEQVR42u3MMRlAUBhA0TdYDVaD1WBVwHd3090UUOAVUEABBRRQQAEFFFDAKoblPwFOSlJKLa30Msgok8ySZZFVNtnlkFMuueWRVwqppJFOUkQRRRRRRBH9H33FTEQ/BTnUhAAAAABJRU5ErkJggg==';
const PICTURE = { name: 'clock.png', mimeType: 'image/png', buffer: Buffer.from(PIXELS, 'base64') };
const BROKEN = { ...PICTURE, buffer: PICTURE.buffer.subarray(0, 60) };
const TEXT = { name: 'clock.txt', mimeType: 'text/plain', buffer: Buffer.from('a clock') };

describe('a seller with a picture', () => {
  /** @type {Hub} */
  let hub;
  /** @type {import('playwright-core').Browser} */
  let browser;
  /** @type {Person} */
  let ada;

  before(async () => {
    hub = await Hub.start();
    browser = await chromium.launch({ executablePath: process.env.BIDHUB_CHROMIUM ?? '/usr/bin/chromium' });
    ada = await Person.at(browser, hub.url);
    ada.page.setDefaultTimeout(PATIENCE_MS);
    await ada.open('/');
    await ada.signUp('Ada');
    await ada.page.getByRole('link', { name: 'Sell' }).click();
  });

  after(async () => {
    await browser?.close();
    await hub?.remove();
  });

  test('is told in words what is no picture, at the field', async () => {
    const field = ada.page.getByLabel('Picture', { exact: false }).first();
    for (const [file, words] of /** @type {const} */ ([[TEXT, 'Choose a PNG, a JPEG or a WebP.'], [BROKEN, /^This picture cannot be read/]])) {
      await field.setInputFiles(file);
      await ada.page.getByRole('alert').filter({ hasText: words }).waitFor();
      assert.equal(await field.getAttribute('aria-invalid'), 'true');
      assert.equal(await field.evaluate((it) => it === document.activeElement), true, 'one can choose again at once');
      assert.equal(await field.inputValue(), '');
    }
    await ada.picture('20-no-picture');
  });

  test('sees the picture, and may take it away, by the keyboard alone', async () => {
    const field = ada.page.locator('image-field input[type="file"]');
    const picture = ada.page.getByRole('img', { name: 'The picture of this lot' });
    await field.setInputFiles(PICTURE);
    await ada.page.getByRole('status').filter({ hasText: 'The picture is there.' }).waitFor();
    await picture.waitFor();
    assert.equal(await field.getAttribute('aria-invalid'), null);
    assert.equal(await picture.evaluate((it) => it instanceof HTMLImageElement ? it.decode().then(() => it.naturalWidth) : 0), 24);
    await ada.picture('21-picture');
    await field.focus();
    await ada.page.keyboard.press('Tab');
    await ada.page.keyboard.press('Enter');
    await picture.waitFor({ state: 'hidden' });
    await ada.page.getByRole('status').filter({ hasText: 'The picture is removed.' }).waitFor();
    assert.equal(await field.evaluate((it) => it === document.activeElement), true);
    assert.equal(await ada.page.locator('input[name="image_url"]').inputValue(), '');
  });

  test('puts the lot up with it, even while it is on its way', async () => {
    const { page } = ada;
    await page.getByLabel('Title').fill('Carriage clock');
    await page.getByLabel('Category').fill('Clocks');
    await page.getByLabel('Opening price').fill('100');
    /** @type {() => void} */
    let letGo = () => {};
    const held = new Promise((resolve) => (letGo = () => resolve(undefined)));
    await page.route('**/api/images', async (route) => {
      await held;
      await route.continue();
    });
    await page.locator('image-field input[type="file"]').setInputFiles(PICTURE);
    await page.getByRole('button', { name: 'Put up for auction' }).click();
    await page.getByRole('status').filter({ hasText: 'on its way' }).waitFor();
    assert.match(page.url(), /\/sell$/);
    // The hub has lost it meanwhile: that is said at the field, and it may be chosen again.
    await page.route('**/api/auctions', (route) => route.fulfill({ status: 422, json: { code: 'unknown_image', field: 'image_url' } }), { times: 1 });
    letGo();
    await page.getByRole('alert').filter({ hasText: 'Choose it again' }).waitFor();
    const file = page.locator('image-field input[type="file"]');
    assert.equal(await file.getAttribute('aria-invalid'), 'true');
    await file.setInputFiles(PICTURE);
    await page.getByRole('status').filter({ hasText: 'The picture is there.' }).waitFor();
    await page.getByRole('button', { name: 'Put up for auction' }).click();
    await page.waitForURL(/\/auctions\//);
    const shown = page.locator('lot-image img').first();
    await shown.waitFor();
    assert.match((await shown.getAttribute('src')) ?? '', /^\/api\/images\/[0-9a-f-]{36}$/);
    await ada.picture('22-lot-with-picture');
  });

  test('no page complained', () => assert.deepEqual(ada.complaints, []));
});
