/** Whatever comes in at the socket, the daemon goes on. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { test } from 'node:test';
import { connect as connectClient } from '../../src/client/node.ts';
import { runApp, SLEEP, stateOf } from '../lib/apps.ts';
import { startDaemon } from '../lib/daemon.ts';
import { commandLine } from '../lib/machine.ts';
import { until } from '../lib/until.ts';

const post = (body: string, length = Buffer.byteLength(body)): string =>
  `POST /jsonrpc HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n${body}`;
const upgrade =
  'GET /jsonrpc HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';

const GARBAGE: Readonly<Record<string, readonly (string | Buffer)[]>> = {
  'random bytes': [randomBytes(4096), randomBytes(100_000)],
  nothing: [],
  'half a request line': ['POST /json'],
  'half a header': ['POST /jsonrpc HTTP/1.1\r\nHost: '],
  'half a body': [post('{"jsonrpc"', 1000)],
  'a header of a megabyte': [`GET / HTTP/1.1\r\nX: ${'x'.repeat(2 ** 20)}\r\n\r\n`],
  'ten thousand headers': [
    `GET / HTTP/1.1\r\n${Array.from({ length: 10_000 }, (_, index) => `X-${index}: 1\r\n`).join('')}\r\n`,
  ],
  'a body that is no JSON': [post('][')],
  'JSON that is no call': [post('[1, null, {}, {"jsonrpc": "2.0"}]'), post('null'), post('7'), post('""')],
  'very deep JSON': [post(`${'['.repeat(500_000)}${']'.repeat(500_000)}`)],
  'members that are none': [
    post('{"jsonrpc":"2.0","id":1,"method":"__proto__","params":{"__proto__":{"x":1}}}'),
    post('{"jsonrpc":"2.0","id":{"a":[]},"method":"constructor"}'),
  ],
  'a body that is longer than allowed': [post(' ', 2 ** 30), 'x'.repeat(6 * 2 ** 20)],
  'a web socket of random frames': [upgrade, randomBytes(10_000)],
  'a web socket frame of 2^62 bytes': [
    upgrade,
    Buffer.from([0x81, 0xff, 0x3f, 255, 255, 255, 255, 255, 255, 255, 1, 2, 3, 4]),
  ],
  TLS: [Buffer.from('16030100f1010000ed0303', 'hex')],
};

/** Sends it all, and leaves: orderly or in the middle. Waits for nothing but that the daemon has taken or refused it. */
function send(socketPath: string, parts: readonly (string | Buffer)[], orderly: boolean): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    socket.on('error', () => undefined);
    socket.on('close', () => resolve());
    socket.resume();
    socket.on('connect', () => {
      for (const part of parts) socket.write(part);
      if (orderly) socket.end();
      else socket.write('', () => socket.destroy());
    });
    const giveUp = setTimeout(() => socket.destroy(), 500);
    socket.on('close', () => clearTimeout(giveUp));
  });
}

test('garbage of every kind on the socket does not disturb the daemon, its apps or its other clients', async (t) => {
  await using daemon = await startDaemon();
  const { client, pid } = daemon;
  const id = await runApp(client, 'calm', SLEEP);
  for (const [name, parts] of Object.entries(GARBAGE)) {
    await t.test(name, async () => {
      await Promise.all(
        [true, false].flatMap((orderly) => Array.from({ length: 3 }, () => send(daemon.places.socket, parts, orderly))),
      );
      assert.equal(await stateOf(client, id), 'RUNNING');
    });
  }
  assert.equal((await client.version()).pid, pid);
  assert(commandLine(pid).length > 0);
  const rssKb = async (): Promise<number> =>
    Number(/^VmRSS:\s+(\d+)/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]);
  await until(async () => (await rssKb()) < 400_000, { what: 'the daemon keeps nothing of it in memory' });
});

test('hundreds of connections that say nothing leave room for those that do', async () => {
  await using daemon = await startDaemon();
  const silent = Array.from({ length: 500 }, () => connect(daemon.places.socket).on('error', () => undefined));
  try {
    await Promise.all(silent.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
    using another = await connectClient({ socket: daemon.places.socket });
    assert.equal((await another.version()).pid, daemon.pid);
  } finally {
    for (const socket of silent) socket.destroy();
  }
});
