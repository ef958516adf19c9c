/** The page that shows an app's display live, in a real browser. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { outputOf } from '../lib/apps.ts';
import { startChromium } from '../lib/chromium.ts';
import { startDaemon } from '../lib/daemon.ts';
import { freePort } from '../lib/free-port.ts';
import { runDrawing } from '../lib/screens.ts';
import { until } from '../lib/until.ts';

const LIMIT_MS = 60_000;
const ORANGE = 'ff8000';

const untilIs = (page: Page, state: string): Promise<unknown> =>
  page.waitForSelector(`body[data-state="${state}"]`, { timeout: LIMIT_MS });

/** Of the picture's middle, rrggbb. */
const colourIn = (page: Page): Promise<string> =>
  page.evaluate(
    `(() => {
      const canvas = document.querySelector('#screen canvas');
      const [r, g, b] = canvas.getContext('2d').getImageData(canvas.width >> 1, canvas.height >> 1, 1, 1).data;
      return [r, g, b].map((part) => part.toString(16).padStart(2, '0')).join('');
    })()`,
  );

const untilSeen = (page: Page, colour: string): Promise<true> =>
  until(async () => (await colourIn(page)) === colour, { what: `the page shows ${colour}`, timeoutMs: LIMIT_MS });

test('a browser shows an app live and types into it, asks for the token, and comes back after a wake', async () => {
  const address = `127.0.0.1:${await freePort()}`;
  await using daemon = await startDaemon({ args: ['--listen', address] });
  await using chromium = await startChromium();
  const { client } = daemon;
  const [control, observe] = await Promise.all(
    [daemon.places.token, daemon.places.observeToken].map(async (path) => (await readFile(path, 'utf8')).trim()),
  );
  const id = await runDrawing(client, ORANGE);
  const { url } = await client.getView({ appInstanceId: id });
  assert(url !== null && control !== undefined && observe !== undefined);
  const page = await chromium.browser.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(url);
  await untilIs(page, 'refused');
  await page.fill('#token', 'wrong');
  await page.click('#login button');
  await untilIs(page, 'refused');
  await page.fill('#token', control);
  await page.click('#login button');
  await untilIs(page, 'live');
  await untilSeen(page, ORANGE);
  await until(
    async () => {
      await page.keyboard.press('a');
      return (await outputOf(client, id)).includes('key 30');
    },
    { what: 'the app gets a key', timeoutMs: LIMIT_MS, pollMs: 100 },
  );
  await client.hibernate({ appInstanceId: id });
  await untilIs(page, 'away');
  await until(async () => (await page.textContent('#status'))?.includes('is HIBERNATED') === true, {
    what: 'the page says that the app sleeps',
    timeoutMs: LIMIT_MS,
  });
  await client.wake({ appInstanceId: id });
  await untilIs(page, 'live');
  await untilSeen(page, ORANGE);

  const looking = await chromium.browser.newContext().then((context) => context.newPage());
  await looking.goto(`${url}#token=${observe}`);
  await untilIs(looking, 'live');
  await untilSeen(looking, ORANGE);
  assert.match((await looking.textContent('#status')) ?? '', /look, but not type/);
  assert.equal(new URL(looking.url()).hash, '', 'the token does not stay in the address');
  assert.deepEqual(complaints, []);
});
