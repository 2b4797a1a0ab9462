// The increment table of an auction, and the amounts worth offering as a single click.

import { MAX_AMOUNT } from './money.js';

/** An amount this many times the minimum is asked about once more before it is sent: it may be a slip of the finger. */
export const SECOND_LOOK_FACTOR = 10;

/**
 * The step of the band that holds `price`.
 * @param {readonly import('./types.js').Step[]|undefined} table
 * @param {number} price
 * @returns {number|null} null when the table has no band for it
 */
export function stepAt(table, price) {
  let found = null;
  for (const band of table ?? []) {
    if (band.from <= price) found = band.step;
  }
  return found;
}

/**
 * Amounts to offer as one click: the least worth offering, and one and two steps above it.
 * @param {import('./types.js').LiveState} live
 * @param {readonly import('./types.js').Step[]} [table] when left out, the step between price and minimum is used
 * @returns {number[]} one to three amounts, rising
 */
export function quickAmounts(live, table) {
  const known = live.price === null ? null : live.minimum_bid - live.price;
  /** @param {number} amount */
  const above = (amount) => amount + (stepAt(table, amount) ?? known ?? 0);
  const ceiling = ownCeiling(live);
  const amounts = [ceiling === null ? live.minimum_bid : Math.max(above(ceiling), ceiling + 1)];
  for (let i = 0; i < 2; i += 1) {
    const top = amounts[amounts.length - 1] ?? 0;
    const next = above(top);
    if (next <= top || next > MAX_AMOUNT) break;
    amounts.push(next);
  }
  return amounts;
}

/**
 * The least that this bidder may offer now: the minimum bid or, for the leader, anything above the own ceiling.
 * @param {import('./types.js').LiveState} live
 * @returns {number}
 */
export function leastAmount(live) {
  const ceiling = ownCeiling(live);
  return ceiling === null ? live.minimum_bid : ceiling + 1;
}

/**
 * @param {import('./types.js').LiveState} live
 * @returns {number|null} the ceiling of this bidder while leading
 */
function ownCeiling(live) {
  return live.you?.leading ? (live.you.max ?? null) : null;
}

/**
 * Whether an amount is so far above the minimum that it should be confirmed.
 * @param {number} amount
 * @param {number} minimum
 * @returns {boolean}
 */
export function deservesSecondLook(amount, minimum) {
  return amount >= minimum * SECOND_LOOK_FACTOR;
}
