/** Restart policies: apps that end are started again as the same instance, with pauses, and given up at last. */
import assert from 'node:assert/strict';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { AppInput, Client } from '../../src/client/node.ts';
import { eventsOf, hostApp, inWords, pidOf, runApp, shell, SLEEP, stateOf, untilState } from '../lib/apps.ts';
import { startDaemon } from '../lib/daemon.ts';
import { checkHouse } from '../lib/house.ts';
import { isAlive } from '../lib/machine.ts';
import { refusal } from '../lib/refusal.ts';
import { runtimectl } from '../lib/runtimectl.ts';
import { until } from '../lib/until.ts';

type Policy = NonNullable<AppInput['restart']>;
const policy = (restart: Policy) => ({ restart: { backoffMs: 1, ...restart } });
const LATER = { policy: 'always', backoffMs: 3_600_000, maxBackoffMs: 3_600_000 } as const;

const restartOf = async (client: Client, appInstanceId: string) => (await client.getInfo({ appInstanceId })).restart;
const wordsOf = async (client: Client, id: string) => inWords(await eventsOf(client, id));
const countOf = async (client: Client, id: string, word: string): Promise<number> =>
  (await wordsOf(client, id)).filter((one) => one === word).length;
const untilTold = (client: Client, id: string, word: string): Promise<true> =>
  until(async () => (await wordsOf(client, id)).includes(word), { what: `${id}: ${word}` });
const untilPending = (client: Client, id: string): Promise<string> =>
  until(async () => (await restartOf(client, id)).dueAt, { what: `a restart of ${id} is pending` });

/** Fails in its first so many runs, and then runs. */
const failsAtFirst = (times: number): readonly string[] =>
  shell(
    `n=$(cat /data/n 2>/dev/null || echo 0); echo $((n + 1)) >/data/n; [ $n -ge ${times} ] || exit 3; exec sleep 1000`,
  );

test('an app that crashes again and again is given up, and its history says why', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const { stdout, code } = await runtimectl(
    ['run', 'crashing', '--host-rootfs', '--restart', 'on-failure:2', '--', '/bin/sh', '-c', 'exit 3'],
    { root: daemon.root },
  );
  assert.equal(code, 0);
  const id = stdout.trim();
  await untilTold(client, id, 'restartGivenUp');
  const life = ['TERMINATED>STARTING', 'started', 'STARTING>RUNNING', 'RUNNING>TERMINATED', 'terminated'];
  assert.deepEqual(await wordsOf(client, id), [
    ...[...life, 'restarting', ...life, 'restarting', ...life, 'restartGivenUp'],
  ]);
  assert.deepEqual(await restartOf(client, id), { policy: 'on-failure', attempts: 2, maxRetries: 2, dueAt: null });
  const { entries } = await client.getHistory({ appInstanceId: id });
  assert.deepEqual(
    entries
      .filter(({ state, type }) => type === 'stateChanged' && state === 'STARTING')
      .map(({ why, by }) => [why, by]),
    [
      ['run', 'the unix socket'],
      ['restart', null],
      ['restart', null],
    ],
  );
  assert.match(entries.at(-1)?.why ?? '', /as often as its restart policy allows/);
  const info = await runtimectl(['info', id], { root: daemon.root });
  assert.match(info.stdout, /^restart: +on-failure, attempt 2 of 2$/m);
  await checkHouse(daemon);
});

test('an app that fails at first runs in the end: the same instance, user and notes, counted anew when it has run well', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const extra = policy({ policy: 'on-failure', resetAfterMs: 0, backoffMs: 100 });
  const id = await runApp(client, 'shaky', failsAtFirst(2), extra);
  await client.annotate({ appInstanceId: id, key: 'mine', value: 'kept' });
  const { uid } = await client.getInfo({ appInstanceId: id });
  await until(async () => (await countOf(client, id, 'started')) === 3, { what: 'the third run' });
  await untilState(client, id, 'RUNNING');
  const before = await client.getInfo({ appInstanceId: id });
  assert.deepEqual([before.uid, before.annotations], [uid, { mine: 'kept' }]);
  process.kill(before.pid ?? assert.fail(), 'SIGKILL');
  await until(async () => (await countOf(client, id, 'started')) === 4, { what: 'the fourth run' });
  assert.equal((await restartOf(client, id)).attempts, 1);
  await untilState(client, id, 'RUNNING');
  assert.notEqual(await pidOf(client, id), before.pid);
});

test('a good end is followed by another run with always alone; an end that a caller asked for by none', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const good = await runApp(client, 'good', shell('exit 0'), policy({ policy: 'on-failure' }));
  const always = await runApp(client, 'again', shell('exit 0'), policy({ policy: 'always', maxRetries: 1 }));
  const asked = await Promise.all(
    ['terminate', 'kill'].map((name) => runApp(client, name, SLEEP, policy({ policy: 'always' }))),
  );
  await client.terminate({ appInstanceId: asked[0] ?? '' });
  await client.kill({ appInstanceId: asked[1] ?? '' });
  await untilTold(client, always, 'restartGivenUp');
  assert.equal(await countOf(client, always, 'started'), 2);
  for (const id of [good, ...asked]) {
    assert.deepEqual([await stateOf(client, id), (await restartOf(client, id)).dueAt], ['TERMINATED', null]);
    assert.equal((await wordsOf(client, id)).at(-1), 'terminated');
  }
});

test('terminate and kill cancel a restart that is pending; a run of it comes before', async () => {
  await using daemon = await startDaemon({ config: { keepEnded: 1 } });
  const { client } = daemon;
  const id = await runApp(client, 'pending', shell('exit 1'), { restart: LATER });
  for (const end of ['terminate', 'kill'] as const) {
    await untilPending(client, id);
    assert.deepEqual(await client[end]({ appInstanceId: id }), { already: false });
    assert.deepEqual(await client[end]({ appInstanceId: id }), { already: true });
    const last = (await client.getHistory({ appInstanceId: id })).entries.at(-1);
    assert.deepEqual([last?.type, last?.why, last?.by], ['restartGivenUp', end, 'the unix socket']);
    assert.equal((await restartOf(client, id)).dueAt, null);
    await client.run(hostApp(id, shell('exit 1'), { restart: LATER }));
  }
  await untilPending(client, id);
  // who is pending is not forgotten for others that end
  for (const name of ['one', 'two']) await client.kill({ appInstanceId: await runApp(client, name, SLEEP) });
  assert.equal(await stateOf(client, id), 'TERMINATED');
  await client.run(hostApp(id, SLEEP));
  assert.equal(await stateOf(client, id), 'RUNNING');
  assert.deepEqual(await restartOf(client, id), { policy: 'never', attempts: 0, maxRetries: 10, dueAt: null });
});

test('an attempt that cannot even begin is counted, told, and followed by the next', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const source = join(daemon.directory, 'shared');
  await mkdir(source);
  const extra = { mounts: [{ source, destination: '/shared' }], ...policy({ policy: 'always', maxRetries: 3 }) };
  const id = await runApp(client, 'homeless', SLEEP, extra);
  const pid = await pidOf(client, id);
  await rm(source, { recursive: true });
  process.kill(pid, 'SIGKILL');
  await untilTold(client, id, 'restartGivenUp');
  assert.equal(await countOf(client, id, 'failure'), 3);
  assert.equal(await stateOf(client, id), 'TERMINATED');
  await checkHouse(daemon);
});

test('a pending restart outlives kill -9 of the daemon, and an end that nobody saw is followed by one', async () => {
  await using daemon = await startDaemon();
  const pending = await runApp(
    daemon.client,
    'waiting',
    failsAtFirst(1),
    policy({ policy: 'on-failure', backoffMs: 2000 }),
  );
  const unseen = await runApp(daemon.client, 'unseen', SLEEP, policy({ policy: 'on-failure' }));
  const never = await runApp(daemon.client, 'ended', SLEEP);
  const dueAt = await untilPending(daemon.client, pending);
  const pids = await Promise.all([unseen, never].map((id) => pidOf(daemon.client, id)));
  await daemon.kill9();
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  await until(() => !pids.some(isAlive), { what: 'they are gone' });
  await daemon.start();
  for (const id of [pending, unseen]) {
    await untilState(daemon.client, id, 'RUNNING');
    assert.equal(await countOf(daemon.client, id, 'restarting'), 1);
    assert.equal(await countOf(daemon.client, id, 'started'), 2);
  }
  const second = (await eventsOf(daemon.client, pending)).findLast(({ type }) => type === 'started');
  assert((second?.time ?? '') >= dueAt, 'not before it is due');
  assert.equal(await stateOf(daemon.client, never), 'TERMINATED');
  await checkHouse(daemon);
});

test('the end of the daemon with its apps ends what is pending too', async () => {
  await using daemon = await startDaemon({ args: ['--stop-apps'] });
  const id = await runApp(daemon.client, 'pending', shell('exit 1'), { restart: LATER });
  await untilPending(daemon.client, id);
  assert.equal((await daemon.stop()).code, 0);
  await daemon.start();
  assert.equal((await restartOf(daemon.client, id)).dueAt, null);
  await refusal(
    daemon.client.run(hostApp(id, SLEEP, { restart: { policy: 'on-failure', maxRetries: -1 } })),
    'INVALID_ARGUMENT',
    /maxRetries/,
  );
});
