// Money as whole minor units (cents, yen, fils) and a currency: how it is shown. Never a fraction of a unit, never a
// float on the way: amounts are turned into decimal text by moving the point.

/** The largest amount the hub takes, in minor units. */
export const MAX_AMOUNT = Number.MAX_SAFE_INTEGER;

/**
 * How many digits of the currency stand behind the point: 2 for USD, 0 for JPY, 3 for KWD.
 * @param {string} currency ISO 4217 code
 * @returns {number}
 */
export function fractionDigits(currency) {
  return formatter(currency, 'en').resolvedOptions().maximumFractionDigits ?? 2;
}

/**
 * The amount as plain decimal text, with a point: 12500 in USD is `125.00`.
 * @param {number} amount minor units
 * @param {string} currency
 * @returns {`${number}`}
 */
export function toDecimal(amount, currency) {
  const digits = fractionDigits(currency);
  const sign = amount < 0 ? '-' : '';
  const units = String(Math.abs(amount)).padStart(digits + 1, '0');
  const whole = units.slice(0, units.length - digits);
  const fraction = digits === 0 ? '' : `.${units.slice(units.length - digits)}`;
  return /** @type {`${number}`} */ (`${sign}${whole}${fraction}`);
}

/**
 * The amount as people read it: `$125.00`, `¥12,500`.
 * @param {number|null|undefined} amount minor units
 * @param {string} currency
 * @param {string} [locale]
 * @returns {string}
 */
export function formatMoney(amount, currency, locale = 'en') {
  return amount == null ? '–' : formatter(currency, locale).format(toDecimal(amount, currency));
}

/**
 * The amount as it stands in an input field: the locale's decimal mark, no grouping, no symbol.
 * @param {number} amount minor units
 * @param {string} currency
 * @param {string} [locale]
 * @returns {string}
 */
export function editableMoney(amount, currency, locale = 'en') {
  return toDecimal(amount, currency).replace('.', decimalMark(locale));
}

/**
 * The sign that goes before an input of this currency: `$`, `€`, `KWD`.
 * @param {string} currency
 * @param {string} [locale]
 * @returns {string}
 */
export function currencySign(currency, locale = 'en') {
  const parts = formatter(currency, locale).formatToParts(0);
  return parts.find((part) => part.type === 'currency')?.value ?? currency;
}

/**
 * The locale's decimal mark: `.` or `,` (Arabic-script marks are read as a point).
 * @param {string} locale
 * @returns {'.'|','}
 */
export function decimalMark(locale) {
  const parts = new Intl.NumberFormat(locale, { numberingSystem: 'latn' }).formatToParts(1.5);
  return parts.find((part) => part.type === 'decimal')?.value === ',' ? ',' : '.';
}

/** @type {Map<string, Intl.NumberFormat>} */
const formatters = new Map();

/**
 * @param {string} currency
 * @param {string} locale
 */
function formatter(currency, locale) {
  const name = `${locale}/${currency}`;
  let found = formatters.get(name);
  if (!found) {
    found = new Intl.NumberFormat(locale, { style: 'currency', currency, currencyDisplay: 'narrowSymbol' });
    formatters.set(name, found);
  }
  return found;
}
