// The real program on a free port, with a data directory of its own. It can be killed and started again on the same port.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve as resolvePath } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PROGRAM = join(resolvePath(ROOT, process.env.CARGO_TARGET_DIR ?? 'target'), 'debug', 'bidhub');
/** How long the program may take until it listens. */
const START_LIMIT_MS = 30_000;
const LISTENS = /^bidhub listens on (http:\S+)$/;

/** A hub of a test's own. */
export class Hub {
  /** @type {import('node:child_process').ChildProcess|null} */
  #process = null;
  #listen = '127.0.0.1:0';
  url = '';

  /** @param {string} dir */
  constructor(dir) {
    this.dir = dir;
  }

  static async start() {
    if (!existsSync(PROGRAM)) throw new Error(`${PROGRAM} is not there: run \`cargo build\` first`);
    const hub = new Hub(await mkdtemp(join(tmpdir(), 'bidhub-browser-')));
    await hub.start();
    return hub;
  }

  async start() {
    const settings = { BIDHUB_RATE_LIMITS: 'off', BIDHUB_OUTAGE_GRACE_S: '1', BIDHUB_LOG_FILTER: 'warn' };
    const child = spawn(PROGRAM, ['--listen', this.#listen, '--data-dir', this.dir], {
      env: { PATH: process.env.PATH, ...settings },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#process = child;
    this.url = await addressOf(child);
    this.#listen = new URL(this.url).host;
  }

  /** Ends it at once, as a power cut would. */
  async kill() {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  /** Ends it and removes what it kept. */
  async remove() {
    await this.kill();
    await rm(this.dir, { recursive: true, force: true });
  }
}

/**
 * What the program says it listens on.
 * @param {import('node:child_process').ChildProcess} child
 * @returns {Promise<string>}
 */
function addressOf(child) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the hub does not listen in time')), START_LIMIT_MS);
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the hub ended with ${code} before it listened`)));
    if (!child.stdout) return;
    createInterface({ input: child.stdout }).on('line', (line) => {
      const address = LISTENS.exec(line)?.[1];
      if (!address) return;
      clearTimeout(timer);
      resolve(address);
    });
  });
}
