/** Frames as the command line reads them, and its WebSocket with the real server of ws at the other end. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { WebSocketServer, type WebSocket } from 'ws';
import { connectPlain } from '../../src/client/connect-plain.ts';
import { FrameReader } from '../../src/client/frame-reader.ts';
import { overUnixSocket } from '../../src/client/plain-socket.ts';
import { execMessages, readExecMessage } from '../../src/domain/exec-message.ts';
import { fakeDaemon } from '../lib/fake-daemon.ts';
import { refusal } from '../lib/refusal.ts';
import { until } from '../lib/until.ts';

/** What a reader makes of bytes that come in pieces of this size. */
function read(bytes: Buffer, size: number): readonly string[] {
  const heard: string[] = [];
  const reader = new FrameReader({
    onText: (text) => heard.push(`text ${text}`),
    onBytes: (data) => heard.push(`bytes ${Buffer.from(data).toString('latin1')}`),
    onPing: (data) => heard.push(`ping ${Buffer.from(data).toString()}`),
    onClose: (code, reason) => heard.push(`close ${code} ${reason}`),
  });
  for (let at = 0; at < bytes.length;) {
    const space = reader.space();
    const taken = bytes.copy(space, 0, at, Math.min(at + size, at + space.length));
    reader.took(taken);
    at += taken;
  }
  return heard;
}

const frame = (first: number, payload: string | Buffer): Buffer => {
  const data = Buffer.from(payload as string, 'latin1');
  const head = data.length < 126 ? [first, data.length] : [first, 126, data.length >> 8, data.length & 255];
  return Buffer.concat([Buffer.from(head), data]);
};

test('frames are read however they are cut, also in several parts and with a ping between them', () => {
  const long = 'y'.repeat(60_000);
  const all = [
    ...[frame(0x81, 'one'), frame(0x01, 'tw'), frame(0x89, 'p'), frame(0x80, 'o'), frame(0x82, '\x00\xff')],
    ...Array.from({ length: 10 }, () => frame(0x82, long)),
    ...[frame(0x82, ''), frame(0x88, '\x03\xe9bye')],
  ];
  const expected = ['text one', 'ping p', 'text two', 'bytes \x00\xff'];
  const tail = [...Array.from({ length: 10 }, () => `bytes ${long}`), 'bytes ', 'close 1001 bye'];
  for (const size of [1, 7, 65_536, 1_000_000]) {
    assert.deepEqual(read(Buffer.concat(all), size), [...expected, ...tail]);
  }
});

test('what is against the protocol is refused', () => {
  const huge = Buffer.from([0x82, 127, 0, 0, 0, 1, 0, 0, 0, 0]);
  const wrong = [frame(0xc1, 'a'), Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0]), frame(0x80, 'a'), frame(0x83, 'a'), huge];
  for (const bytes of [...wrong, Buffer.concat([frame(0x01, 'a'), frame(0x81, 'b')])]) {
    assert.throws(() => read(bytes, 100), /broke the WebSocket protocol/);
  }
});

test('an output becomes messages that name their stream, and nothing else is taken for one', () => {
  const data = Buffer.alloc(300_000, 'z');
  const parts: Buffer[] = [];
  for (const message of execMessages('a.1', 'stderr')(data)) {
    assert.equal(Buffer.from(message.subarray(0, 5)).toString('latin1'), '\x02\x03a.1');
    const found = readExecMessage(message);
    assert.deepEqual([found?.stream, found?.name], ['a.1', 'stderr']);
    parts.push(Buffer.from(found?.data ?? []));
  }
  assert.equal(parts.length, 3);
  assert(Buffer.concat(parts).equals(data));
  for (const wrong of [[], [1], [3, 1, 97], [1, 2, 97], [1, 0]]) {
    assert.equal(readExecMessage(Buffer.from(wrong)), undefined);
  }
});

async function atServer(serve: (socket: WebSocket) => void) {
  const directory = await mkdtemp(join(tmpdir(), 'rmt-'));
  const server = createServer();
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', serve);
  server.listen(`${directory}/s`);
  await once(server, 'listening');
  return {
    path: `${directory}/s`,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets.clients) socket.terminate();
      server.close();
      await rm(directory, { recursive: true });
    },
  };
}

test('ws understands us: text of every length is masked as it wants it, pings are answered, the end is told', async () => {
  await using server = await atServer((socket) => {
    socket.on('message', (data) => socket.send(data as Buffer, { binary: false }));
    socket.on('pong', (data) => socket.send(`pong ${data.toString()}`, () => socket.close(1001, 'bye')));
    socket.on('message', (data) => (data as Buffer).toString() === 'last' && socket.ping('x'));
  });
  const texts = ['', 'a'.repeat(125), 'ä'.repeat(100), 'b'.repeat(65_535), 'c'.repeat(150_000), 'last'];
  const heard: string[] = [];
  let closed: unknown;
  const socket = overUnixSocket(server.path)({
    onOpen: () => texts.forEach((text) => socket.send(text)),
    onText: (text) => heard.push(text),
    onBytes: () => assert.fail('none was sent'),
    onClosed: (cause) => (closed = cause),
  });
  await until(() => closed !== undefined, { what: 'it was closed' });
  assert.deepEqual(heard, [...texts, 'pong x']);
  assert.equal(closed, 'the connection was closed with code 1001 (bye)');
});

test('who is paused gets nothing more from the kernel', async () => {
  let sent: WebSocket | undefined;
  await using server = await atServer((socket) => {
    sent = socket;
    for (let at = 0; at < 100; at++) socket.send(Buffer.alloc(100_000, at));
  });
  let bytes = 0;
  const numbers: number[] = [];
  const socket = overUnixSocket(server.path)({
    ...{ onOpen: () => undefined, onText: () => undefined, onClosed: () => undefined },
    onBytes: (data) => {
      bytes += data.length;
      numbers.push(data[0] ?? -1);
      if (numbers.length === 1) socket.pause();
    },
  });
  await until(() => numbers.length > 0, { what: 'the first has come' });
  let before = -1;
  await until(() => before === (before = sent?.bufferedAmount ?? 0), { what: 'nothing moves', pollMs: 200 });
  assert(bytes < 1_000_000, `${bytes} bytes came`);
  socket.resume();
  await until(() => bytes === 10_000_000, { what: 'all has come' });
  assert.deepEqual(
    numbers,
    Array.from({ length: 100 }, (_, at) => at),
  );
  socket.close();
});

test('it connects to a daemon as every client does, and says the same where there is none', async () => {
  await using daemon = await fakeDaemon();
  using client = await connectPlain({ root: daemon.root });
  assert.equal((await client.version()).version, '9.9.9');
  await client.run({ appId: 'clock', appInstanceId: 'one', app: { rootfs: { host: true } } });
  let heard = '';
  const onOutput = (_: string, data: Uint8Array) => (heard += Buffer.from(data).toString());
  const running = await client.openExec({ appInstanceId: 'one', args: ['a', 'b'] }, { onOutput });
  assert.equal((await running.result).exitCode, 7);
  assert.equal(heard, 'a b');
  await refusal(connectPlain({ root: '/nowhere' }), 'UNREACHABLE');
  const server = createServer((_, response) => response.writeHead(403).end('no'));
  server.listen(`${daemon.root}/other`);
  await once(server, 'listening');
  await refusal(connectPlain({ socket: `${daemon.root}/other` }), 'UNREACHABLE');
  server.close();
});
