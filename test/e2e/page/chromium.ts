/** The dashboard in a real Chromium, used as a person uses it: what is seen, pressed and typed. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser, type Locator, type Page } from 'playwright-core';
import { environmentIn, FLAGS, PROGRAM, provideBrowser } from '../../lib/browser.ts';
import { startDaemon } from '../../lib/daemon.ts';
import { freePort } from '../../lib/free-port.ts';
import { processesWith } from '../../lib/machine.ts';
import { PROJECT } from '../../lib/pages.ts';
import { until } from '../../lib/until.ts';

/** Both cores may have other work. */
const LIMIT_MS = 30_000;

export const PAGES = join(process.env['RUNTIME_MANAGER_DIST'] ?? join(PROJECT, 'dist'), 'page');

/** What a browser tells of a daemon that is away, or that wants a token. */
const EXPECTED = /401 \(Unauthorized\)|ERR_CONNECTION_|ERR_EMPTY_RESPONSE|ERR_SOCKET_|WebSocket connection to/;

type View = {
  readonly width?: number;
  readonly height?: number;
  readonly colorScheme?: 'light' | 'dark';
  /** Brought along in the address. */
  readonly token?: string;
};

export class Chromium implements AsyncDisposable {
  readonly #home: string;
  readonly #browser: Browser;
  readonly #faults: string[] = [];

  constructor(home: string, browser: Browser) {
    this.#home = home;
    this.#browser = browser;
  }

  /** A window of its own, without anything kept from another one. */
  async open(url: string, { width = 1280, height = 800, colorScheme = 'light', token }: View = {}): Promise<Page> {
    const page = await this.#browser.newPage({ viewport: { width, height }, colorScheme });
    page.setDefaultTimeout(LIMIT_MS);
    page.on('pageerror', (error) => this.#faults.push(String(error.stack ?? error)));
    // also what the Content-Security-Policy refuses
    page.on('console', (message) => {
      if (message.type() === 'error' && !EXPECTED.test(message.text())) this.#faults.push(message.text());
    });
    page.on('request', (request) => {
      if (new URL(request.url()).origin !== new URL(url).origin) this.#faults.push(`asked for ${request.url()}`);
    });
    await page.goto(token === undefined ? url : `${url}#token=${token}`);
    return page;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
    await until(() => processesWith(this.#home).length === 0, { what: 'the browser is gone', timeoutMs: LIMIT_MS });
    await rm(this.#home, { recursive: true, maxRetries: 5 });
    assert.deepEqual(this.#faults, [], 'nothing went wrong in the page, and it asked nobody but its daemon');
  }
}

export async function startChromium(): Promise<Chromium> {
  await provideBrowser();
  // a UNIX socket of the browser's lies in it: the path must be short
  const home = await mkdtemp(join(tmpdir(), 'rmt-dash-'));
  const browser = await chromium.launch({
    executablePath: PROGRAM,
    args: [...FLAGS],
    env: environmentIn(home),
    handleSIGINT: false,
    handleSIGTERM: false,
    handleSIGHUP: false,
  });
  return new Chromium(home, browser);
}

/** A daemon with a page. */
export async function daemonWithPage(config: object = {}) {
  const address = `127.0.0.1:${await freePort()}`;
  const daemon = await startDaemon({ args: ['--listen', address], config });
  const readToken = async () => (await readFile(daemon.places.token, 'utf8')).trim();
  return {
    ...{ daemon, readToken, client: () => daemon.client, url: `http://${address}/`, token: await readToken() },
    [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose](),
  };
}

/** Waits until it is seen. */
export const seen = (place: Locator): Promise<void> => place.first().waitFor();

/** The badge beside the name of the app that is shown. */
export const untilBadge = (page: Page, word: string): Promise<void> =>
  seen(page.locator('.title .badge', { hasText: word }));

export const press = (page: Page, name: string): Promise<void> =>
  page.getByRole('button', { name, exact: true }).click();

/** What cannot be undone asks once more. */
export async function pressTwice(page: Page, name: string): Promise<void> {
  await press(page, name);
  await press(page, `${name}: press again`);
}
