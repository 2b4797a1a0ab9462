import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../static', import.meta.url));
const index = readFileSync(join(ROOT, 'index.html'), 'utf8');
const scripts = readdirSync(ROOT, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.js'));

/** @param {string} name */
const read = (name) => readFileSync(join(ROOT, name), 'utf8');

describe('the page lives within default-src self', () => {
  test('its document has no inline script, style or handler, and names nothing outside', () => {
    assert.doesNotMatch(index, /<style|\sstyle=|\son\w+=|https?:\/\//);
    for (const [, attributes, body] of index.matchAll(/<script([^>]*)>([^<]*)<\/script>/g)) {
      assert.match(attributes ?? '', /src="\//);
      assert.equal(body, '');
    }
  });

  test('its templates have no inline style or handler either', () => {
    for (const name of scripts) assert.doesNotMatch(read(name), /<[a-z][^>`]*\s(style|on[a-z]+)=["']/, name);
  });

  test('everything the document links is there', () => {
    const linked = [...index.matchAll(/(?:src|href)="(\/[^"]+\.\w+)"/g)].map((found) => found[1] ?? '');
    assert.ok(linked.length >= 8);
    for (const path of linked) assert.ok(existsSync(join(ROOT, path)), path);
  });
});

describe('the scripts', () => {
  test('import only what is there', () => {
    for (const name of scripts) {
      for (const [, path] of read(name).matchAll(/^import .*'([^']+)';$/gm)) {
        assert.ok(path?.startsWith('.') && existsSync(join(ROOT, dirname(name), path)), `${name} imports ${path}`);
      }
    }
  });

  test('in core touch neither the document nor a clock nor the net, and import nothing but core', () => {
    for (const name of scripts.filter((one) => one.startsWith('core'))) {
      const code = read(name).replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
      assert.doesNotMatch(code, /\b(document|window|navigator|fetch|WebSocket|setTimeout|setInterval|localStorage|sessionStorage)\b|Date\.now|Math\.random|new Date\(\)|performance\./, name);
      for (const [, path] of code.matchAll(/from '([^']+)'/g)) assert.ok(relative('core', join(dirname(name), path ?? '')).startsWith('..') === false, `${name} imports ${path}`);
    }
  });

  test('set markup in one place only, and there from constants', () => {
    const setting = scripts.filter((name) => /innerHTML|outerHTML|insertAdjacentHTML|document\.write/.test(read(name)));
    assert.deepEqual(setting, ['elements/dom.js']);
    for (const name of scripts) assert.doesNotMatch(read(name), /template\(`[^`]*\$\{/, `${name} puts a value into markup`);
  });
});

describe('colours', () => {
  const [light, dark] = read('styles/tokens.css').split('@media').map(colours);
  /** Text on its ground, and the least contrast that WCAG AA asks for. @type {[string, string, number][]} */
  const pairs = [
    ...['ground', 'surface', 'mat'].flatMap((ground) => ['ink', 'muted'].map((text) => /** @type {[string, string, number]} */ ([text, ground, 4.5]))),
    ['accent', 'ground', 4.5], ['accent', 'surface', 4.5], ['accent-deep', 'ground', 4.5], ['alert', 'ground', 4.5], ['alert', 'surface', 4.5], ['brass', 'ground', 4.5],
    ['ink', 'accent-wash', 4.5], ['muted', 'accent-wash', 4.5], ['ink', 'alert-wash', 4.5], ['alert', 'alert-wash', 4.5], ['on-accent', 'accent', 4.5], ['on-accent', 'accent-deep', 4.5],
    ['ground', 'ink', 4.5], ['rule-strong', 'surface', 3], ['rule-strong', 'ground', 3],
  ];
  for (const [scheme, found] of /** @type {const} */ ([['light', light], ['dark', dark]])) {
    test(`have enough contrast, ${scheme}`, () => {
      for (const [text, ground, least] of pairs) {
        const value = contrast(found?.get(text) ?? '', found?.get(ground) ?? '');
        assert.ok(value >= least, `${text} on ${ground} is ${value.toFixed(2)}`);
      }
    });
  }
});

/** @param {string} css */
function colours(css) {
  return new Map([...css.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map((found) => [found[1] ?? '', found[2] ?? '']));
}

/**
 * @param {string} one
 * @param {string} other
 */
function contrast(one, other) {
  const [lighter = 0, darker = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (lighter + 0.05) / (darker + 0.05);
}

/** @param {string} colour */
function luminance(colour) {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
