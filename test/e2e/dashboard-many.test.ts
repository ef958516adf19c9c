/** The dashboard in Chromium with more apps, and more states, than real ones can be held in. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { appId, appInstanceId } from '../../src/domain/ids.ts';
import { allowedIn, STATES } from '../../src/domain/states.ts';
import { PAGES, press, seen, openDashboards, untilBadge } from '../lib/dashboard.ts';
import { TOKENS, tcpDaemon } from '../lib/tcp-daemon.ts';
import { until } from '../lib/until.ts';

const COUNT = 200;
const nameOf = (index: number): string => `app-${String(index).padStart(3, '0')}`;

/** In each state there are 25. */
async function crowd() {
  const daemon = await tcpDaemon({}, { pageDirectory: PAGES });
  for (let index = 0; index < COUNT; index += 1) {
    const id = nameOf(index);
    daemon.world.instances.set(id, {
      ...{ appId: appId(`com.example.${id}`), appInstanceId: appInstanceId(id) },
      ...{ state: STATES[index % STATES.length] ?? 'RUNNING', lines: [], annotations: {} },
    });
  }
  return { ...daemon, page: daemon.url.replace(/^ws/, 'http') + '/' };
}

const scrollsSideways = (page: Page): Promise<boolean> =>
  page.evaluate<boolean>('document.documentElement.scrollWidth > document.documentElement.clientWidth');

const BUTTONS = { run: 'Run again…', suspend: 'Suspend', resume: 'Resume', hibernate: 'Hibernate', wake: 'Wake' };
const LABELS: Readonly<Record<string, string>> = { ...BUTTONS, terminate: 'Terminate', kill: 'Kill' };

test('200 apps are listed, found and shown in every state, narrow and wide, light and dark', async () => {
  await using daemon = await crowd();
  await using dashboards = await openDashboards();
  const wide = await dashboards.open(daemon.page, { width: 1920, height: 1080, token: daemon.token });
  const asked = new Set<string>();
  wide.on('websocket', (socket) => {
    socket.on('framesent', ({ payload }) => {
      const id = /"org\.rdk\.RuntimeManager\.1\.getInfo","params":\{"appInstanceId":"([^"]+)"/.exec(
        String(payload),
      )?.[1];
      if (id !== undefined) asked.add(id);
    });
  });
  await wide.reload();
  const rows = wide.locator('.row');
  await until(async () => (await rows.count()) === (COUNT * 7) / 8, { what: 'every living app is listed' });
  await until(() => asked.has(nameOf(1)), { what: 'figures are asked for' });
  assert(!asked.has(nameOf(193)), 'nobody asks for the figures of a row that nobody sees');
  await press(wide, 'Ended 25');
  await until(async () => (await rows.count()) === COUNT / 8, { what: 'the ended ones are listed' });
  await press(wide, 'Living 175');
  await wide.getByLabel('Find an app').fill('APP-042');
  await until(async () => (await rows.count()) === 1, { what: 'one is found' });

  for (const [index, state] of STATES.entries()) {
    await wide.goto(`${daemon.page}#/apps/${nameOf(index)}`);
    await seen(wide.locator(`.title [data-state="${state}"]`));
    await seen(wide.locator('.tile', { hasText: 'Memory' }));
    const buttons = await wide.locator('.detail .actions button').allInnerTexts();
    assert.deepEqual(
      buttons,
      allowedIn(state).map((operation) => LABELS[operation]),
      state,
    );
  }

  const narrow = await dashboards.open(daemon.page, {
    width: 360,
    height: 740,
    colorScheme: 'dark',
    token: daemon.token,
  });
  await seen(narrow.getByRole('link', { name: nameOf(1) }));
  const groundOf = (page: Page) => page.evaluate<string>('getComputedStyle(document.documentElement).backgroundColor');
  assert.notEqual(await groundOf(narrow), await groundOf(wide));
  for (const place of ['#/', `#/apps/${nameOf(1)}`, `#/apps/${nameOf(1)}/history`, '#/problems', '#/events', '#/run']) {
    await narrow.goto(daemon.page + place);
    await wide.goto(daemon.page + place);
    await seen(narrow.locator('main h2, main .tile'));
    assert(!(await scrollsSideways(narrow)), `narrow, ${place}`);
    assert(!(await scrollsSideways(wide)), `wide, ${place}`);
  }
});

test('everything can be reached and done with the keys of a remote control, and heard by a screen reader', async () => {
  await using daemon = await crowd();
  await using dashboards = await openDashboards();
  const page = await dashboards.open(daemon.page);
  const focused = () => page.evaluate<string>('document.activeElement.dataset.id ?? document.activeElement.innerText');
  await seen(page.getByLabel('Token'));
  await page.keyboard.type(TOKENS.control);
  await page.keyboard.press('Enter');
  await seen(page.getByRole('link', { name: nameOf(1) }));

  // from the views down over the tools of the list to its rows
  for (let count = 0; (await focused()) !== nameOf(0); count += 1) {
    assert(count < 12, 'the arrow leads down to the list');
    await page.keyboard.press('ArrowDown');
  }
  await page.keyboard.press('ArrowDown');
  assert.equal(await focused(), nameOf(1));
  assert.equal(await page.locator('.row[tabindex="0"]').count(), 1, 'the list is one stop of Tab');
  assert(await page.evaluate<boolean>('parseFloat(getComputedStyle(document.activeElement).outlineWidth) >= 2'));
  await page.keyboard.press('Enter');
  await untilBadge(page, 'Running');
  assert.equal(await focused(), nameOf(1), 'who opens an app is led to its name');
  await page.keyboard.press('ArrowDown');
  assert.equal(await focused(), 'Suspend');
  await page.keyboard.press('Enter');
  await untilBadge(page, 'Suspended');
  // the answer and the event come in either order, and the last one is heard
  const heard = new RegExp(`${nameOf(1)}( is suspended|: RUNNING → SUSPENDED)`);
  await seen(page.getByRole('status').filter({ hasText: heard }));
  await page.keyboard.press('Escape');
  await until(async () => (await focused()) === nameOf(1), { what: 'Escape leads back to where one came from' });

  for (const landmark of ['banner', 'main', 'navigation'] as const) await seen(page.getByRole(landmark));
  const nameless = await page.evaluate<number>(
    `[...document.querySelectorAll('a, button, input, textarea')]
      .filter((one) => !(one.textContent || one.ariaLabel || one.closest('label'))).length`,
  );
  assert.equal(nameless, 0, 'everything that can be focused has a name');
});

test('who has the token of observers looks and changes nothing', async () => {
  await using daemon = await crowd();
  await using dashboards = await openDashboards();
  const page = await dashboards.open(daemon.page, { token: TOKENS.observe });
  await page.getByRole('link', { name: nameOf(1) }).click();
  await press(page, 'Suspend');
  await seen(page.getByRole('alert').getByText('PERMISSION_DENIED'));
  await seen(page.getByText('This token may look, and change nothing.'));
  assert.equal(daemon.world.instances.get(nameOf(1))?.state, 'RUNNING');
});
