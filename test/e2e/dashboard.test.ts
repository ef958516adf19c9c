/** The dashboard in Chromium, with a real daemon and real apps. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { test } from 'node:test';
import { perl, runApp, shell, uniqueId } from '../lib/apps.ts';
import { daemonWithPage, press, pressTwice, seen, openDashboards, untilBadge } from '../lib/dashboard.ts';
import { runtimectl } from '../lib/runtimectl.ts';
import { until } from '../lib/until.ts';

const TALKS = 'sh -c "echo first words; while :; do echo tick; sleep 0.2; done"';
const LIMIT = { timeoutMs: 30_000 };

test('an app is run from the form and led through its life by the buttons', async () => {
  await using at = await daemonWithPage();
  await using dashboards = await openDashboards();
  const id = uniqueId('dash');
  const page = await dashboards.open(at.url);

  await page.getByLabel('Token').fill('a-wrong-one');
  await press(page, 'Log in');
  await seen(page.getByRole('alert').getByText('not a token of this daemon'));
  await page.getByLabel('Token').fill(at.token);
  await press(page, 'Log in');
  await seen(page.getByText('No app lives here now.'));
  await page.reload();
  await seen(page.getByText('Live', { exact: true }));
  assert(!page.url().includes(at.token));

  await page.getByRole('link', { name: 'Run an app' }).click();
  await page.getByLabel('App', { exact: true }).fill('com.example.dash');
  await page.getByLabel('Instance').fill(id);
  await page.getByLabel('Command').fill(TALKS);
  await page.getByLabel('Memory at most').fill('64M');
  await seen(page.getByRole('row', { name: '67108864 app.limits.memoryBytes' }));
  assert.equal((await at.client().list({ all: true })).length, 0, 'what is shown beside is a dry run');
  await press(page, 'Run');
  await untilBadge(page, 'Running');

  await seen(page.getByText('It can be hibernated, as far as can be seen.'));
  await press(page, 'Suspend');
  await untilBadge(page, 'Suspended');
  await seen(page.getByText('Every process stands still'));
  await press(page, 'Resume');
  await untilBadge(page, 'Running');
  await press(page, 'Hibernate');
  await untilBadge(page, 'Hibernated');
  await seen(page.getByText('hibernated after'));
  await seen(page.locator('.tile', { hasText: 'Memory' }).getByText('0 B', { exact: true }));
  await until(async () => !(await page.locator('.tile', { hasText: 'Image' }).innerText()).includes('\n0 B'), {
    ...{ what: 'its image has a size', ...LIMIT },
  });
  await press(page, 'Wake');
  await untilBadge(page, 'Running');

  await page.getByRole('link', { name: 'Logs' }).click();
  await seen(page.getByRole('log').getByText('tick'));
  await page.getByLabel('Find in the log').fill('FIRST');
  await seen(page.locator('mark', { hasText: 'first' }));
  assert.equal(await page.locator('.lines p').count(), 1);

  await page.getByRole('link', { name: 'History' }).click();
  await seen(page.getByText('HIBERNATED → WAKING'));
  await seen(page.getByText(/asked by 127\.0\.0\.1/));

  await pressTwice(page, 'Terminate');
  await untilBadge(page, 'Ended');
  await press(page, 'Run again…');
  assert.equal(await page.getByLabel('Command').inputValue(), TALKS);
  await press(page, 'Run');
  await untilBadge(page, 'Running');
  await pressTwice(page, 'Kill');
  await untilBadge(page, 'Ended');
  assert.equal((await at.client().getInfo({ appInstanceId: id })).exit?.cause, 'killed');
});

test('the page goes on without a reload when the daemon was killed or restarted, and asks anew when its token has changed', async () => {
  await using at = await daemonWithPage();
  await using dashboards = await openDashboards();
  const id = await runApp(at.client(), 'stays', ['/bin/sleep', '1000']);
  const { stdout } = await runtimectl(['dashboard', '--with-token'], { root: at.daemon.root });
  const page = await dashboards.open(stdout.trim());
  await seen(page.getByRole('link', { name: id }));
  assert(!page.url().includes(at.token));
  await page.evaluate('window.isTheSamePage = true');
  await page.goto(`${at.url}#/events`);

  await at.daemon.kill9();
  await seen(page.getByText('The daemon is away.'));
  await at.daemon.start();
  await seen(page.getByText('Live', { exact: true }));
  await at.client().suspend({ appInstanceId: id });
  await seen(page.locator('.events').getByText('RUNNING → SUSPENDED'));
  await at.daemon.restart();
  await at.client().resume({ appInstanceId: id });
  await seen(page.locator('.events').getByText('SUSPENDED → RUNNING'));
  const { lastSeq } = await at.client().getEvents({ since: 0 });
  const numbers = await page.evaluate<string[]>(
    "[...document.querySelectorAll('.events li')].map(({ dataset }) => dataset.seq)",
  );
  assert.deepEqual(
    numbers.map(Number),
    Array.from({ length: lastSeq }, (_, index) => lastSeq - index),
  );
  await page.goto(`${at.url}#/apps/${id}`);
  await untilBadge(page, 'Running');
  await press(page, 'Suspend');
  await untilBadge(page, 'Suspended');
  assert.equal(await page.evaluate('window.isTheSamePage'), true);

  await at.daemon.stop();
  await rm(at.daemon.places.token);
  await at.daemon.start();
  await seen(page.getByRole('alert').getByText('does not know this token any more'));
  await page.getByLabel('Token').fill(await at.readToken());
  await press(page, 'Log in');
  await untilBadge(page, 'Suspended');
  assert.equal(await page.evaluate('window.isTheSamePage'), true);
});

test('what went wrong is listed with the reason and the command that mends it; what stops a hibernation is told before', async () => {
  await using at = await daemonWithPage();
  await using dashboards = await openDashboards();
  const client = at.client();
  const page = await dashboards.open(at.url, { token: at.token });
  const crash = await runApp(client, 'crash', shell('echo no tuner >&2; exit 3'), {
    restart: { policy: 'on-failure', maxRetries: 2, backoffMs: 1 },
  });
  const hog = await runApp(client, 'hog', perl('$x .= "x" x 1000000 while 1'), {
    limits: { memoryBytes: 16 * 2 ** 20 },
  });
  const stuck = await runApp(client, 'stuck', shell('sleep 1000 & kill -STOP $!; echo stopped; wait'));

  await page.getByRole('link', { name: 'Problems' }).click();
  const loop = page.locator(`[data-problem="CRASH_LOOP/${crash}"]`);
  await seen(loop.getByText('has ended again and again'));
  await seen(loop.locator('.command').getByText(`runtimectl --root ${at.daemon.root} why ${crash}`, { exact: true }));
  const memory = page.locator(`[data-problem="OOM/${hog}"]`);
  await seen(memory.getByText('has ended: oom'));
  await seen(page.locator('nav .count.bad'));
  await memory.getByRole('button', { name: 'Put aside' }).click();
  await memory.waitFor({ state: 'detached' });
  await loop.getByRole('link', { name: crash }).click();
  await seen(page.getByRole('region', { name: 'Why it is so' }).getByText('no tuner'));

  await page.goto(`${at.url}#/apps/${stuck}`);
  const { possible } = await until(
    async () => {
      const found = await client.explainHibernation({ appInstanceId: stuck });
      return found.possible === 'no' ? found : undefined;
    },
    { what: 'the app has a stopped process', ...LIMIT },
  );
  assert.equal(possible, 'no');
  await press(page, 'Look again');
  await seen(page.getByText('It cannot be hibernated now.'));
  await seen(page.getByText('is stopped (SIGSTOP or SIGTSTP)'));
  await press(page, 'Hibernate');
  await seen(page.getByRole('alert').getByText('CHECKPOINT_FAILED'));
  await untilBadge(page, 'Running');
});
