/**
 * What RDK's LifecycleManager does with a runtime manager (facts/thunder.md §4.5), through Thunder's JSON-RPC on a WebSocket and
 * nothing else: on a real daemon, with real hibernation, and without our own client.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtempDisposable, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Client } from '../../src/client/node.ts';
import { eventsOf, hostApp, pidOf, runApp, SLEEP, stateOf, uniqueId } from '../lib/apps.ts';
import { startDaemon } from '../lib/daemon.ts';
import { checkHouse } from '../lib/house.ts';
import { COUNTER, installPackage, lifecycleManagerRun } from '../lib/package-manager.ts';
import { helpfulRefusal } from '../lib/refusal.ts';
import { CALLSIGN, ThunderLink, type Heard } from '../lib/thunder-link.ts';
import { runcWithOrders, toolsWith } from '../lib/tools.ts';
import { until } from '../lib/until.ts';

test('what LifecycleManager does with an app, from loading to its end, through a WebSocket only', async () => {
  await using daemon = await startDaemon({ args: ['--listen', '127.0.0.1:0'] });
  const appPath = await installPackage(join(daemon.directory, 'package'), 'counter', COUNTER);
  using link = await ThunderLink.open(daemon);
  const status = await link.call(`Controller.1.status@${CALLSIGN}`);
  assert.partialDeepStrictEqual(status, [{ callsign: CALLSIGN, state: 'activated' }]);
  await link.register();

  const appId = 'com.example.lifecycle';
  const appInstanceId = randomUUID();
  const order = lifecycleManagerRun({ appId, appInstanceId, appPath, command: 'counter' });
  const call = (method: string, params: object = {}): Promise<unknown> =>
    link.call(`${CALLSIGN}.1.${method}`, { appInstanceId, ...params });
  const info = async () =>
    JSON.parse((await call('getInfo')) as string) as { readonly state: string; readonly storage: string };

  await call('run', order);
  await link.untilState(appInstanceId, 'RUNNING');
  const { state, storage } = await info();
  assert.equal(state, 'RUNNING');
  const count = (): number =>
    Number(existsSync(join(storage, 'count')) ? readFileSync(join(storage, 'count'), 'utf8') : 0);
  await until(() => count() > 0, { what: 'the app counts' });
  const environment = readFileSync(join(storage, 'env'), 'utf8').trim().split('\n');
  assert.equal(JSON.stringify(environment), order.runtimeConfigObject?.envVariables);

  // HibernatedState, then SuspendedState, then ActiveState
  assert.equal(await call('hibernate'), null);
  await link.untilState(appInstanceId, 'HIBERNATED');
  const slept = count();
  assert.equal(await call('wake', { runtimeState: 'RUNTIME_STATE_SUSPENDED' }), null);
  // upstream's plugin does not look at the argument (RuntimeManagerImplementation.cpp, Wake), and nobody calls resume
  assert.equal((await info()).state, 'RUNNING');
  await until(() => count() > slept, { what: 'the app goes on counting' });
  assert.equal(await call('hibernate'), null);
  assert.equal(await call('wake', { runtimeState: 'RUNTIME_STATE_RUNNING' }), null);
  assert.equal((await info()).state, 'RUNNING');
  await until(() => count() > slept, { what: 'the app goes on counting' });

  // TerminatingState
  assert.equal(await call('kill'), null);
  const ends = (): readonly Heard[] => link.heard.filter(({ event }) => event === 'onTerminated');
  await until(() => ends().length > 0, { what: 'the end is told' });
  assert.equal((await info()).state, 'TERMINATED');
  await call('kill');
  assert.deepEqual(
    ends().map(({ params }) => params),
    [{ appInstanceId, exitCode: 137 }],
  );
  assert(link.heard.every(({ params }) => params.appInstanceId === appInstanceId));
  assert.deepEqual(
    link.heard.flatMap(({ event, params }) => (event === 'onFailure' ? [params] : [])),
    [],
  );
  assert.deepEqual(
    link.heard.flatMap(({ params }) => params.state?.replace('RUNTIME_STATE_', '') ?? []),
    [
      ...['STARTING', 'RUNNING', 'HIBERNATING', 'HIBERNATED', 'WAKING', 'RUNNING'],
      ...['HIBERNATING', 'HIBERNATED', 'WAKING', 'RUNNING', 'TERMINATING', 'TERMINATED'],
    ],
  );
  await checkHouse(daemon);
});

/** The failures of an instance, and whether they have ended it. */
const failuresOf = async (client: Client, appInstanceId: string): Promise<readonly string[]> =>
  (await eventsOf(client, appInstanceId)).flatMap((event) =>
    event.type === 'failure' ? [`${event.operation} ${event.ended}`] : [],
  );

test('a kill that has not worked is no onFailure: the app is still there, and its end is told when it comes', async () => {
  await using daemon = await startDaemon({ config: { killTimeoutMs: 0 }, args: ['--listen', '127.0.0.1:0'] });
  using link = await ThunderLink.open(daemon);
  await link.register();
  const appInstanceId = await runApp(daemon.client, 'lasting', SLEEP);
  const { error } = await link.ask(`${CALLSIGN}.1.kill`, { appInstanceId });
  assert.match(error?.message ?? '', /still there/);
  await until(() => link.heard.some(({ event }) => event === 'onTerminated'), { what: 'the end is told' });
  assert.deepEqual(await failuresOf(daemon.client, appInstanceId), ['kill false']);
  assert(!link.heard.some(({ event }) => event === 'onFailure'));
  // in no time nothing can be removed either
  await daemon.stop();
  await writeFile(join(daemon.root, 'config.yaml'), '{}');
  await daemon.start();
  await checkHouse(daemon);
});

/** Upstream's callers take each onFailure for the end of the app (LifecycleManagerImplementation.cpp, notifyOnFailure: UNLOADED). */
test('what fails while the app lives is no onFailure; what ends it or keeps it from starting is', async () => {
  await using orders = await mkdtempDisposable(join(tmpdir(), 'rmt-'));
  await using tools = await toolsWith({ runc: runcWithOrders(orders.path) });
  const config = { runtime: 'runc' };
  await using daemon = await startDaemon({ config, tools: tools.path, args: ['--listen', '127.0.0.1:0'] });
  const { client } = daemon;
  using link = await ThunderLink.open(daemon);
  await link.register();
  const appInstanceId = uniqueId('failing');
  const ask = (method: string, params: object = {}) =>
    link.ask(`${CALLSIGN}.1.${method}`, { appInstanceId, ...params });
  /** Fails, with this shell before. */
  const fails = async (command: string, method: string, { before = '', params = {} } = {}): Promise<void> => {
    const order = join(orders.path, `${command}.${appInstanceId}`);
    await writeFile(order, before);
    const { error } = await ask(method, params);
    assert(error !== undefined, `${method} fails`);
    await rm(order);
  };
  const failures = () => link.heard.flatMap(({ event, params }) => (event === 'onFailure' ? [params] : []));
  const heard = (state: string) => link.heard.some(({ params }) => params.state === `RUNTIME_STATE_${state}`);
  const endsTold = () => link.heard.filter(({ event }) => event === 'onTerminated').length;
  const app = hostApp(appInstanceId, SLEEP);

  await fails('create', 'run', { params: app });
  await until(() => endsTold() === 1, { what: 'the end of the start is told' });
  assert.deepEqual(failures(), [{ appInstanceId, error: 'START_FAILED' }]);

  assert.equal((await ask('run', app)).error, undefined);
  await fails('checkpoint', 'hibernate');
  await until(() => heard('HIBERNATING'), { what: 'the attempt is told' });
  assert.equal(await stateOf(client, appInstanceId), 'RUNNING');
  assert.equal((await ask('hibernate')).error, undefined);
  await fails('restore', 'wake');
  assert.equal(await stateOf(client, appInstanceId), 'HIBERNATED');
  assert.equal((await ask('wake')).error, undefined);
  assert.equal(failures().length, 1, 'nothing else was one');
  assert.deepEqual(await failuresOf(client, appInstanceId), ['run true', 'hibernate false', 'wake false']);
  await fails('checkpoint', 'hibernate', { before: `kill -9 ${await pidOf(client, appInstanceId)}` });
  await until(() => endsTold() === 2, { what: 'its end is told' });
  assert.deepEqual(failures().slice(1), [{ appInstanceId, error: 'CHECKPOINT_FAILED' }]);
  await checkHouse(daemon);
});

/** What wake(…) leaves an app in. Upstream's plugin does not look at the argument: RuntimeManagerImplementation.cpp, Wake. */
for (const [wakeTarget, ends] of [
  [undefined, { suspended: 'RUNNING', three: 'RUNNING' }],
  ['asAsked', { suspended: 'SUSPENDED', three: 'SUSPENDED' }],
] as const) {
  test(`wake with the setting ${wakeTarget ?? 'of the profile'}, whatever is asked for`, async () => {
    const config = wakeTarget === undefined ? {} : { rdk: { wakeTarget } };
    await using daemon = await startDaemon({ config, args: ['--listen', '127.0.0.1:0'] });
    using link = await ThunderLink.open(daemon);
    const appInstanceId = await runApp(daemon.client, 'sleeper', SLEEP);
    const call = (method: string, params: object = {}) =>
      link.call(`${CALLSIGN}.1.${method}`, { appInstanceId, ...params });
    for (const [params, state] of [
      [{ runtimeState: 'RUNTIME_STATE_SUSPENDED' }, ends.suspended],
      [{ runtimeState: 3 }, ends.three],
      [{ runtimeState: 'RUNTIME_STATE_UNKNOWN' }, 'RUNNING'],
      [{ runtimeState: 4711 }, 'RUNNING'],
      [{ runtimeState: null }, 'RUNNING'],
      [{}, 'RUNNING'],
      [{ target: 'SUSPENDED' }, 'SUSPENDED'],
    ] as const) {
      await call('hibernate');
      await call('wake', params);
      assert.equal(await stateOf(daemon.client, appInstanceId), state, JSON.stringify(params));
    }
    const both = { target: 'RUNNING', runtimeState: 'RUNTIME_STATE_RUNNING' } as const;
    await helpfulRefusal(daemon.client.wake({ appInstanceId, ...both }), 'INVALID_ARGUMENT', /target and runtimeState/);
    await assert.rejects(call('wake', { runtimeState: 'ASLEEP' }), /runtimeState .*must name a state/);
    await checkHouse(daemon);
  });
}
