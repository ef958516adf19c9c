/** The life of a real app, from run to its end, as a client sees it. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import {
  DEAF,
  eventsOf,
  exitOf,
  hostApp,
  inWords,
  perl,
  pidOf,
  runApp,
  shell,
  SLEEP,
  stateOf,
  uniqueId,
  untilSays,
} from '../lib/apps.ts';
import { startDaemon } from '../lib/daemon.ts';
import { groupDirectories, isAlive, processesBesides, processesOfUser } from '../lib/machine.ts';
import { helpfulRefusal } from '../lib/refusal.ts';

test('an app is run, suspended, resumed and terminated, and every step is told once, in order', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  // what it says tells that tini has started it: before, there is one process only
  const id = await runApp(client, 'life', shell('echo up; exec sleep 1000'));
  await untilSays(client, id, 'up');
  const running = await client.getInfo({ appInstanceId: id });
  assert.equal(running.state, 'RUNNING');
  assert(running.pid !== null && isAlive(running.pid));
  assert(running.monitored);
  assert((running.memory?.usageBytes ?? 0) > 0);
  assert((running.pids?.current ?? 0) >= 2, 'tini and sleep');
  assert.deepEqual(running.allowed, ['suspend', 'hibernate', 'terminate', 'kill']);

  assert.deepEqual(await client.suspend({ appInstanceId: id }), { already: false });
  assert.equal(await stateOf(client, id), 'SUSPENDED');
  assert.deepEqual(await client.resume({ appInstanceId: id }), { already: false });
  assert.equal(await pidOf(client, id), running.pid, 'it is the same process all the time');
  assert.deepEqual(await client.terminate({ appInstanceId: id }), { already: false });

  const ended = await client.getInfo({ appInstanceId: id });
  assert.equal(ended.state, 'TERMINATED');
  assert.equal(ended.pid, null);
  assert.equal(ended.exit?.cause, 'terminated');
  const events = await eventsOf(client, id);
  assert.deepEqual(inWords(events), [
    'TERMINATED>STARTING',
    'started',
    'STARTING>RUNNING',
    'RUNNING>SUSPENDED',
    'SUSPENDED>RUNNING',
    'RUNNING>TERMINATING',
    'TERMINATING>TERMINATED',
    'terminated',
  ]);
  const pids = events.flatMap((event) => (event.type === 'started' ? [event.pid] : []));
  assert.deepEqual(pids, [running.pid]);
  assert(!isAlive(running.pid));
  assert.deepEqual(groupDirectories(daemon.group(running.containerId)), []);
  assert(!existsSync(`${daemon.places.run}/bundles/${running.containerId}`));
});

test('terminate gives an app the time to end by itself, and its own exit code counts', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  for (const code of [0, 3]) {
    const app = perl(`$SIG{TERM} = sub { exit ${code} }; $| = 1; print "ready\\n"; sleep 1 while 1`);
    const id = await runApp(client, 'polite', app);
    await untilSays(client, id, 'ready');
    await client.terminate({ appInstanceId: id });
    const exit = await exitOf(client, id);
    assert.deepEqual({ ...exit, at: '' }, { code, signal: null, oom: false, cause: 'terminated', at: '' });
  }
});

test('an app that is deaf to SIGTERM is killed after its grace period, with its children', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const id = await runApp(client, 'deaf', DEAF, { terminateGraceMs: 200 });
  await untilSays(client, id, 'ready');
  const { uid } = await client.getInfo({ appInstanceId: id });
  const begin = performance.now();
  await client.terminate({ appInstanceId: id });
  const tookMs = performance.now() - begin;
  assert(tookMs >= 195, `it had ${tookMs} ms`);
  const exit = await exitOf(client, id);
  assert.deepEqual({ ...exit, at: '' }, { code: 137, signal: 9, oom: false, cause: 'killed', at: '' });
  assert.deepEqual(processesOfUser(uid), []);
});

test('no process of an app survives its end, however it ends', async (t) => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  // daemons of its own: double-forked, in sessions of their own, deaf to SIGTERM
  const crowd = (last: string): readonly string[] =>
    perl(
      `use POSIX; $| = 1; for (1..4) { if (!fork) { POSIX::setsid(); $SIG{TERM} = $SIG{HUP} = "IGNORE"; fork and exit; sleep 1000 } } ` +
        `print "ready\\n"; ${last}`,
    );
  const ways = {
    'its first process exits': { last: 'sleep 1; exit 0', end: async () => undefined },
    terminate: { last: 'sleep 1000', end: (appInstanceId: string) => client.terminate({ appInstanceId }) },
    kill: { last: 'sleep 1000', end: (appInstanceId: string) => client.kill({ appInstanceId }) },
  };
  await Promise.all(
    Object.entries(ways).map(([name, { last, end }]) =>
      t.test(name, async () => {
        const id = await runApp(client, 'crowd', crowd(last));
        await untilSays(client, id, 'ready');
        const { uid, pid } = await client.getInfo({ appInstanceId: id });
        assert(pid !== null && processesBesides(pid).length >= 4);
        await end(id);
        await exitOf(client, id);
        assert.deepEqual(processesOfUser(uid), []);
      }),
    ),
  );
});

test('a suspended app can be terminated and killed', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const app = perl('$SIG{TERM} = sub { exit 4 }; $| = 1; print "ready\\n"; sleep 1 while 1');
  const id = await runApp(client, 'frozen-term', app);
  await untilSays(client, id, 'ready');
  await client.suspend({ appInstanceId: id });
  await client.terminate({ appInstanceId: id });
  assert.deepEqual(
    { ...(await exitOf(client, id)), at: '' },
    { code: 4, signal: null, oom: false, cause: 'terminated', at: '' },
  );

  const other = await runApp(client, 'frozen-kill', DEAF);
  await client.suspend({ appInstanceId: other });
  await client.kill({ appInstanceId: other });
  assert.equal((await exitOf(client, other)).cause, 'killed');
});

test('an ended instance can be run again: each run has one start and one end of its own', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const id = uniqueId('again');
  for (const code of [1, 2, 3]) {
    await client.run(hostApp(id, shell(`echo run ${code}; exit ${code}`)));
    assert.equal((await exitOf(client, id)).code, code);
    // also means: everything was given back
    assert.deepEqual(await client.kill({ appInstanceId: id }), { already: true });
  }
  const events = await eventsOf(client, id);
  const codes = events.flatMap((event) => (event.type === 'terminated' ? [event.exit.code] : []));
  assert.deepEqual(codes, [1, 2, 3]);
  assert.equal(events.filter((event) => event.type === 'started').length, 3);
  const { lines } = await client.getLogs({ appInstanceId: id });
  assert.deepEqual(
    lines.map((line) => line.text),
    ['run 3'],
    'the log is the last run’s',
  );
});

test('an app that runs already is refused a second time and not touched', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const id = await runApp(client, 'twice', SLEEP);
  const before = await client.getInfo({ appInstanceId: id });
  const { details } = await helpfulRefusal(client.run(hostApp(id, SLEEP)), 'ALREADY_EXISTS', new RegExp(id));
  assert.equal(details?.['state'], 'RUNNING');
  const after = await client.getInfo({ appInstanceId: id });
  assert.equal(after.pid, before.pid);
  assert.equal(after.state, 'RUNNING');
  assert.equal((await eventsOf(client, id)).length, 3);
  // of several at once exactly one is run
  const other = uniqueId('race');
  const runs = await Promise.allSettled(Array.from({ length: 5 }, () => client.run(hostApp(other, SLEEP))));
  assert.equal(runs.filter((run) => run.status === 'fulfilled').length, 1);
  assert.equal((await eventsOf(client, other)).filter((event) => event.type === 'started').length, 1);
});

test('two terminates at once are both a success, and the app ends once', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const id = await runApp(client, 'end-twice', SLEEP);
  const both = await Promise.all([client.terminate({ appInstanceId: id }), client.terminate({ appInstanceId: id })]);
  assert.deepEqual(both.map(({ already }) => already).sort(), [false, true]);
  assert.deepEqual(await client.kill({ appInstanceId: id }), { already: true });
  assert.equal((await eventsOf(client, id)).filter((event) => event.type === 'terminated').length, 1);
});

test('an app with a terminal has one', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const script = 'test -t 0 && test -t 1 && test -t 2 && echo tty; exit 5';
  const id = await runApp(client, 'tty', shell(script), { terminal: true });
  assert.equal((await exitOf(client, id)).code, 5);
  const { lines } = await client.getLogs({ appInstanceId: id });
  assert.match(lines.map((line) => line.text).join(), /^tty\r?$/);
  const plain = await runApp(client, 'no-tty', shell('test -t 1 || echo none'));
  await exitOf(client, plain);
  assert.deepEqual(
    (await client.getLogs({ appInstanceId: plain })).lines.map((line) => line.text),
    ['none'],
  );
});
