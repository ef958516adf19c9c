import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chown, lstat, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { WebSocket } from 'ws';
import { startServer } from '../../src/server/http.ts';
import { fakeDaemon, logTo } from '../lib/fake-daemon.ts';
import { fakeService } from '../lib/fake-service.ts';

type Answer = { readonly status: number; readonly body: string };

async function http(socketPath: string, { path = '/jsonrpc', method = 'POST', body = '' }): Promise<Answer> {
  const call = request({ socketPath, path, method, agent: false });
  call.end(body);
  const [response] = (await once(call, 'response')) as [AsyncIterable<Buffer> & { statusCode: number }];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return { status: response.statusCode, body: Buffer.concat(chunks).toString() };
}

function webSocket(socketPath: string, path = '/jsonrpc', protocols: string[] = []): WebSocket {
  return new WebSocket(`ws://localhost${path}`, protocols, { createConnection: () => connect({ path: socketPath }) });
}

async function opened(socket: WebSocket): Promise<WebSocket> {
  await once(socket, 'open');
  return socket;
}

const nextMessage = async (socket: WebSocket): Promise<{ id?: number; result?: unknown; error?: { code: number } }> =>
  JSON.parse(String(((await once(socket, 'message')) as [Buffer])[0])) as object;

const list = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'org.rdk.RuntimeManager.1.list' });

test('a call by POST is answered with JSON, with and without a slash at the end', async () => {
  await using daemon = await fakeDaemon();
  for (const path of ['/jsonrpc', '/jsonrpc/', '/jsonrpc?token=x']) {
    assert.deepEqual(await http(daemon.socket, { path, body: list }), {
      status: 200,
      body: '{"jsonrpc":"2.0","id":1,"result":[]}',
    });
  }
});

test('other paths, other HTTP methods and notifications have their own status', async () => {
  await using daemon = await fakeDaemon();
  assert.equal((await http(daemon.socket, { path: '/', body: list })).status, 404);
  assert.equal((await http(daemon.socket, { path: '/jsonrpcx', body: list })).status, 404);
  assert.equal((await http(daemon.socket, { method: 'PUT' })).status, 405);
  assert.deepEqual(await http(daemon.socket, { body: '{"method":"list"}' }), { status: 204, body: '' });
  assert.match((await http(daemon.socket, { body: '{' })).body, /-32700/);
});

test('a WebSocket is answered on both paths, and the first sub-protocol is echoed', async () => {
  await using daemon = await fakeDaemon();
  for (const [path, protocols] of [
    ['/jsonrpc', []],
    ['/jsonrpc/', ['notification', 'json']],
    ['/jsonrpc', ['JSON']],
  ] as const) {
    const socket = await opened(webSocket(daemon.socket, path, [...protocols]));
    assert.equal(socket.protocol, protocols[0] ?? '');
    socket.send(list);
    assert.deepEqual((await nextMessage(socket)).result, []);
    socket.close();
  }
});

test('an upgrade at another path is refused as Thunder refuses it', async () => {
  await using daemon = await fakeDaemon();
  const [error] = (await once(webSocket(daemon.socket, '/other'), 'error')) as [Error];
  assert.match(error.message, /503/);
});

test('the socket may be used by owner and group only', async () => {
  await using daemon = await fakeDaemon();
  assert.equal((await stat(daemon.socket)).mode & 0o777, 0o660);
});

test(
  'the socket belongs to the group that was asked for',
  { skip: process.getuid?.() !== 0 && 'only root can give files away' },
  async () => {
    const root = await mkdtemp(join(tmpdir(), 'rmt-'));
    const socketPath = join(root, 's');
    const server = await startServer({ service: fakeService(), log: logTo([]), socketPath, groupId: 12_345 });
    assert.equal((await stat(socketPath)).gid, 12_345);
    await server.close(0);
    await chown(root, 0, 0);
    await rm(root, { recursive: true });
  },
);

test('a second daemon is refused while the first one answers', async () => {
  await using daemon = await fakeDaemon();
  const second = startServer({ service: fakeService(), socketPath: daemon.socket, log: logTo([]) });
  await assert.rejects(second, { code: 'ALREADY_RUNNING' });
  assert.equal((await http(daemon.socket, { body: list })).status, 200);
});

test('the socket of a daemon that was killed is replaced; a file that is no socket is not', async () => {
  await using daemon = await fakeDaemon();
  await daemon.stop();
  // what kill -9 leaves: a socket file without a listener
  const dead = createServer().listen(`${daemon.socket}.dead`);
  await once(dead, 'listening');
  const { link } = await import('node:fs/promises');
  await link(`${daemon.socket}.dead`, daemon.socket);
  dead.close();
  await once(dead, 'close');
  assert.ok((await lstat(daemon.socket)).isSocket());
  await daemon.start();
  assert.equal((await http(daemon.socket, { body: list })).status, 200);
  await daemon.stop();
  await writeFile(daemon.socket, 'precious');
  await assert.rejects(daemon.start(), { code: 'INVALID_ARGUMENT' });
});

test('a path too long for a socket is refused with advice', async () => {
  const socketPath = `/tmp/${'x'.repeat(120)}/control.sock`;
  await assert.rejects(startServer({ service: fakeService(), socketPath, log: logTo([]) }), {
    code: 'INVALID_ARGUMENT',
    next: 'use a shorter --root',
  });
});

test('a slow terminate does not hold up a getInfo on the same connection', async () => {
  await using daemon = await fakeDaemon();
  const service = daemon.service();
  await service.run({ appId: 'a', appInstanceId: 'one' }, { signal: new AbortController().signal });
  const held = Promise.withResolvers<undefined>();
  service.hold = held.promise;
  const socket = await opened(webSocket(daemon.socket));
  socket.send('{"id":1,"method":"terminate","params":{"appInstanceId":"one"}}');
  socket.send('{"id":2,"method":"getInfo","params":{"appInstanceId":"one"}}');
  assert.equal((await nextMessage(socket)).id, 2);
  held.resolve(undefined);
  assert.equal((await nextMessage(socket)).id, 1);
  socket.close();
});

test('an id of 1 MiB gets an error that says so, on both roads', async () => {
  await using daemon = await fakeDaemon();
  const body = JSON.stringify({ id: 1, method: 'run', params: { appId: 'a', appInstanceId: 'x'.repeat(2 ** 20) } });
  assert.match((await http(daemon.socket, { body })).body, /has 1048576 characters/);
  const socket = await opened(webSocket(daemon.socket));
  socket.send(body);
  assert.equal((await nextMessage(socket)).error?.code, -32602);
  socket.close();
});

test('a message beyond 4 MiB is refused: 413 on HTTP, close 1009 on WebSocket; the daemon lives', async () => {
  await using daemon = await fakeDaemon();
  const body = `"${'x'.repeat(4 * 2 ** 20)}"`;
  const refused = await http(daemon.socket, { body }).catch((error: unknown) => (error as NodeJS.ErrnoException).code);
  if (typeof refused === 'object') assert.equal(refused.status, 413);
  else assert.ok(refused === 'EPIPE' || refused === 'ECONNRESET', refused);
  const socket = await opened(webSocket(daemon.socket));
  socket.on('error', () => undefined);
  socket.send(body);
  assert.equal(((await once(socket, 'close')) as [number])[0], 1009);
  assert.equal((await http(daemon.socket, { body: list })).status, 200);
});

/** Sends these bytes and waits for the other end to close. */
async function throwAt(socketPath: string, bytes: Uint8Array): Promise<void> {
  const socket = connect({ path: socketPath });
  socket.on('error', () => undefined);
  socket.end(bytes);
  socket.resume();
  await once(socket, 'close');
}

const UPGRADE =
  'GET /jsonrpc HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';

test('garbage closes its own connection and nothing else', async () => {
  await using daemon = await fakeDaemon();
  const garbage = fc.oneof(
    fc.uint8Array({ maxLength: 500 }),
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.concat([Buffer.from(UPGRADE), bytes])),
    fc
      .uint8Array({ maxLength: 200 })
      .map((bytes) =>
        Buffer.concat([Buffer.from('POST /jsonrpc HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n'), bytes]),
      ),
    fc.string().map((text) => Buffer.from(`POST /jsonrpc HTTP/1.1\r\nContent-Length: ${text}\r\n\r\n${text}`)),
  );
  await fc.assert(
    fc.asyncProperty(garbage, (bytes) => throwAt(daemon.socket, bytes)),
    { numRuns: 300 },
  );
  assert.equal((await http(daemon.socket, { body: list })).status, 200);
});

test('a reader that is gone gives up its waiting getLogs', async () => {
  await using daemon = await fakeDaemon();
  const service = daemon.service();
  await service.run({ appId: 'a', appInstanceId: 'one' }, { signal: new AbortController().signal });
  const waiting = '{"id":1,"method":"getLogs","params":{"appInstanceId":"one","waitMs":30000}}';
  const socket = await opened(webSocket(daemon.socket));
  socket.send(waiting);
  socket.send(list);
  await nextMessage(socket);
  socket.terminate();
  const call = request({ socketPath: daemon.socket, path: '/jsonrpc', method: 'POST' }).end(waiting);
  call.on('error', () => undefined);
  await once(call, 'finish');
  call.destroy();
  // close() waits for running calls: it can only be quick when both were given up
  const begin = performance.now();
  await daemon.server().close(20_000);
  assert.ok(performance.now() - begin < 5000);
});

test('a clean end lets a running call finish, refuses new ones and removes the socket', async () => {
  await using daemon = await fakeDaemon();
  const service = daemon.service();
  await service.run({ appId: 'a', appInstanceId: 'one' }, { signal: new AbortController().signal });
  const held = Promise.withResolvers<undefined>();
  service.hold = held.promise;
  const socket = await opened(webSocket(daemon.socket));
  socket.send('{"id":1,"method":"terminate","params":{"appInstanceId":"one"}}');
  socket.send(list);
  await nextMessage(socket);
  const closing = daemon.server().close(10_000);
  await assert.rejects(lstat(daemon.socket), { code: 'ENOENT' });
  socket.send('{"id":2,"method":"list"}');
  assert.equal((await nextMessage(socket)).error?.code, 58);
  held.resolve(undefined);
  assert.deepEqual(await nextMessage(socket), { jsonrpc: '2.0', id: 1, result: null });
  assert.equal(((await once(socket, 'close')) as [number])[0], 1001);
  await closing;
});

test('a call that does not end delays a clean end no longer than allowed', async () => {
  await using daemon = await fakeDaemon();
  const service = daemon.service();
  await service.run({ appId: 'a', appInstanceId: 'one' }, { signal: new AbortController().signal });
  service.hold = new Promise(() => undefined);
  const call = http(daemon.socket, { body: '{"id":1,"method":"terminate","params":{"appInstanceId":"one"}}' });
  const lost = assert.rejects(call, { code: 'ECONNRESET' });
  await http(daemon.socket, { body: list });
  const begin = performance.now();
  await daemon.server().close(100);
  assert.ok(performance.now() - begin < 3000);
  assert.match(daemon.complaints.join(), /some calls still run/);
  await lost;
});

test('a subscriber that does not read is dropped with 1013; others get every event meanwhile', async () => {
  await using daemon = await fakeDaemon({ maxBufferedBytes: 256 * 1024 });
  const register = '{"id":1,"method":"register","params":{"event":"onEvent","id":"c"}}';
  const [slow, quick] = await Promise.all([opened(webSocket(daemon.socket)), opened(webSocket(daemon.socket))]);
  for (const socket of [slow, quick]) {
    socket.send(register);
    assert.equal((await nextMessage(socket)).result, 0);
  }
  slow.pause();
  let heard = 0;
  quick.on('message', () => (heard += 1));
  const service = daemon.service();
  const big = { code: 'INTERNAL', what: 'x'.repeat(20_000) } as const;
  const { appInstanceId } = await service.run(
    { appId: 'a', appInstanceId: 'one' },
    { signal: new AbortController().signal },
  );
  const [info] = await service.list({ all: true }, { signal: new AbortController().signal });
  assert.ok(info !== undefined && info.appInstanceId === appInstanceId);
  const total = 200;
  for (let count = 0; count < total; count += 1) {
    service.publish({
      appId: info.appId,
      appInstanceId: info.appInstanceId,
      type: 'failure',
      operation: 'run',
      error: big,
      ended: true,
    });
    await new Promise((resolve) => setImmediate(resolve));
  }
  while (heard < total + 1) await once(quick, 'message');
  assert.deepEqual(
    daemon.complaints.map((line) => line.slice(0, 35)),
    ['a client is dropped: does not read '],
  );
  slow.resume();
  assert.equal(((await once(slow, 'close')) as [number])[0], 1013);
  assert.equal(quick.readyState, WebSocket.OPEN);
  quick.close();
});
