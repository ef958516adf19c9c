/** Many apps and many subscribers, the daemon killed while they start, and all ended at once by the next one. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { RuntimeError } from '../../src/domain/errors.ts';
import type { Client } from '../../src/client/node.ts';
import { connect } from '../../src/client/node.ts';
import { hostApp, SLEEP, uniqueId } from '../lib/apps.ts';
import type { TestDaemon } from '../lib/daemon.ts';
import { residentBytes } from '../lib/fuzz.ts';
import { allEvents, checkHistory } from '../lib/history.ts';
import { until } from '../lib/until.ts';
import { checkNothingLeft } from './machine-checks.ts';
import { followEverything } from './subscribers.ts';

export type Crowd = {
  readonly daemon: TestDaemon;
  readonly apps: number;
  readonly subscribers: number;
  readonly tell: (line: string) => void;
};

const AT_ONCE = 8;
const MIB = 2 ** 20;

/** What the daemon may take for a mass end: descriptors, and the longest that another client waits for an answer. */
const MAX_DESCRIPTORS = 2000;
const MAX_WAIT_MS = 5000;
const MAX_GROWTH_BYTES = 150 * MIB;

async function inParallel<Item>(items: readonly Item[], work: (item: Item) => Promise<unknown>): Promise<void> {
  const queue = [...items];
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/** Started, or cut off by the end of the daemon: then whether it runs is seen after the restart. */
async function start(client: Client, id: string): Promise<void> {
  try {
    await client.run(hostApp(id, SLEEP, { terminateGraceMs: 500 }));
  } catch (error) {
    if (error instanceof RuntimeError && ['UNREACHABLE', 'ALREADY_EXISTS'].includes(error.code)) return;
    throw error;
  }
}

type Peak = { descriptors: number; residentBytes: number; waitMs: number };

/** The most of each while `work` runs. */
async function peaksDuring(daemon: TestDaemon, work: () => Promise<unknown>): Promise<Peak> {
  const peak: Peak = { descriptors: 0, residentBytes: 0, waitMs: 0 };
  let over = false;
  const other = await connect({ socket: daemon.places.socket });
  const ask = async (): Promise<void> => {
    while (!over) {
      const begun = performance.now();
      await other.list();
      peak.waitMs = Math.max(peak.waitMs, performance.now() - begun);
      await sleep(20);
    }
  };
  const look = async (): Promise<void> => {
    while (!over) {
      peak.descriptors = Math.max(peak.descriptors, readdirSync(`/proc/${daemon.pid}/fd`).length);
      peak.residentBytes = Math.max(peak.residentBytes, residentBytes(daemon.pid));
      await sleep(10);
    }
  };
  const watches = Promise.all([ask(), look()]);
  try {
    await work();
  } finally {
    over = true;
    await watches;
    other.close();
  }
  return peak;
}

/** Throws when an app, an event or an answer is lost, or the daemon takes more than its bounds. */
export async function runCrowd({ daemon, apps, subscribers, tell }: Crowd): Promise<void> {
  const ids = Array.from({ length: apps }, () => uniqueId('crowd'));
  await using followers = await followEverything(daemon.places.socket, subscribers);
  const early = inParallel(ids, (id) => start(daemon.client, id)).catch((error: unknown) => error);
  await until(async () => (await daemon.client.list()).length > apps / 2, {
    what: 'half of them run',
    timeoutMs: 300_000,
  });
  await daemon.kill9();
  await early;
  await daemon.restart();
  await inParallel(ids, (id) => start(daemon.client, id));
  await until(async () => (await daemon.client.list()).filter(({ state }) => state === 'RUNNING').length === apps, {
    what: 'all of them run',
    timeoutMs: 60_000,
  });
  await daemon.kill9();
  const restarted = performance.now();
  await daemon.restart();
  tell(`${apps} apps are adopted in ${(performance.now() - restarted).toFixed(0)} ms`);
  const before = residentBytes(daemon.pid);
  const begun = performance.now();
  const peak = await peaksDuring(daemon, () =>
    Promise.all(ids.map((appInstanceId) => daemon.client.kill({ appInstanceId }, { timeoutMs: 300_000 }))),
  );
  const ms = performance.now() - begun;
  const grown = peak.residentBytes - before;
  tell(
    `${apps} apps are killed at once in ${ms.toFixed(0)} ms: ${peak.descriptors} descriptors, ${(grown / MIB).toFixed(0)} MiB more, another client waits ${peak.waitMs.toFixed(0)} ms`,
  );
  const events = await allEvents(daemon.client);
  checkHistory(events);
  for (const one of followers.all) await one.check(events);
  await checkNothingLeft(daemon);
  assert(peak.descriptors < MAX_DESCRIPTORS, `${peak.descriptors} descriptors`);
  assert(peak.waitMs < MAX_WAIT_MS, `another client waits ${peak.waitMs} ms`);
  assert(grown < MAX_GROWTH_BYTES, `the daemon grows by ${grown} bytes`);
}
