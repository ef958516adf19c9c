/** Ends that nobody was told of yet, and events that are dropped, on both sides of a kill -9. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AppEvent, Client, EventGap } from '../../src/client/node.ts';
import { exitOf, pidOf, runApp, shell, SLEEP } from '../lib/apps.ts';
import { startDaemon } from '../lib/daemon.ts';
import { isAlive } from '../lib/machine.ts';
import { fillLog } from '../lib/long-log.ts';
import { until } from '../lib/until.ts';

const MANY = 5000;

/** The whole log as a client catches up with it, up to what is the last event now. */
async function caughtUp(client: Client, since: number): Promise<readonly (AppEvent | EventGap)[]> {
  const { lastSeq } = await client.getEvents({ since, limit: 1 });
  const items: (AppEvent | EventGap)[] = [];
  for await (const item of client.events({ since, signal: AbortSignal.timeout(60_000) })) {
    items.push(item);
    if (item.type !== 'gap' && item.seq >= lastSeq) break;
  }
  return items;
}

const endsIn = (items: readonly (AppEvent | EventGap)[]): readonly string[] =>
  items.flatMap((item) => (item.type === 'terminated' ? [item.appInstanceId] : []));

test('terminated is told exactly once for each end, whatever of the log was dropped before and after kill -9', async () => {
  await using daemon = await startDaemon({ config: { maxEvents: 1000 } });
  const told = await runApp(daemon.client, 'told', shell('exit 3'));
  await exitOf(daemon.client, told);
  const missed = await runApp(daemon.client, 'missed', SLEEP);
  const pid = await pidOf(daemon.client, missed);
  assert.deepEqual(endsIn(await caughtUp(daemon.client, 0)), [told]);
  await daemon.kill9();
  // a log that grew far beyond its bound, and an end that no daemon saw
  fillLog(daemon.places.database, MANY);
  process.kill(pid, 'SIGKILL');
  await until(() => !isAlive(pid), { what: 'the app is gone' });
  for (let life = 0; life < 3; life += 1) {
    await daemon.start();
    await exitOf(daemon.client, missed);
    const { firstSeq } = await until(
      async () => {
        const page = await daemon.client.getEvents({ since: 0, limit: 1 });
        return page.firstSeq > MANY / 2 && page;
      },
      { what: 'the oldest events are dropped' },
    );
    const [first, ...rest] = await caughtUp(daemon.client, 0);
    assert.equal(first?.type, 'gap', `what is before ${firstSeq} is told to be missing`);
    assert.deepEqual(endsIn(rest), [missed], 'told once, and what was told and dropped is not told again');
    await daemon.kill9();
  }
  await daemon.start();
});

test('a client catches up with a long log from any point, and goes on with what happens then, each event once', async () => {
  await using daemon = await startDaemon();
  await daemon.stop();
  fillLog(daemon.places.database, MANY);
  await daemon.start();
  await runApp(daemon.client, 'after', shell('exit 0'));
  for (const since of [0, MANY / 2, MANY - 1]) {
    const items = await caughtUp(daemon.client, since);
    assert(items.length >= MANY - since);
    assert.deepEqual(
      items.map((item) => (item.type === 'gap' ? 'gap' : item.seq)),
      items.map((_, at) => since + 1 + at),
    );
  }
});
