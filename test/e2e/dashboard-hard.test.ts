/** The dashboard where it is not easy: long logs, ends in the middle, restarts that are due, a remote control, no token at all. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { perl, runApp, shell, SLEEP, uniqueId } from '../lib/apps.ts';
import { daemonWithPage, openDashboards, press, seen, untilBadge } from '../lib/dashboard.ts';
import { until } from '../lib/until.ts';

const LIMIT = { timeoutMs: 30_000 };
const LINES = 25_000;
const ORANGE = '\\033[38;5;208morange\\033[0m';

const topOf = (page: Page, selector: string): Promise<number> =>
  page.evaluate<number>(`document.querySelector(${JSON.stringify(selector)}).scrollTop`);

test('without tokens nobody is asked and nobody is logged out; a long log is searched to its beginning; a narrow page keeps a long name', async () => {
  await using at = await daemonWithPage({ auth: 'none' });
  await using dashboards = await openDashboards();
  const client = at.client();
  const id = await runApp(
    client,
    'writes',
    perl(
      `$|=1; print "\\033[1mfirst\\033[0m of all\\n"; print "line $_\\n" for 2..${LINES}; print "${ORANGE} \\a\\n"; sleep 1000`,
    ),
  );
  const page = await dashboards.open(at.url);
  await seen(page.getByRole('link', { name: id }));
  assert.equal(await page.getByRole('button', { name: 'Log out' }).count(), 0);

  await page.goto(`${at.url}#/apps/${id}/logs`);
  const log = page.getByRole('log');
  // the bell is seen, the colour is not
  await seen(log.getByText('orange ^G', { exact: true }));
  await page.getByLabel('Find in the log').fill('FIRST OF');
  await seen(page.getByText(`1 of ${(LINES + 1).toLocaleString('en-GB')} lines`));
  assert.equal(await log.locator('p').count(), 1);
  await page.getByLabel('Find in the log').fill('');
  await press(page, 'From the beginning');
  await seen(log.getByText('first of all', { exact: true }));
  assert.equal(await log.getByText('line 2001', { exact: true }).count(), 0);
  await press(page, 'More lines');
  await seen(log.getByText('line 2001', { exact: true }));

  const long = `${uniqueId('long')}-${'name'.repeat(30)}`;
  await client.run({
    appId: `com.example.${'a'.repeat(100)}`,
    appInstanceId: long,
    app: { rootfs: { host: true }, args: [...SLEEP] },
  });
  const narrow = await dashboards.open(`${at.url}#/apps/${long}`, { width: 360, height: 740 });
  await untilBadge(narrow, 'Running');
  assert.equal(await narrow.evaluate('document.documentElement.scrollWidth'), 360);
});

test('an operation that a kill -9 interrupts is told by what became of it; a restart that is due can be stopped', async () => {
  await using at = await daemonWithPage();
  await using dashboards = await openDashboards();
  const client = at.client();
  const big = await runApp(
    client,
    'big',
    perl('$x = join("", map { chr(rand 256) } 1 .. 1000000) x 300; print "ready\\n"; sleep 1000'),
  );
  await until(async () => ((await client.getInfo({ appInstanceId: big })).memory?.usageBytes ?? 0) > 300e6, {
    what: 'it has its memory',
    ...LIMIT,
  });
  const page = await dashboards.open(at.url, { token: at.token });
  await page.goto(`${at.url}#/apps/${big}`);
  await press(page, 'Hibernate');
  await untilBadge(page, 'Hibernating');
  await at.daemon.kill9();
  await seen(page.getByText('The daemon is away.'));
  // nothing is said of it until there is somebody who knows
  await seen(page.getByRole('progressbar', { name: 'hibernate is under way' }));
  await at.daemon.start();
  const { state } = await at.client().getInfo({ appInstanceId: big });
  assert(state === 'RUNNING' || state === 'HIBERNATED', state);
  if (state === 'HIBERNATED') await seen(page.getByText('hibernated after'));
  else await seen(page.getByRole('alert').getByText(`the daemon went away in the middle; ${big} is RUNNING now`));
  assert.equal(await page.getByText('UNREACHABLE').count(), 0);

  const loop = await runApp(at.client(), 'loop', shell('exit 3'), {
    restart: { policy: 'always', backoffMs: 3_600_000 },
  });
  await page.goto(`${at.url}#/apps/${loop}`);
  await seen(page.getByText(/It is started again at \d\d:\d\d:\d\d/));
  await press(page, 'Do not start again');
  await until(async () => (await at.client().getInfo({ appInstanceId: loop })).restart.dueAt === null, {
    ...{ what: 'nothing is pending', ...LIMIT },
  });
  await page.getByText('It is started again at').waitFor({ state: 'detached' });

  // its commands are for this daemon, wherever they are pasted
  await page.goto(`${at.url}#/problems`);
  await seen(page.locator('.command').getByText(`runtimectl --root ${at.daemon.root} doctor`, { exact: true }));
});

test('with the keys of a remote control everything can be read, to its end and back', async () => {
  await using at = await daemonWithPage();
  await using dashboards = await openDashboards();
  const client = at.client();
  const id = await runApp(client, 'lives', SLEEP);
  for (let count = 0; count < 12; count += 1) {
    await client.suspend({ appInstanceId: id });
    await client.resume({ appInstanceId: id });
  }
  const page = await dashboards.open(at.url, { width: 1280, height: 720, token: at.token });
  await page.goto(`${at.url}#/apps/${id}/history`);
  const first = page.locator('.timeline li').last();
  await seen(first);
  await page.getByRole('link', { name: 'History' }).focus();
  for (let count = 0; !(await isInSight(page)); count += 1) {
    assert(count < 30, 'the arrow leads down to the beginning of its history');
    await page.keyboard.press('ArrowDown');
  }
  for (let count = 0; (await topOf(page, '.detail')) > 0; count += 1) {
    assert(count < 30, 'and up again');
    await page.keyboard.press('ArrowUp');
  }
  await page.getByRole('link', { name: 'History' }).focus();
  await page.keyboard.press('ArrowUp');
  assert.match(await page.evaluate<string>('document.activeElement.innerText'), /Suspend|Hibernate|Terminate|Kill/);
});

const isInSight = (page: Page): Promise<boolean> =>
  page.evaluate<boolean>(
    `(() => { const { top, bottom } = [...document.querySelectorAll('.timeline li')].at(-1).getBoundingClientRect();
      return top >= 0 && bottom <= innerHeight; })()`,
  );
