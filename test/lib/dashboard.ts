/** The dashboard in a real Chromium, used as a person uses it: what is seen, pressed and typed. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { startChromium } from './chromium.ts';
import { startDaemon } from './daemon.ts';
import { freePort } from './free-port.ts';
import { PROJECT } from './pages.ts';

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

export type Dashboards = AsyncDisposable & {
  /** A window of its own, without anything kept from another one. */
  readonly open: (url: string, view?: View) => Promise<Page>;
};

/** At the end nothing must have gone wrong in any page, and none must have asked anybody but its daemon. */
export async function openDashboards(): Promise<Dashboards> {
  const chromium = await startChromium();
  const faults: string[] = [];
  return {
    open: async (url, { width = 1280, height = 800, colorScheme = 'light', token } = {}) => {
      const page = await chromium.browser.newPage({ viewport: { width, height }, colorScheme });
      page.setDefaultTimeout(LIMIT_MS);
      page.on('pageerror', (error) => faults.push(error.stack ?? String(error)));
      // also what the Content-Security-Policy refuses
      page.on('console', (message) => {
        if (message.type() === 'error' && !EXPECTED.test(message.text())) faults.push(message.text());
      });
      page.on('request', (request) => {
        if (new URL(request.url()).origin !== new URL(url).origin) faults.push(`asked for ${request.url()}`);
      });
      await page.goto(token === undefined ? url : `${url}#token=${token}`);
      return page;
    },
    [Symbol.asyncDispose]: async () => {
      await chromium[Symbol.asyncDispose]();
      assert.deepEqual(faults, []);
    },
  };
}

/** A daemon with a page. */
export async function daemonWithPage(config: object = {}) {
  const address = `127.0.0.1:${await freePort()}`;
  const daemon = await startDaemon({ args: ['--listen', address], config });
  const readToken = async () => (await readFile(daemon.places.token, 'utf8')).trim();
  // with `auth: none` there is none
  const token = existsSync(daemon.places.token) ? await readToken() : '';
  return {
    ...{ daemon, readToken, client: () => daemon.client, url: `http://${address}/`, token },
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
