/** An app that answers in the place of its compositor costs the daemon, its journal and other apps nothing worth mention. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '../../src/client/node.ts';
import { eventsOf, hostApp, inWords, outputOf, perl, runApp, SLEEP, uniqueId } from '../lib/apps.ts';
import { startDaemon } from '../lib/daemon.ts';
import { SIZE } from '../lib/screens.ts';
import { until } from '../lib/until.ts';

const FALSE_SWAY = readFileSync(new URL('../lib/false-sway.pl', import.meta.url), 'utf8');
const LOOK_MS = 4000;
/** Of a call next to it; the machine may be busy. */
const MOST_MS = 400;

async function runFalse(client: Client, how: string): Promise<string> {
  const order = hostApp(uniqueId('false'), [...perl(FALSE_SWAY), how], {
    display: { ...SIZE, placement: 'container' },
  });
  const { appInstanceId } = await client.run(order);
  await until(async () => (await outputOf(client, appInstanceId)).includes('false'), { what: 'it is in place' });
  return appInstanceId;
}

/** The longest of many calls. */
async function slowestCall(client: Client, appInstanceId: string): Promise<number> {
  let slowestMs = 0;
  for (const end = performance.now() + LOOK_MS; performance.now() < end;) {
    const begin = performance.now();
    await client.getInfo({ appInstanceId });
    slowestMs = Math.max(slowestMs, performance.now() - begin);
    await sleep(10);
  }
  return slowestMs;
}

for (const how of ['flood', 'long', 'deep', 'bytes']) {
  test(`a false compositor (${how}) writes few events, holds up no call and no restart of the daemon`, async () => {
    await using daemon = await startDaemon();
    const other = await runApp(daemon.client, 'other', SLEEP);
    const id = await runFalse(daemon.client, how);
    // the next daemon connects to what lies there now
    await daemon.kill9();
    const begin = performance.now();
    await daemon.start();
    const startMs = performance.now() - begin;
    const { client } = daemon;
    await until(async () => (await outputOf(client, id)).includes('asked'), { what: 'the daemon has asked it' });
    const slowestMs = await slowestCall(client, other);
    const told = inWords(await eventsOf(client, id)).filter((word) => word.startsWith('display'));
    assert.ok(told.length <= 25, `${told.length} events`);
    assert.ok(slowestMs < MOST_MS, `a call took ${slowestMs} ms`);
    assert.ok(startMs < 10_000, `the start took ${startMs} ms`);
    await client.kill({ appInstanceId: id });
  });
}
