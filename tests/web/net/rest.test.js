import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Problem, Rest } from '../../../static/net/rest.js';
import { Session } from '../../../static/net/session.js';

/**
 * A hub of one answer, which keeps what was asked.
 * @param {number} status
 * @param {unknown} body
 * @param {Record<string, string>} [headers]
 */
function hubOf(status, body, headers = {}) {
  /** @type {{path: string, method: string, body: any}[]} */
  const asked = [];
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const rest = new Rest(async (path, init) => {
    asked.push({ path: String(path), method: init?.method ?? 'GET', body: init?.body ? JSON.parse(String(init.body)) : undefined });
    return new Response(status === 204 ? null : text, { status, headers });
  });
  return { rest, asked };
}

test('a problem keeps its code, field and request number', async () => {
  const { rest } = hubOf(409, { code: 'email_taken', title: 'Taken', field: 'email', request_id: 'r' });
  await assert.rejects(rest.register('a@example.org', 'a long password', 'A'), (error) => {
    assert.ok(error instanceof Problem);
    assert.deepEqual([error.status, error.code, error.field, error.detail, error.requestId], [409, 'email_taken', 'email', 'Taken', 'r']);
    return true;
  });
});

test('an answer that is no JSON, no network and no patience are problems too', async () => {
  await assert.rejects(hubOf(502, '<html>').rest.auctions(), (/** @type {any} */ error) => error instanceof Problem && error.code === 'status_502');
  const unplugged = new Rest(async () => Promise.reject(new TypeError('failed to fetch')));
  await assert.rejects(unplugged.auctions(), (/** @type {any} */ error) => error instanceof Problem && error.code === 'network');
  const slow = new Rest(async () => Promise.reject(new DOMException('', 'TimeoutError')));
  await assert.rejects(slow.auctions(), (/** @type {any} */ error) => error instanceof Problem && error.code === 'timeout');
});

test('who is not signed in is nobody, not a problem', async () => {
  assert.equal(await hubOf(401, { code: 'unauthenticated' }).rest.me(), null);
  await assert.rejects(hubOf(500, {}).rest.me(), Problem);
});

test('calls have the shapes of the contract', async () => {
  const { rest, asked } = hubOf(200, { user: { id: 'u' }, items: [], next: null }, { 'Bidhub-Seq': '42' });
  assert.equal((await rest.register('e', 'p', 'n')).id, 'u');
  await rest.auctions({ status: 'open' });
  assert.equal((await rest.bids('a b')).upTo, 42);
  await rest.confirmPasswordReset('t', 'p');
  assert.deepEqual(asked, [
    { path: '/api/auth/register', method: 'POST', body: { email: 'e', password: 'p', display_name: 'n' } },
    { path: '/api/auctions?status=open&sort=ends_at&limit=24', method: 'GET', body: undefined },
    { path: '/api/auctions/a%20b/bids?order=desc&limit=50', method: 'GET', body: undefined },
    { path: '/api/auth/password-reset/confirm', method: 'POST', body: { token: 't', password: 'p' } },
  ]);
});

test('a picture is sent as it is, under its own type', async () => {
  /** @type {[string, RequestInit|undefined][]} */
  const asked = [];
  const image = { id: 'i', url: '/api/images/i', thumbnail_url: '/api/images/i/thumbnail' };
  const rest = new Rest(async (path, init) => {
    asked.push([String(path), init]);
    return asked.length === 1 ? Response.json(image, { status: 201 }) : Response.json({ code: 'invalid_image' }, { status: 422 });
  });
  const file = new Blob(['pixels'], { type: 'image/png' });
  assert.deepEqual(await rest.uploadImage(file), image);
  const [path, init] = asked[0] ?? ['', undefined];
  assert.deepEqual([path, init?.method, init?.body], ['/api/images', 'POST', file]);
  assert.equal(new Headers(init?.headers).get('Content-Type'), 'image/png');
  await assert.rejects(rest.uploadImage(file), (error) => error instanceof Problem && error.code === 'invalid_image');
});

test('an answer without a body is an answer', async () => {
  await hubOf(204, '').rest.logout();
});

test('a session tells a change of person once, and its first answer even when it is nobody', async () => {
  const session = new Session(hubOf(401, {}).rest);
  /** @type {(string|null)[]} */
  const told = [];
  session.on((user) => told.push(user?.id ?? null));
  await session.refresh();
  await session.refresh();
  const user = { id: 'u', display_name: 'A', roles: [] };
  session.set(user);
  session.set({ ...user });
  assert.deepEqual(told, [null, 'u']);
});
