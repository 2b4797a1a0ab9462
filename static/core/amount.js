// Reading an amount that a person typed. A doubtful text is refused, never guessed: `1.250` in a place that writes
// decimals with a point could be meant as 1.25 or as 1250, so in dollars it is neither.

import { decimalMark, fractionDigits, MAX_AMOUNT } from './money.js';

/**
 * @typedef {'empty'|'not_a_number'|'too_fine'|'too_small'|'too_large'} AmountFault
 * @typedef {{ok: true, amount: number} | {ok: false, fault: AmountFault}} ParsedAmount
 */

const NUMBER = /^(\d[\d.,]*|[.,]\d+)$/;

/**
 * The amount in minor units that `text` says.
 * @param {string} text
 * @param {string} currency
 * @param {string} [locale] decides what a single mark before three digits is
 * @returns {ParsedAmount}
 */
export function parseAmount(text, currency, locale = 'en') {
  const bare = strip(text, currency);
  if (bare === '') return fault('empty');
  if (!NUMBER.test(bare)) return fault('not_a_number');
  const digits = fractionDigits(currency);
  const split = splitAtMark(bare, decimalMark(locale));
  if (!split) return fault('not_a_number');
  if (split.fraction.length > digits) return fault('too_fine');
  const units = BigInt(`${split.whole}${split.fraction.padEnd(digits, '0')}`);
  if (units < 1n) return fault('too_small');
  if (units > BigInt(MAX_AMOUNT)) return fault('too_large');
  return { ok: true, amount: Number(units) };
}

/**
 * What to tell someone whose amount could not be read.
 * @param {AmountFault} reason
 * @param {string} currency
 * @returns {string}
 */
export function amountFaultWords(reason, currency) {
  switch (reason) {
    case 'empty':
      return 'Enter an amount.';
    case 'not_a_number':
      return 'That is not an amount we can read. Digits are enough, such as 1250.';
    case 'too_fine': {
      const digits = fractionDigits(currency);
      return digits === 0 ? `${currency} has no smaller unit: enter a whole number.` : `${currency} has ${digits} digits after the decimal mark.`;
    }
    case 'too_small':
      return 'The amount must be more than zero.';
    case 'too_large':
      return 'The amount is larger than the hub can take.';
  }
}

/**
 * Drops what is no part of the number: spaces, apostrophes, the currency's code or sign before or after it.
 * @param {string} text
 * @param {string} currency
 */
function strip(text, currency) {
  return text
    .normalize('NFKC')
    .trim()
    .replace(new RegExp(`^${currency}|${currency}$`, 'i'), '')
    .replace(/^\p{Sc}|\p{Sc}$/gu, '')
    .trim()
    .replace(/(?<=\d)[\s'’](?=\d{3}(\D|$))/g, '');
}

/**
 * @param {string} bare digits, points and commas
 * @param {'.'|','} mark the locale's decimal mark
 * @returns {{whole: string, fraction: string}|null}
 */
function splitAtMark(bare, mark) {
  const marks = bare.match(/[.,]/g) ?? [];
  if (marks.length === 0) return { whole: bare, fraction: '' };
  const last = Math.max(bare.lastIndexOf('.'), bare.lastIndexOf(','));
  const lastMark = bare[last];
  const after = bare.slice(last + 1);
  const kinds = new Set(marks).size;
  const seenOnce = marks.filter((one) => one === lastMark).length === 1;
  const lastIsDecimal = kinds === 2 ? seenOnce : seenOnce && (after.length !== 3 || lastMark === mark);
  const grouped = lastIsDecimal ? bare.slice(0, last) : bare;
  const whole = ungroup(grouped);
  return whole === null ? null : { whole, fraction: lastIsDecimal ? after : '' };
}

/**
 * The digits of a grouped number, if its groups are two or three digits and the last is three.
 * @param {string} grouped
 * @returns {string|null}
 */
function ungroup(grouped) {
  if (/^\d*$/.test(grouped)) return grouped;
  const mark = grouped.includes('.') ? '\\.' : ',';
  const shape = new RegExp(`^\\d{1,3}(${mark}\\d{2,3})*${mark}\\d{3}$`);
  return shape.test(grouped) ? grouped.replace(/[.,]/g, '') : null;
}

/**
 * @param {AmountFault} reason
 * @returns {ParsedAmount}
 */
function fault(reason) {
  return { ok: false, fault: reason };
}
