// The hub's REST interface: one method per call that the page makes, problems as errors with the hub's stable codes.

/** How long a call may take. */
const CALL_TIMEOUT_MS = 15_000;
/** How long the sending of a file may take. */
const FILE_TIMEOUT_MS = 120_000;
/** Bids on one page of history. */
const HISTORY_PAGE = 50;
/** Auctions on one page of the list. */
const LIST_PAGE = 24;

/** A call that failed: by the hub's verdict, or because the hub was not reached (`network`, `timeout`). */
export class Problem extends Error {
  /**
   * @param {{status: number, code: string, detail?: string|null, field?: string|null, requestId?: string|null}} told
   */
  constructor({ status, code, detail = null, field = null, requestId = null }) {
    super(detail ?? code);
    this.status = status;
    this.code = code;
    this.detail = detail;
    this.field = field;
    this.requestId = requestId;
  }
}

/** Calls to the hub, as the browser's session. */
export class Rest {
  /** @param {typeof fetch} fetchFrom */
  constructor(fetchFrom) {
    this.fetchFrom = fetchFrom;
  }

  /**
   * Who is signed in.
   * @returns {Promise<import('../core/types.js').User|null>}
   */
  async me() {
    try {
      return userOf((await this.#call('GET', '/api/me')).body);
    } catch (error) {
      if (error instanceof Problem && error.status === 401) return null;
      throw error;
    }
  }

  /**
   * @param {string} email
   * @param {string} password
   * @returns {Promise<import('../core/types.js').User>}
   */
  async login(email, password) {
    return userOf((await this.#call('POST', '/api/auth/login', { email, password })).body);
  }

  /**
   * @param {string} email
   * @param {string} password
   * @param {string} displayName
   * @returns {Promise<import('../core/types.js').User>}
   */
  async register(email, password, displayName) {
    return userOf((await this.#call('POST', '/api/auth/register', { email, password, display_name: displayName })).body);
  }

  /** @returns {Promise<void>} */
  async logout() {
    await this.#call('POST', '/api/auth/logout');
  }

  /**
   * @param {string} current
   * @param {string} next
   */
  async changePassword(current, next) {
    await this.#call('POST', '/api/auth/password', { current, new: next });
  }

  /** @param {string} email */
  async askPasswordReset(email) {
    await this.#call('POST', '/api/auth/password-reset', { email });
  }

  /**
   * @param {string} token
   * @param {string} next
   */
  async confirmPasswordReset(token, next) {
    await this.#call('POST', '/api/auth/password-reset/confirm', { token, password: next });
  }

  /** @param {string} token */
  async confirmEmail(token) {
    await this.#call('POST', '/api/auth/email-confirm', { token });
  }

  /**
   * @param {{status?: string|null, cursor?: string|null}} [which]
   * @returns {Promise<{items: import('../core/types.js').Auction[], next: string|null}>}
   */
  async auctions({ status, cursor } = {}) {
    // What can still be bid on comes in the order in which it ends; what is over, the latest first.
    const sort = status === 'open' || status === 'scheduled' ? 'ends_at' : '-ends_at';
    return (await this.#call('GET', `/api/auctions?${queryOf({ status, sort, cursor, limit: LIST_PAGE })}`)).body;
  }

  /**
   * @param {string} id
   * @returns {Promise<import('../core/types.js').Auction>}
   */
  async auction(id) {
    return (await this.#call('GET', `/api/auctions/${encodeURIComponent(id)}`)).body;
  }

  /**
   * Bids, newest first.
   * @param {string} id
   * @param {string|null} [cursor]
   * @returns {Promise<{items: import('../core/types.js').HistoryRow[], next: string|null, upTo: number|null}>}
   */
  async bids(id, cursor = null) {
    const query = queryOf({ order: 'desc', cursor, limit: HISTORY_PAGE });
    const { body, headers } = await this.#call('GET', `/api/auctions/${encodeURIComponent(id)}/bids?${query}`);
    const upTo = Number.parseInt(headers.get('Bidhub-Seq') ?? '', 10);
    return { items: body.items, next: body.next, upTo: Number.isNaN(upTo) ? null : upTo };
  }

  /**
   * @returns {Promise<{items: any[], next: string|null}>} own bids with their standing
   */
  async myBids() {
    return (await this.#call('GET', '/api/me/bids')).body;
  }

  /**
   * @param {Record<string, unknown>} terms
   * @returns {Promise<import('../core/types.js').Auction>}
   */
  async createAuction(terms) {
    return (await this.#call('POST', '/api/auctions', terms)).body;
  }

  /**
   * Sends a picture for an auction.
   * @param {Blob} file
   * @returns {Promise<import('../core/types.js').Image>}
   */
  async uploadImage(file) {
    return (await this.#send('POST', '/api/images', { type: file.type, body: file, timeout: FILE_TIMEOUT_MS })).body;
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {unknown} [body]
   * @returns {Promise<{body: any, headers: Headers}>}
   */
  async #call(method, path, body) {
    return this.#send(method, path, body === undefined ? {} : { type: 'application/json', body: JSON.stringify(body) });
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {{type?: string, body?: BodyInit, timeout?: number}} what
   * @returns {Promise<{body: any, headers: Headers}>}
   */
  async #send(method, path, { type, body, timeout = CALL_TIMEOUT_MS }) {
    const response = await this.#fetch(path, {
      method,
      headers: type === undefined ? { Accept: 'application/json' } : { Accept: 'application/json', 'Content-Type': type },
      body,
      credentials: 'same-origin',
      signal: AbortSignal.timeout(timeout),
    });
    const told = await readJson(response);
    if (response.ok) return { body: told, headers: response.headers };
    throw new Problem({
      status: response.status,
      code: told?.code ?? `status_${response.status}`,
      detail: told?.detail ?? told?.title,
      field: told?.field,
      requestId: told?.request_id,
    });
  }

  /**
   * @param {string} path
   * @param {RequestInit} init
   */
  async #fetch(path, init) {
    try {
      return await this.fetchFrom(path, init);
    } catch (error) {
      const isTimeout = error instanceof DOMException && error.name === 'TimeoutError';
      throw new Problem({ status: 0, code: isTimeout ? 'timeout' : 'network' });
    }
  }
}

/** @param {Response} response */
async function readJson(response) {
  try {
    return JSON.parse(await response.text());
  } catch {
    return null;
  }
}

/**
 * The user of an answer, which is the user or holds one.
 * @param {any} body
 * @returns {import('../core/types.js').User}
 */
function userOf(body) {
  return body.user ?? body;
}

/** @param {Record<string, string|number|null|undefined>} fields */
function queryOf(fields) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) {
    if (value != null && value !== '') query.set(name, String(value));
  }
  return query.toString();
}
