/** Faults that nothing catches, in the real daemon: it logs them, puts them down to the instance, and goes on. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { connectToSocketOf } from '../../src/adapters/sway/socket-of-app.ts';
import { connect as connectClient } from '../../src/client/node.ts';
import { JSON_RPC_PATH } from '../../src/domain/wire.ts';
import { hostApp, runApp, SLEEP, stateOf, untilState } from '../lib/apps.ts';
import { startDaemon, type TestDaemon } from '../lib/daemon.ts';
import { isAlive } from '../lib/machine.ts';
import { refusal } from '../lib/refusal.ts';
import { until } from '../lib/until.ts';

/** Runs an expression in the daemon, by Node's inspector. */
async function inside(daemon: TestDaemon, expression: string): Promise<void> {
  const [url] = /ws:\/\/127\.0\.0\.1:\d+\/[\w-]+/.exec(daemon.log()) ?? [];
  assert(url !== undefined, 'the inspector listens');
  const socket = new WebSocket(url);
  await once(socket, 'open');
  socket.send(JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression } }));
  const [answer] = (await once(socket, 'message')) as [Buffer];
  assert.doesNotMatch(answer.toString(), /exceptionDetails/);
  socket.close();
}

test('a throw in a timer, an error that no listener hears and a lost rejection are logged, and the daemon goes on', async () => {
  await using daemon = await startDaemon({ env: { NODE_OPTIONS: '--inspect=127.0.0.1:0' } });
  const { client, pid } = daemon;
  const id = await runApp(client, 'calm', SLEEP);
  await inside(
    daemon,
    `{ const { EventEmitter } = process.getBuiltinModule('events');
       setTimeout(() => { throw new Error('fault in a timer'); }, 1);
       setTimeout(() => new EventEmitter().emit('error', new Error('fault without a listener')), 1);
       setTimeout(() => { Promise.reject(new Error('fault of a promise')); }, 1);
       setTimeout(() => { throw undefined; }, 1);
       for (let i = 0; i < 1000; i++) setTimeout(() => { throw new Error('one of many'); }, 2); }`,
  );
  for (const fault of ['fault in a timer', 'fault without a listener', 'fault of a promise', 'one of many']) {
    await until(() => daemon.log().includes(fault), { what: `${fault} is in the log` });
  }
  assert.ok(daemon.log().split('one of many').length < 200, 'the log is bounded');
  assert.equal((await client.version()).pid, pid);
  assert.equal(await stateOf(client, id), 'RUNNING');
  await client.kill({ appInstanceId: id });
});

test('a display that resets its connection after it was made ends nothing', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'rmt-'));
  const path = join(directory, 's');
  // listens and never accepts: its end resets who waits to be accepted (net/unix/af_unix.c, unix_release_sock)
  const script =
    'use Socket; socket(S, AF_UNIX, SOCK_STREAM, 0); bind(S, pack_sockaddr_un($ARGV[0])); listen(S, 9); $| = 1; print "ready\\n"; sleep 60';
  const display = spawn('perl', ['-e', script, path], { stdio: ['ignore', 'pipe', 'ignore'] });
  display.on('error', (error) => assert.ifError(error));
  try {
    await once(display.stdout, 'data');
    const socket = await connectToSocketOf(process.getuid?.() ?? 0, path);
    const closed = new Promise((resolve) => socket.on('close', resolve));
    socket.resume();
    display.kill('SIGKILL');
    await closed;
  } finally {
    display.kill('SIGKILL');
    await rm(directory, { recursive: true });
  }
});

const LITTLE = ['prlimit', '--nofile=1024', '--'];

test('more idle connections than there are descriptors keep nobody from calling, and a kill works', async () => {
  await using daemon = await startDaemon({ within: LITTLE });
  const { client, pid, places } = daemon;
  const id = await runApp(client, 'calm', SLEEP);
  const idle = Array.from({ length: 995 }, () => new WebSocket(`ws+unix:${places.socket}:${JSON_RPC_PATH}`));
  for (const socket of idle) socket.on('error', () => undefined);
  await Promise.all(idle.map((socket) => new Promise((resolve) => socket.on('open', resolve).on('close', resolve))));
  assert.equal(await stateOf(client, id), 'RUNNING');
  const other = await runApp(client, 'other', SLEEP);
  await client.kill({ appInstanceId: id });
  await client.kill({ appInstanceId: other });
  // the idle ones make room for who comes now
  await until(
    () =>
      connectClient({ socket: places.socket }).then(
        (late) => {
          late.close();
          return true;
        },
        () => false,
      ),
    { what: 'another caller has a place', timeoutMs: 15_000 },
  );
  assert.equal((await client.version()).pid, pid);
  for (const socket of idle) socket.terminate();
});

test('an instance whose record is damaged runs on, is told as a problem, and a kill ends it', async () => {
  await using daemon = await startDaemon();
  const appInstanceId = await runApp(daemon.client, 'torn', SLEEP);
  const calm = await runApp(daemon.client, 'calm', SLEEP);
  const { pid } = await daemon.client.getInfo({ appInstanceId });
  assert(pid !== null);
  await daemon.kill9();
  const database = new DatabaseSync(daemon.places.database);
  database.prepare("UPDATE instance SET record = '{}' WHERE id = ?").run(appInstanceId);
  database.close();
  await daemon.start();
  assert.equal(await stateOf(daemon.client, calm), 'RUNNING');
  assert.ok(isAlive(pid), 'it was not swept away');
  const { problems } = await daemon.client.getHealth();
  const told = problems.find(({ code }) => code === 'DAMAGED_RECORD');
  assert.equal(told?.appInstanceId, appInstanceId);
  await refusal(daemon.client.run(hostApp(appInstanceId, SLEEP)), 'CORRUPT_FILE');
  assert.deepEqual(await daemon.client.kill({ appInstanceId }), { already: false });
  assert.ok(!isAlive(pid));
  await daemon.client.run(hostApp(appInstanceId, SLEEP));
  await untilState(daemon.client, appInstanceId, 'RUNNING');
  await daemon.restart();
  assert.deepEqual((await daemon.client.getHealth()).problems, []);
});

test('a clean end with calls under way is a clean end', async () => {
  await using daemon = await startDaemon();
  const id = await runApp(daemon.client, 'busy', SLEEP);
  for (let round = 0; round < 5; round++) {
    const { client } = daemon;
    let isOver = false;
    const calling = Array.from({ length: 20 }, async (_, key) => {
      while (!isOver) await client.annotate({ appInstanceId: id, key: `k${key}`, value: 'x' });
    }).map((call) => call.catch(() => undefined));
    await client.version();
    const { code } = await daemon.stop();
    isOver = true;
    await Promise.all(calling);
    assert.equal(code, 0, daemon.log().slice(-2000));
    await daemon.start();
  }
});
