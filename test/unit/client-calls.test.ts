import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { WebSocketServer } from 'ws';
import { callOnce, connect } from '../../src/client/node.ts';
import { connectOver } from '../../src/client/client.ts';
import { overWebSocket } from '../../src/client/socket.ts';
import { RuntimeError } from '../../src/domain/errors.ts';
import { fakeDaemon } from '../lib/fake-daemon.ts';
import { refusal } from '../lib/refusal.ts';

const app = { rootfs: { host: true } } as const;

test('every method works over the WebSocket, with results in our own form', async () => {
  await using daemon = await fakeDaemon();
  using client = await connect({ root: daemon.root });
  const { appInstanceId } = await client.run({ appId: 'clock', appInstanceId: 'one', app });
  assert.equal(appInstanceId, 'one');
  assert.deepEqual(await client.suspend({ appInstanceId }), { already: false });
  assert.deepEqual(await client.resume({ appInstanceId }), { already: false });
  assert.equal((await client.getInfo({ appInstanceId })).state, 'RUNNING');
  assert.equal((await client.list()).length, 1);
  daemon.service().write('one', 'hello');
  assert.deepEqual(
    (await client.getLogs({ appInstanceId })).lines.map(({ text }) => text),
    ['hello'],
  );
  assert.deepEqual(await client.terminate({ appInstanceId }), { already: false });
  assert.deepEqual(await client.terminate({ appInstanceId }), { already: true });
  assert.deepEqual(await client.kill({ appInstanceId }), { already: true });
  assert.equal((await client.getEvents({ since: 0 })).lastSeq, 5);
  assert.equal((await client.version()).version, '9.9.9');
});

test('one call without a lasting connection gives the same', async () => {
  await using daemon = await fakeDaemon();
  await callOnce(daemon, ['run', { appId: 'clock', appInstanceId: 'one', app }]);
  assert.equal((await callOnce(daemon, ['getInfo', { appInstanceId: 'one' }])).state, 'RUNNING');
  assert.deepEqual(await callOnce(daemon, ['kill', { appInstanceId: 'one' }]), { already: false });
});

test('text of any language and megabytes of it cross unharmed', async () => {
  await using daemon = await fakeDaemon();
  using client = await connect({ root: daemon.root });
  await client.run({ appId: 'clock', appInstanceId: 'one', app });
  const text = `\u0000 \u2028 ä 漢 🙂 ${'x'.repeat(5 * 2 ** 20)}`;
  daemon.service().write('one', text);
  const roads = [client.getLogs({ appInstanceId: 'one' }), callOnce(daemon, ['getLogs', { appInstanceId: 'one' }])];
  for (const { lines } of await Promise.all(roads)) assert.equal(lines[0]?.text, text);
});

test('an error is remade as it was thrown in the daemon', async () => {
  await using daemon = await fakeDaemon();
  using client = await connect({ root: daemon.root });
  for (const call of [
    client.getInfo({ appInstanceId: 'nope' }),
    callOnce(daemon, ['getInfo', { appInstanceId: 'nope' }]),
  ]) {
    const error = await refusal(call, 'NOT_FOUND', /nope/);
    assert.equal(error.next, 'runtimectl ps lists them');
  }
  await refusal(client.run({ appId: '' }), 'INVALID_ARGUMENT', /appId is empty/);
});

test('where no daemon answers, the error says how to start one with this root', async () => {
  const root = await mkdtemp(join(tmpdir(), 'rmt-'));
  for (const call of [connect({ root }), callOnce({ root }, ['list', {}])]) {
    const error = await refusal(call, 'UNREACHABLE', /control\.sock: there is no such socket/);
    assert.equal(error.next, `start it with: runtimemanagerd --root ${root}`);
  }
  await rm(root, { recursive: true });
});

test('a path too long for a socket is told as the reason', async () => {
  for (const call of [
    connect({ socket: `/tmp/${'x'.repeat(200)}` }),
    callOnce({ socket: `/tmp/${'x'.repeat(200)}` }, ['list', {}]),
  ]) {
    await refusal(call, 'UNREACHABLE', /too long/);
  }
});

test('a directory with colon, space and percent in its name is reached', async () => {
  await using daemon = await fakeDaemon();
  const { symlink } = await import('node:fs/promises');
  const odd = `${daemon.root}/a b:c%20#?`;
  await symlink(`${daemon.root}/run`, odd);
  using client = await connect({ socket: `${odd}/control.sock` });
  assert.deepEqual(await client.list(), []);
  assert.deepEqual(await callOnce({ socket: `${odd}/control.sock` }, ['list', {}]), []);
});

test('a call ends with its time limit or its signal, and the connection goes on', async () => {
  await using daemon = await fakeDaemon();
  using client = await connect({ root: daemon.root });
  await client.run({ appId: 'clock', appInstanceId: 'one', app });
  daemon.service().hold = new Promise(() => undefined);
  const one = { appInstanceId: 'one' };
  await refusal(client.terminate(one, { timeoutMs: 30 }), 'TIMED_OUT', /terminate within 30 ms/);
  await refusal(callOnce(daemon, ['terminate', one], { timeoutMs: 30 }), 'TIMED_OUT');
  await refusal(client.terminate(one, { signal: AbortSignal.timeout(30) }), 'ABORTED');
  await refusal(client.terminate(one, { signal: AbortSignal.abort() }), 'ABORTED');
  await refusal(callOnce(daemon, ['terminate', one], { signal: AbortSignal.timeout(30) }), 'ABORTED');
  assert.equal((await client.getInfo(one)).state, 'RUNNING');
});

test('answers find their calls however they are ordered', async () => {
  await using daemon = await fakeDaemon();
  using client = await connect({ root: daemon.root });
  const ids = Array.from({ length: 300 }, (_, number) => `i-${number}`);
  await Promise.all(ids.map((appInstanceId) => client.run({ appId: 'clock', appInstanceId, app })));
  const infos = await Promise.all(ids.map((appInstanceId) => client.getInfo({ appInstanceId })));
  assert.deepEqual(
    infos.map((info) => info.appInstanceId),
    ids,
  );
});

test('calls under way fail when the daemon goes; the next one connects anew', async () => {
  await using daemon = await fakeDaemon();
  using client = await connect({ root: daemon.root });
  await client.run({ appId: 'clock', appInstanceId: 'one', app });
  daemon.service().hold = new Promise(() => undefined);
  const held = refusal(client.terminate({ appInstanceId: 'one' }), 'UNREACHABLE', /daemon is ending/);
  await client.list();
  await daemon.stop();
  await held;
  await refusal(client.list(), 'UNREACHABLE');
  await daemon.start();
  assert.equal((await client.list()).length, 1);
});

test('a closed client calls no more', async () => {
  await using daemon = await fakeDaemon();
  const client = await connect({ root: daemon.root });
  client.close();
  await refusal(client.list(), 'UNREACHABLE', /client was closed/);
});

test('a program that is no daemon of ours is told from one', async () => {
  const root = await mkdtemp(join(tmpdir(), 'rmt-'));
  const socket = join(root, 's');
  const server = createServer((peer) => peer.on('error', () => undefined).end('SSH-2.0-OpenSSH_9.2\r\n')).listen(
    socket,
  );
  await once(server, 'listening');
  await refusal(callOnce({ socket }, ['list', {}]), 'UNREACHABLE');
  await refusal(connect({ socket }), 'UNREACHABLE');
  server.close();
  await rm(root, { recursive: true });
});

test('it works over the standard WebSocket too, and understands errors that carry no data of ours', async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  server.on('connection', (socket) => {
    socket.on('message', (data: Buffer) => {
      const { id } = JSON.parse(data.toString()) as { id: number };
      socket.send('no JSON');
      socket.send('{"id":"stranger","result":1}');
      socket.send(JSON.stringify({ id, error: { code: -32601, message: 'Unknown method.' } }));
    });
  });
  const { port } = server.address() as AddressInfo;
  const client = await connectOver({
    open: overWebSocket(() => new globalThis.WebSocket(`ws://127.0.0.1:${port}`)),
    unreachable: (cause) => new RuntimeError('UNREACHABLE', { what: 'away', cause }),
  });
  await refusal(client.list(), 'UNKNOWN_METHOD', /Unknown method/);
  client.close();
  server.close();
});
