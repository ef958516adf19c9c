/**
 * A model of RDK's LifecycleManager drives ten apps at once on a real daemon: over Thunder's JSON-RPC, with displays of RDK's window
 * manager and real hibernation. No launch and no close hangs, no app stays frozen, none is told to be gone that is there, no display is
 * left.
 */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkHouse } from '../lib/house.ts';
import { App, Box, startDevice } from '../lib/lifecycle-box.ts';
import { COUNTER, installPackage, lifecycleManagerRun } from '../lib/package-manager.ts';
import { CALLSIGN, type Traffic } from '../lib/thunder-link.ts';
import { until } from '../lib/until.ts';

const APPS = 10;
/** Whether it is still there when that is over. */
type Life = (app: App) => Promise<'stays' | 'gone'>;

/** Through these states, one after the other. */
const through =
  (...states: readonly Parameters<App['to']>[0][]): Life =>
  async (app) => {
    for (const state of states) await app.to(state);
    return 'stays';
  };

const LIVES: Readonly<Record<string, Life>> = {
  paused: through('PAUSED', 'ACTIVE'),
  suspended: through('SUSPENDED', 'ACTIVE'),
  woken: through('HIBERNATED', 'SUSPENDED', 'ACTIVE'),
  asleep: through('HIBERNATED', 'ACTIVE', 'HIBERNATED'),
  'not hibernated': async (app) => {
    await app.to('SUSPENDED');
    await app.failsToHibernate();
    await app.to('HIBERNATED');
    await app.to('ACTIVE');
    return 'stays';
  },
  'closed asleep': async (app) => {
    await app.to('HIBERNATED');
    await app.close();
    return 'gone';
  },
  closed: async (app) => {
    await app.to('PAUSED');
    await app.close();
    return 'gone';
  },
  killed: async (app) => {
    await app.close({ force: true });
    return 'gone';
  },
  crashed: async (app) => {
    await app.crash();
    return 'gone';
  },
  'crashed in the background': async (app) => {
    await app.to('SUSPENDED');
    await app.crash();
    return 'gone';
  },
};

/** What each operation of ours brings about. */
const OWN: Readonly<Record<string, readonly string[]>> = {
  run: ['STARTING', 'RUNNING', 'onStarted'],
  hibernate: ['HIBERNATING', 'HIBERNATED'],
  wake: ['WAKING', 'RUNNING'],
  terminate: ['TERMINATING', 'TERMINATED', 'onTerminated'],
  kill: ['TERMINATING', 'TERMINATED', 'onTerminated'],
};

/** Events of operations that were told before the answer, and times from answers to the next event of the instance. */
function orderOf(traffic: readonly Traffic[]) {
  const open = new Map<string, string>();
  const answered = new Map<string, number>();
  const early: Traffic[] = [];
  const gapsMs: number[] = [];
  for (const one of traffic) {
    const id = one.appInstanceId ?? '';
    if (one.way === 'told') {
      if (OWN[open.get(id) ?? '']?.includes(one.what) === true) early.push(one);
      gapsMs.push(...(answered.has(id) ? [one.at - (answered.get(id) ?? 0)] : []));
      answered.delete(id);
    } else if (OWN[one.what] !== undefined) {
      if (one.way === 'asked') open.set(id, one.what);
      else if (open.delete(id)) answered.set(id, one.at);
    }
  }
  return { early, gapsMs: gapsMs.sort((a, b) => a - b) };
}

test('ten apps of LifecycleManager live their lives at once, over a daemon that is killed', async () => {
  await using device = await startDevice();
  const { daemon, windows, sockets } = device;
  const box = new Box(device);
  await box.connect();
  const appPath = await installPackage(join(daemon.directory, 'package'), 'counter', COUNTER);
  const names = Object.keys(LIVES).map((name) => `com.example.${name.replaceAll(' ', '.')}`);
  const apps = names.map((appId) => {
    const { runtimeConfigObject } = lifecycleManagerRun({ appId, appInstanceId: '', appPath, command: 'counter' });
    return new App(box, appId, { ...runtimeConfigObject, envVariables: '[]' });
  });
  assert.equal(apps.length, APPS);

  await Promise.all(apps.map((app) => app.launch()));
  assert.equal(windows.displays().length, APPS);
  const ends = await Promise.all(Object.values(LIVES).map((live, index) => live(apps[index] ?? assert.fail())));
  const [first = assert.fail(), ...others] = apps.filter((_, index) => ends[index] === 'stays');

  const { lastSeq } = (await box.link.call(`${CALLSIGN}.1.getEvents`, { since: 0, limit: 1 })) as { lastSeq: number };
  const { pid } = await first.info();
  box.disconnect();
  await daemon.kill9();
  process.kill(pid, 'SIGKILL');
  await daemon.start();
  await box.connect();
  await box.catchUp(lastSeq);
  await first.gone();
  for (const app of others) {
    if (app.context.state === 'HIBERNATED') await app.to('ACTIVE');
    else await app.runs();
  }
  await Promise.all(others.map((app) => app.close()));

  const { told } = box.manager;
  const failed = told.filter(({ old }) => old === undefined);
  assert.deepEqual(failed, [], 'nobody was told of a failure that was none');
  const unloaded = told.filter(({ now }) => now === 'UNLOADED');
  const sorted = (names: readonly string[]) => [...names].sort();
  assert.deepEqual(sorted(unloaded.map(({ appId }) => appId)), sorted(apps.map(({ appId }) => appId)));
  assert.deepEqual(
    sorted(unloaded.filter((one) => one.unexpectedTermination).map(({ appId }) => appId)),
    sorted([first.appId, ...['crashed', 'crashed.in.the.background'].map((name) => `com.example.${name}`)]),
    'only what crashed has ended unexpectedly',
  );
  box.disconnect();
  const { early, gapsMs } = orderOf(box.traffic);
  assert.deepEqual(early, [], 'answers come before their events');
  assert((gapsMs[Math.floor(gapsMs.length / 4)] ?? Infinity) < 5, `and the events soon after: ${gapsMs.join(' ')} ms`);
  await until(() => windows.displays().length === 0, { what: 'no display is left' });
  assert.deepEqual(readdirSync(sockets), []);
  await checkHouse(daemon);
});
