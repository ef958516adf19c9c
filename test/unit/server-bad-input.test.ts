/** What breaks the rules gets an error or is closed; everybody else goes on, and nothing of it stays in memory. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { WebSocket } from 'ws';
import * as z from 'zod';
import { METHODS } from '../../src/domain/api.ts';
import type { TcpOptions } from '../../src/server/tcp.ts';
import { fakeDaemon } from '../lib/fake-daemon.ts';
import { CPP_UPGRADE, rawPeer, unmaskedFrame } from '../lib/raw.ts';
import type { RawPeer } from '../lib/raw.ts';

const tcp: TcpOptions = {
  host: '127.0.0.1',
  port: 0,
  allowedHosts: [],
  allowedOrigins: [],
  maxConnections: 3000,
  callsPerSecond: 100_000,
};

type Reply = {
  readonly id?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly data?: { code: string } };
};

/** A daemon with a client that must never notice anything. */
async function besieged() {
  const daemon = await fakeDaemon({ tcp });
  const port = Number(new URL(daemon.server().url ?? '').port);
  const witness = new WebSocket(`ws://127.0.0.1:${port}/jsonrpc`);
  await once(witness, 'open');
  const ask = async (text: string): Promise<Reply> => {
    witness.send(text);
    const [data] = (await once(witness, 'message', { signal: AbortSignal.timeout(5000) })) as [Buffer];
    return JSON.parse(data.toString()) as Reply;
  };
  return {
    port,
    daemon,
    ask,
    /** Throws when the witness was touched, or a fault of ours was logged. */
    check: async () => {
      assert.ok(Array.isArray((await ask('{"id":1,"method":"list"}')).result));
      assert.deepEqual(
        daemon.complaints.filter((line) => line.includes('fault of ours')),
        [],
      );
    },
    peer: (): Promise<RawPeer> => rawPeer({ port, host: '127.0.0.1' }),
    [Symbol.asyncDispose]: async () => {
      witness.terminate();
      await daemon[Symbol.asyncDispose]();
    },
  };
}

async function upgraded(peer: RawPeer): Promise<RawPeer> {
  peer.socket.write(CPP_UPGRADE());
  await peer.until('\r\n\r\n');
  return peer;
}

/** Close frame with this code, then the end. */
async function closedWith({ socket, received }: RawPeer, code: number): Promise<void> {
  const frame = Buffer.from([0x88, 2, code >> 8, code & 0xff]);
  while (!received().includes(frame)) await once(socket, 'data', { signal: AbortSignal.timeout(5000) });
}

test('a frame cut off at any byte ends its own connection only', async () => {
  await using at = await besieged();
  const frame = unmaskedFrame('{"id":1,"method":"list"}');
  for (let length = 1; length < frame.length; length += 1) {
    using peer = await upgraded(await at.peer());
    peer.socket.end(frame.subarray(0, length));
    await once(peer.socket, 'close');
  }
  await at.check();
});

test('a claimed length of 1 GB is refused: at once on WebSocket, at 4 MiB on HTTP', async () => {
  await using at = await besieged();
  using peer = await upgraded(await at.peer());
  peer.socket.write(Buffer.from([0x81, 127, 0, 0, 0, 0, 0x40, 0, 0, 0]));
  await closedWith(peer, 1009);
  using post = await at.peer();
  post.socket.write('POST /jsonrpc HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1073741824\r\n\r\n');
  post.socket.write('x'.repeat(4 * 2 ** 20 + 1));
  assert.match(await post.until('\r\n\r\n'), /^HTTP\/1\.1 413 /);
  await at.check();
});

test('what is not UTF-8 is refused on every road', async () => {
  await using at = await besieged();
  const bytes = Buffer.from('{"id":1,"method":"\xff\xfe"}', 'latin1');
  using text = await upgraded(await at.peer());
  text.socket.write(Buffer.concat([Buffer.from([0x81, bytes.length]), bytes]));
  await closedWith(text, 1007);
  using binary = await upgraded(await at.peer());
  binary.socket.write(Buffer.concat([Buffer.from([0x82, bytes.length]), bytes]));
  await binary.until('"code":-32700');
  using post = await at.peer();
  post.socket.write(`POST /jsonrpc HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${bytes.length}\r\n\r\n`);
  post.socket.write(bytes);
  await post.until('"code":-32700');
  await at.check();
});

test('JSON of 100 000 levels, and keys that mean something to JavaScript', async () => {
  await using at = await besieged();
  for (const deep of ['['.repeat(100_000), `{"id":1,"method":"list","params":${'{"a":'.repeat(100_000)}`]) {
    assert.equal((await at.ask(deep)).error?.code, -32_600);
  }
  for (const key of ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty']) {
    const { error } = await at.ask(`{"id":1,"method":"list","params":{"${key}":{"all":true}}}`);
    assert.equal(error?.code, -32_602, key);
    assert.equal((await at.ask(`{"id":1,"method":"${key}"}`)).error?.code, -32_601, key);
    await at.ask(`{"id":1,"method":"Controller.${key}@${key}","${key}":{"method":"list"}}`);
    await at.ask(`{"id":1,"method":"exists","params":{"method":"${key}"}}`);
  }
  assert.equal(({} as { all?: unknown }).all, undefined);
  await at.check();
});

/** Enough of every method for one member at a time to be wrong. The service behind is a fake: what is right does no harm. */
const GOOD = { appId: 'a', appInstanceId: 'one', since: 0 };

for (const [name, { params }] of Object.entries(METHODS)) {
  test(`${name}: any value in any parameter is answered, never with a fault of ours`, async () => {
    await using at = await besieged();
    const { properties = {} } = z.toJSONSchema(params, { io: 'input', unrepresentable: 'any' });
    const members = [...Object.keys(properties), 'unknown'];
    const good = Object.fromEntries(Object.entries(GOOD).filter(([member]) => member in properties));
    const wrong = fc
      .tuple(fc.constantFrom(...members), fc.jsonValue({ maxDepth: 3 }))
      .map(([member, value]) => ({ ...good, [member]: value }));
    const asked = fc.oneof(wrong, fc.jsonValue({ maxDepth: 2 }));
    const property = fc.asyncProperty(asked, async (value) => {
      const { id, error } = await at.ask(JSON.stringify({ id: 7, method: name, params: value }));
      assert.equal(id, 7);
      assert.notEqual(error?.data?.code, 'INTERNAL');
      if (error !== undefined) assert.ok([-32_602, 1, 5, 29, 44].includes(error.code), String(error.code));
    });
    await fc.assert(property, { numRuns: 150 });
    await at.check();
  });
}

test('2000 connections opened and dropped, in every state, leave nothing behind', async () => {
  await using at = await besieged();
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const openAndDrop = async (index: number): Promise<void> => {
    using peer = await at.peer();
    const { socket } = peer;
    if (index % 4 === 1) socket.write('POST /jsonrpc HTTP/1.1\r\nHo');
    if (index % 4 === 2) socket.write(CPP_UPGRADE());
    if (index % 4 !== 3) return;
    await upgraded(peer);
    socket.write(unmaskedFrame('{"id":1,"method":"register","params":{"event":"onEvent","id":"x"}}'));
    socket.write(Buffer.from([0x81, 126, 0xff]));
  };
  const wave = async (count: number): Promise<number> => {
    for (let first = 0; first < count; first += 100) {
      await Promise.all(Array.from({ length: 100 }, (_, index) => openAndDrop(index)));
      await at.check();
    }
    // the other ends see the drop in a later turn
    for (let turn = 0; turn < 10; turn += 1) await at.check();
    collect();
    return process.memoryUsage().heapUsed;
  };
  const before = await wave(1000);
  const after = await wave(2000);
  assert.ok(after - before < 3 * 2 ** 20, `${after - before} bytes more after 2000 connections`);
});

test(
  'half-open and slow connections hold up nobody, and are closed after their time',
  { timeout: 60_000 },
  async () => {
    await using at = await besieged();
    const begins = ['', 'G', 'POST /jsonrpc HTTP/1.1\r\nHost: localhost\r\nX-A: 1\r\n'];
    const slow = await Promise.all(
      Array.from({ length: 60 }, async (_, index) => {
        const peer = await at.peer();
        peer.socket.write(begins[index % begins.length] ?? '');
        return peer;
      }),
    );
    const drip = setInterval(
      () => slow.forEach(({ socket }, index) => index % 3 === 2 && socket.write('X-B: 2\r\n')),
      500,
    );
    await at.check();
    await Promise.all(slow.filter(({ socket }) => !socket.closed).map(({ socket }) => once(socket, 'close')));
    clearInterval(drip);
    await at.check();
  },
);
