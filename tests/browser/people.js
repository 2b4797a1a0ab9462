// People at their browsers: each has a page of their own, with cookies of its own, and does what people do.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

const PASSWORD = 'correct horse battery';

/**
 * @typedef {import('playwright-core').Browser} Browser
 * @typedef {import('playwright-core').Page} Page
 */

/** Someone at a browser. */
export class Person {
  /** What the page threw or complained of. @type {string[]} */
  complaints = [];

  /**
   * @param {Page} page
   * @param {string} hub
   */
  constructor(page, hub) {
    this.page = page;
    this.hub = hub;
    page.on('pageerror', (error) => this.complaints.push(String(error)));
    page.on('console', (said) => {
      // That the line is down while the hub is, is not the page's fault.
      const isOfNet = /ERR_CONNECTION|WebSocket connection|Failed to load resource/.test(said.text());
      if (said.type() === 'error' && !isOfNet) this.complaints.push(said.text());
    });
  }

  /**
   * @param {Browser} browser
   * @param {string} hub
   * @param {{width: number, height: number}} [viewport]
   */
  static async at(browser, hub, viewport = { width: 1280, height: 900 }) {
    const context = await browser.newContext({ viewport, locale: 'en-US', timezoneId: 'UTC' });
    return new Person(await context.newPage(), hub);
  }

  /** @param {string} path */
  async open(path) {
    await this.page.goto(this.hub + path);
  }

  /** @param {string} name */
  async signUp(name) {
    const { page } = this;
    await page.getByRole('link', { name: 'Sign in' }).first().click();
    await page.getByRole('link', { name: 'Open an account' }).click();
    await page.getByLabel('Name').fill(name);
    await page.getByLabel('E-mail').fill(`${name.toLowerCase()}@example.com`);
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Open account' }).click();
    await page.getByRole('link', { name, exact: true }).waitFor();
  }

  /**
   * Puts a lot up for auction through the form.
   * @param {string} title
   * @returns {Promise<string>} the path of its page
   */
  async sell(title) {
    const { page } = this;
    await page.getByRole('link', { name: 'Sell' }).click();
    await page.getByLabel('Title').fill(title);
    await page.getByLabel('Description').fill('A lot for a test.\nIt has two lines.');
    await page.getByLabel('Category').fill('Clocks');
    await page.getByLabel('Opening price').fill('100');
    await page.getByRole('button', { name: 'Put up for auction' }).click();
    await page.waitForURL(/\/auctions\//);
    return new URL(page.url()).pathname;
  }

  /**
   * Puts up a lot that ends soon, which the form's minutes cannot say.
   * @param {string} title
   * @param {number} lasts in milliseconds
   * @returns {Promise<string>} the path of its page
   */
  async sellFor(title, lasts) {
    const id = await this.page.evaluate(async ([name, ms]) => {
      const ends = new Date(Date.now() + Number(ms)).toISOString();
      const terms = { title: name, description: '', category: 'Clocks', currency: 'USD', opening_price: 10_000, ends_at: ends };
      const answer = await fetch('/api/auctions', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(terms) });
      return (await answer.json()).id;
    }, /** @type {const} */ ([title, lasts]));
    return `/auctions/${id}`;
  }

  /**
   * Types an amount and places the bid.
   * @param {string} amount
   * @param {'Bid up to'|'Bid exactly'} [kind]
   */
  async bid(amount, kind = 'Bid up to') {
    const { page } = this;
    await page.locator('label.kind', { hasText: kind }).click();
    await page.locator('#bid-amount').fill(amount);
    await page.locator('bid-box button[type="submit"]').click();
  }

  /** @param {string} text */
  async seesPrice(text) {
    await this.page.locator('room-panel output.price', { hasText: text }).waitFor();
  }

  /** @param {string|RegExp} text */
  async sees(text) {
    await this.page.getByText(text).first().waitFor();
  }

  /** The bids on the page, newest first, each as its row's text without the time. */
  async history() {
    const rows = await this.page.locator('bid-history tbody tr').all();
    return Promise.all(rows.map(async (row) => (await row.locator('td').allInnerTexts()).slice(0, 3).join(' ')));
  }

  /**
   * Keeps a picture of the page where `BIDHUB_TEST_SCREENSHOTS` says.
   * @param {string} name
   */
  async picture(name) {
    const dir = process.env.BIDHUB_TEST_SCREENSHOTS;
    if (!dir) return;
    await mkdir(dir, { recursive: true });
    await this.page.screenshot({ path: join(dir, `${name}.png`), fullPage: true });
  }
}
