import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, connect as connectSocket } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { test } from 'node:test';
import { WebSocketServer } from 'ws';
import { connectOver } from '../../src/client/client.ts';
import { callOnce, connect } from '../../src/client/node.ts';
import type { EventItem } from '../../src/client/node.ts';
import { overWebSocket } from '../../src/client/socket.ts';
import { RuntimeError } from '../../src/domain/errors.ts';
import type { ErrorCode } from '../../src/domain/errors.ts';
import { CERTIFICATE, KEY } from '../lib/certificate.ts';
import { helpfulRefusal, refusal } from '../lib/refusal.ts';
import { TOKENS, tcpDaemon } from '../lib/tcp-daemon.ts';
import { until } from '../lib/until.ts';

const app = { rootfs: { host: true } } as const;
const one = { appInstanceId: 'one' } as const;

/** A server of bytes; whoever it leads astray is let go at the end. */
async function byteServer(serve: (socket: Socket) => unknown) {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.on('error', () => undefined));
    serve(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sockets,
    [Symbol.dispose]: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

test('an app lives its life by ws, and by one connection a call, with the token in a header', async () => {
  await using daemon = await tcpDaemon();
  const { url, token } = daemon;
  for (const address of [url, `${url}/jsonrpc`, `${url}/jsonrpc/`, url.replace('ws:', 'http:')]) {
    using client = await connect(address, { token });
    const { appInstanceId } = await client.run({ appId: 'clock', app });
    assert.deepEqual(await client.suspend({ appInstanceId }), { already: false });
    assert.equal((await callOnce({ url: address, token }, ['getInfo', { appInstanceId }])).state, 'SUSPENDED');
    assert.deepEqual(await callOnce({ url: address, token }, ['kill', { appInstanceId }]), { already: false });
  }
  assert.deepEqual(daemon.complaints, []);
});

test('by wss only with a certificate that is trusted', async () => {
  await using daemon = await tcpDaemon({ tls: { cert: CERTIFICATE, key: KEY } });
  const { url, token } = daemon;
  for (const address of [url, url.replace('127.0.0.1', 'localhost')]) {
    using client = await connect(address, { token, ca: CERTIFICATE });
    assert.deepEqual(await client.list(), []);
    assert.deepEqual(await callOnce({ url: address, token, ca: CERTIFICATE }, ['list', {}]), []);
  }
  for (const call of [() => connect(url, { token }), () => callOnce({ url, token }, ['list', {}])]) {
    const error = await refusal(call(), 'UNREACHABLE', /certificate/);
    assert.match(error.next ?? '', /certificate to trust: ca/);
  }
  for (const call of [
    () => connect(url.replace('wss', 'ws')),
    () => callOnce({ url: url.replace('wss', 'ws') }, ['list', {}]),
  ]) {
    await refusal(call(), 'UNREACHABLE');
  }
  await using plain = await tcpDaemon();
  await refusal(connect(plain.url.replace('ws', 'wss')), 'UNREACHABLE', /speaks no TLS/);
});

test('without the right token nobody is let in, and what a role may not do is refused', async () => {
  await using daemon = await tcpDaemon();
  const { url } = daemon;
  for (const token of [undefined, 'wrong']) {
    await helpfulRefusal(connect(url, { token }), 'PERMISSION_DENIED', /does not let this client in/);
    await refusal(callOnce({ url, token }, ['list', {}]), 'PERMISSION_DENIED');
  }
  using client = await connect(url, { token: TOKENS.observe });
  assert.deepEqual(await client.list(), []);
  await refusal(client.kill(one), 'PERMISSION_DENIED');
  await refusal(callOnce({ url, token: TOKENS.observe }, ['kill', one]), 'PERMISSION_DENIED');
});

test('a token with a line end makes no second header, and no error tells a token', async () => {
  await using daemon = await tcpDaemon();
  const { url } = daemon;
  for (const token of ['secret\r\nX-Role: control', 'secret token', '']) {
    for (const call of [() => connect(url, { token }), () => callOnce({ url, token }, ['list', {}])]) {
      const error = await helpfulRefusal(call(), 'INVALID_ARGUMENT', /token/);
      assert.doesNotMatch(JSON.stringify(error), /secret/);
    }
  }
  const inUrl = await refusal(connect(`${url}/?token=secret`), 'PERMISSION_DENIED');
  assert.doesNotMatch(JSON.stringify(inUrl), /secret/);
  using client = await connect(`${url}/?token=${daemon.token}`);
  assert.deepEqual(await client.list(), []);
});

test('unix: and paths are addresses too; what is none is refused with the form it should have', async () => {
  await using daemon = await tcpDaemon();
  const { socket } = daemon;
  for (const address of [socket, `unix:${socket}`, `unix://${socket}`]) {
    using client = await connect(address);
    assert.deepEqual(await client.list(), []);
    assert.deepEqual(await callOnce({ url: address }, ['list', {}]), []);
  }
  for (const address of ['', 'tv', '127.0.0.1:9998', 'ftp://127.0.0.1', 'ws://user:secret@127.0.0.1', 'unix:']) {
    for (const call of [() => connect(address), () => callOnce({ url: address }, ['list', {}])]) {
      const error = await helpfulRefusal(call(), 'INVALID_ARGUMENT', /address/);
      assert.doesNotMatch(error.message, /secret/);
    }
  }
});

test('where nobody listens the error says so', async () => {
  const { url } = await byteServer(() => undefined).then((server) => {
    server[Symbol.dispose]();
    return server;
  });
  for (const call of [() => connect(url), () => callOnce({ url }, ['list', {}])]) {
    await helpfulRefusal(call(), 'UNREACHABLE', /no daemon answers at ws:\/\/127\.0\.0\.1:\d+: nobody listens there/);
  }
});

test('connecting ends with its time limit and its signal, and leaves no connection', async () => {
  using silent = await byteServer((socket) => socket.resume());
  await refusal(connect(silent.url, { connectTimeoutMs: 30 }), 'UNREACHABLE', /no connection within 30 ms/);
  await refusal(connect(silent.url, { signal: AbortSignal.timeout(30) }), 'ABORTED', /connect was given up/);
  await refusal(connect(silent.url, { signal: AbortSignal.abort() }), 'ABORTED');
  await refusal(callOnce({ url: silent.url }, ['list', {}], { timeoutMs: 30 }), 'TIMED_OUT');
  await until(() => silent.sockets.length === 3 && silent.sockets.every((socket) => socket.closed), {
    what: 'every connection is closed',
  });
});

test('a call that must connect anew first keeps its own time limit and signal, and is not sent late', async () => {
  await using daemon = await tcpDaemon();
  const { url, token } = daemon;
  let isHeld = false;
  const held: (() => void)[] = [];
  const target = { host: '127.0.0.1', port: Number(new URL(url).port) };
  using road = await byteServer((socket) => {
    const open = () => socket.pipe(connectSocket(target).on('error', () => socket.destroy())).pipe(socket);
    if (isHeld) held.push(open);
    else open();
  });
  using client = await connect(road.url, { token });
  isHeld = true;
  for (const socket of road.sockets) socket.destroy();
  await refusal(client.list(), 'UNREACHABLE');
  const late = client.run({ appId: 'clock', ...one, app }, { timeoutMs: 30 });
  await refusal(late, 'TIMED_OUT', /run within 30 ms/);
  await refusal(client.list({}, { signal: AbortSignal.timeout(30) }), 'ABORTED');
  await until(() => held.length > 0, { what: 'the client connects anew' });
  isHeld = false;
  for (const open of held) open();
  assert.deepEqual(await client.list({ all: true }), []);
});

test('after a loss all callers share one new connection', async () => {
  await using daemon = await tcpDaemon({ maxConnections: 2 });
  using client = await connect(daemon.url, { token: daemon.token });
  await daemon.stop();
  await refusal(client.list(), 'UNREACHABLE');
  await daemon.start();
  await Promise.all(Array.from({ length: 50 }, () => client.list()));
  using other = await connect(daemon.url, { token: daemon.token });
  assert.deepEqual(await other.list(), []);
});

test('a peer that vanished without a word is noticed, and the iterator goes on with the next one', async () => {
  await using daemon = await tcpDaemon();
  const target = { host: '127.0.0.1', port: Number(new URL(daemon.url).port) };
  const targets: Socket[] = [];
  using road = await byteServer((socket) => {
    const to = connectSocket(target).on('error', () => socket.destroy());
    targets.push(to);
    socket.pipe(to).pipe(socket);
  });
  const unreachable = (cause: unknown) => new RuntimeError('UNREACHABLE', { what: 'away', cause });
  const url = `${road.url}/jsonrpc?token=${daemon.token}`;
  using client = await connectOver({
    ...{ unreachable, beatMs: 20 },
    open: overWebSocket(() => new globalThis.WebSocket(url)),
  });
  const reasons: string[] = [];
  client.on('lost', ({ message }) => reasons.push(message));
  const items: EventItem[] = [];
  const ended = (async () => {
    for await (const item of client.events({ since: 0 })) items.push(item);
  })();
  await client.run({ appId: 'clock', ...one, app });
  await until(() => items.length === daemon.world.events.length, { what: 'the first events' });
  road.sockets[0]?.unpipe();
  targets[0]?.unpipe();
  await daemon.service().kill(one, { signal: new AbortController().signal });
  await until(() => items.length === daemon.world.events.length, { what: 'the events after it' });
  assert.match(reasons.join(), /no sign of life/);
  client.close();
  await ended;
  for (const socket of targets) socket.destroy();
});

test('an error with a number only is remade with the code that the number means', async () => {
  let error: object = {};
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  server.on('connection', (socket) => {
    socket.on('message', (data: Buffer) => {
      const { id } = JSON.parse(data.toString()) as { id: number };
      socket.send(JSON.stringify({ jsonrpc: '2.0', id, error }));
    });
  });
  const client = await connect(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const meanings: readonly (readonly [wireCode: number | undefined, code: ErrorCode])[] = [
    [5, 'ILLEGAL_STATE'],
    [-31_005, 'ILLEGAL_STATE'],
    [22, 'NOT_FOUND'],
    [-31_029, 'ALREADY_EXISTS'],
    [-32_602, 'INVALID_ARGUMENT'],
    [-32_601, 'UNKNOWN_METHOD'],
    [-32_603, 'UNREACHABLE'],
    [-32_604, 'PERMISSION_DENIED'],
    [1, 'INTERNAL'],
    [-31_001, 'INTERNAL'],
    [12_345, 'INTERNAL'],
    [undefined, 'INTERNAL'],
  ];
  for (const [code, name] of meanings) {
    error = { code, message: 'ERROR_WORDS' };
    const { details } = await refusal(client.list(), name, /ERROR_WORDS/);
    assert.equal(details?.['wireCode'], code);
  }
  client.close();
  server.close();
});
