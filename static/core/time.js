// Moments and spans of time as text. The current moment is always an argument: nothing here reads a clock.

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/**
 * @param {string|null|undefined} text such as `2026-11-20T09:30:00.000Z`
 * @returns {number|null} milliseconds since 1970
 */
export function parseTime(text) {
  const ms = text ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) ? null : ms;
}

/**
 * The moment as the hub writes it.
 * @param {number} ms
 * @returns {string}
 */
export function wireTime(ms) {
  return new Date(ms).toISOString();
}

/**
 * Time left, rounded up to a whole second so that `0:00` is shown only when it is over: `0:09`, `4:09`, `3:04:09`, `2 d 04 h`.
 * @param {number} left milliseconds
 * @returns {string}
 */
export function countdown(left) {
  const { days, hours, minutes, seconds } = parts(left);
  if (days > 0) return `${days} d ${two(hours)} h`;
  if (hours > 0) return `${hours}:${two(minutes)}:${two(seconds)}`;
  return `${minutes}:${two(seconds)}`;
}

/**
 * Time left as it is spoken: the two largest units.
 * @param {number} left milliseconds
 * @returns {string}
 */
export function spokenTime(left) {
  const { days, hours, minutes, seconds } = parts(left);
  const said = [
    [days, 'day'],
    [hours, 'hour'],
    [minutes, 'minute'],
    [seconds, 'second'],
  ];
  const first = said.findIndex(([count]) => Number(count) > 0);
  if (first === -1) return 'no time';
  return said
    .slice(first, first + 2)
    .filter(([count]) => Number(count) > 0)
    .map(([count, unit]) => `${count} ${unit}${count === 1 ? '' : 's'}`)
    .join(' ');
}

/**
 * How near the end is: `last` in the last minute, `soon` in the last five.
 * @param {number} left milliseconds
 * @returns {'calm'|'soon'|'last'|'over'}
 */
export function urgency(left) {
  if (left <= 0) return 'over';
  if (left <= MINUTE) return 'last';
  return left <= 5 * MINUTE ? 'soon' : 'calm';
}

/**
 * The marks of time left at which a listener should be told: once each, as they are passed.
 * @param {number} before time left when last asked, in milliseconds
 * @param {number} left time left now
 * @returns {number|null} the mark passed in between, in milliseconds
 */
export function passedMark(before, left) {
  return [10 * SECOND, MINUTE, 5 * MINUTE].find((mark) => before > mark && left <= mark && left > 0) ?? null;
}

/**
 * A moment of a day: `20 Nov 2026, 09:30`.
 * @param {number} ms
 * @param {string} locale
 * @param {string} [timeZone]
 * @returns {string}
 */
export function formatMoment(ms, locale, timeZone) {
  return new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short', timeZone }).format(ms);
}

/**
 * A time within today, with seconds; with the date when it lies on another day.
 * @param {number} ms
 * @param {number} now
 * @param {string} locale
 * @param {string} [timeZone]
 * @returns {string}
 */
export function formatBidTime(ms, now, locale, timeZone) {
  const day = new Intl.DateTimeFormat(locale, { dateStyle: 'short', timeZone });
  if (day.format(ms) === day.format(now)) return new Intl.DateTimeFormat(locale, { timeStyle: 'medium', timeZone }).format(ms);
  return new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short', timeZone }).format(ms);
}

/** @param {number} left */
function parts(left) {
  const seconds = Math.max(0, Math.ceil(left / SECOND));
  return {
    days: Math.floor(seconds / (DAY / SECOND)),
    hours: Math.floor(seconds / (HOUR / SECOND)) % 24,
    minutes: Math.floor(seconds / 60) % 60,
    seconds: seconds % 60,
  };
}

/** @param {number} value */
function two(value) {
  return String(value).padStart(2, '0');
}
