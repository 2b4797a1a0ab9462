import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { amountFaultWords, parseAmount } from '../../../static/core/amount.js';
import { MAX_AMOUNT, editableMoney, formatMoney, fractionDigits, toDecimal } from '../../../static/core/money.js';

describe('amounts are shown', () => {
  for (const [amount, currency, locale, text] of /** @type {const} */ ([
    [12_500, 'USD', 'en', '$125.00'],
    [5, 'USD', 'en', '$0.05'],
    [12_500, 'JPY', 'en', '¥12,500'],
    [123_456_789, 'EUR', 'de', '1.234.567,89\u00a0€'],
    [MAX_AMOUNT, 'USD', 'en', '$90,071,992,547,409.91'],
  ])) {
    test(`${amount} ${currency} in ${locale} as ${text}`, () => assert.equal(formatMoney(amount, currency, locale), text));
  }

  test('with three digits where the currency has three', () => {
    assert.equal(fractionDigits('KWD'), 3);
    assert.equal(toDecimal(1_250, 'KWD'), '1.250');
    assert.match(formatMoney(1_250, 'KWD', 'en'), /1\.250$/);
  });

  test('as a dash when there is none', () => assert.equal(formatMoney(null, 'USD'), '–'));
});

describe('typed amounts are read', () => {
  for (const [text, currency, locale, amount] of /** @type {const} */ ([
    ['125', 'USD', 'en', 12_500],
    ['125.5', 'USD', 'en', 12_550],
    ['$1,250.00', 'USD', 'en', 125_000],
    ['1,250', 'USD', 'en', 125_000],
    ['12,50', 'USD', 'en', 1_250],
    ['1.250,00 €', 'EUR', 'de', 125_000],
    ['1.250', 'EUR', 'de', 125_000],
    ['1 250,5', 'EUR', 'fr', 125_050],
    ["1'250.50", 'CHF', 'de-CH', 125_050],
    ['12,50,000', 'INR', 'en-IN', 125_000_000],
    ['usd 10', 'USD', 'en', 1_000],
    ['.5', 'USD', 'en', 50],
    ['12,500', 'JPY', 'en', 12_500],
    ['1.250', 'KWD', 'en', 1_250],
    ['1,250', 'KWD', 'en', 1_250_000],
    ['90071992547409.91', 'USD', 'en', MAX_AMOUNT],
  ])) {
    test(`${text} (${currency}, ${locale})`, () => assert.deepEqual(parseAmount(text, currency, locale), { ok: true, amount }));
  }

  for (const amount of [1, 99, 100, 12_345_678_901, MAX_AMOUNT]) {
    for (const currency of ['USD', 'JPY', 'KWD']) {
      for (const locale of ['en', 'de']) {
        test(`${amount} ${currency} in ${locale}, as it was shown in the field`, () => {
          assert.deepEqual(parseAmount(editableMoney(amount, currency, locale), currency, locale), { ok: true, amount });
        });
      }
    }
  }
});

describe('typed amounts are refused', () => {
  for (const [text, currency, fault] of /** @type {const} */ ([
    ['', 'USD', 'empty'],
    ['  $ ', 'USD', 'empty'],
    ['ten', 'USD', 'not_a_number'],
    ['-5', 'USD', 'not_a_number'],
    ['1e5', 'USD', 'not_a_number'],
    ['1.2.3', 'USD', 'not_a_number'],
    ['1,2,3.00', 'USD', 'not_a_number'],
    ['1 2', 'USD', 'not_a_number'],
    ['1.250', 'USD', 'too_fine'],
    ['1.5', 'JPY', 'too_fine'],
    ['1.2345', 'KWD', 'too_fine'],
    ['0', 'USD', 'too_small'],
    ['0.00', 'USD', 'too_small'],
    ['90071992547409.92', 'USD', 'too_large'],
  ])) {
    test(`${JSON.stringify(text)} ${currency}: ${fault}`, () => {
      assert.deepEqual(parseAmount(text, currency, 'en'), { ok: false, fault });
      assert.ok(amountFaultWords(fault, currency).length > 0);
    });
  }
});
