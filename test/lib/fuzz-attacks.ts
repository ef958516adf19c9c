/** What a hostile or broken peer may do. Each attack ends by itself; what it must not do is disturb anybody else. */
import assert from 'node:assert/strict';
import type { NetConnectOpts } from 'node:net';
import fc from 'fast-check';
import { CPP_UPGRADE, rawPeer, unmaskedFrame, type RawPeer } from './raw.ts';
import { wrongCalls, wrongEnvelopes } from './wrong-calls.ts';

export type Siege = {
  readonly random: (below: number) => number;
  /** Where the daemon is reached; another road at each time of asking. */
  readonly road: () => NetConnectOpts;
  /** Peers that hang about until the daemon closes them; no new ones after this time (of performance.now). */
  readonly slow: Set<RawPeer>;
  readonly slowUntil: number;
};

type Attack = (siege: Siege) => Promise<void>;

const LIMIT_MS = 20_000;
const MAX_SLOW = 100;
const GIB_FRAME = Buffer.from([0x81, 127, 0, 0, 0, 0, 0x40, 0, 0, 0]);

const post = (body: string, length = Buffer.byteLength(body)): string =>
  `POST /jsonrpc HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${length}\r\n\r\n${body}`;

const sample = <Value>(what: fc.Arbitrary<Value>, count: number, { random }: Siege): readonly Value[] =>
  fc.sample(what, { numRuns: count, seed: random(2 ** 31) });

const bytes = (count: number, { random }: Siege): Buffer =>
  Buffer.from(Array.from({ length: count }, () => random(256)));

/** Too many connections: the daemon closes what comes, also while it is opened. */
async function open({ road }: Siege): Promise<RawPeer | undefined> {
  return rawPeer(road()).catch(() => undefined);
}

async function upgraded(siege: Siege): Promise<RawPeer | undefined> {
  const peer = await open(siege);
  if (peer === undefined) return undefined;
  peer.socket.write(CPP_UPGRADE());
  await heard(peer, (text) => text.includes('\r\n\r\n'));
  if (peer.received().includes('HTTP/1.1 101')) return peer;
  peer[Symbol.dispose]();
  return undefined;
}

/** Waits until the daemon has answered or closed; a peer that it just keeps is left to itself. */
function heard({ socket, received }: RawPeer, isAnswered: (text: string) => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`neither answered nor closed after ${LIMIT_MS} ms`)), LIMIT_MS);
    const look = () => {
      if (!socket.closed && !isAnswered(received().toString())) return;
      clearTimeout(timer);
      socket.off('data', look).off('close', look);
      resolve();
    };
    socket.on('data', look).on('close', look);
    look();
  });
}

/** Every call of the many that is wrong in some way is answered, with its id, and never by a fault of ours. */
async function wrongParameters(siege: Siege): Promise<void> {
  const peer = await upgraded(siege);
  if (peer === undefined) return;
  using _ = peer;
  const calls = sample(wrongCalls, 40, siege);
  for (const [index, call] of calls.entries()) {
    const id = `w${index}w`;
    peer.socket.write(longFrame(JSON.stringify({ id, ...call })));
  }
  await heard(peer, (text) => calls.every((_call, index) => text.includes(`"id":"w${index}w"`)));
  const text = peer.received().toString();
  calls.forEach((call, index) => assert(text.includes(`"id":"w${index}w"`), `not answered: ${JSON.stringify(call)}`));
  assert(
    !text.includes('"code":"INTERNAL"'),
    text.slice(Math.max(0, text.indexOf('"code":"INTERNAL"') - 500)).slice(0, 1000),
  );
}

const longFrame = (text: string): Buffer => {
  const body = Buffer.from(text);
  if (body.length < 65_536) return unmaskedFrame(text);
  const head = Buffer.from([0x81, 127, 0, 0, 0, 0, 0, 0, 0, 0]);
  head.writeUInt32BE(body.length, 6);
  return Buffer.concat([head, body]);
};

/** Whatever the envelope, the question after it is answered. */
async function answersAfter(siege: Siege, messages: readonly string[]): Promise<void> {
  const peer = await upgraded(siege);
  if (peer === undefined) return;
  using _ = peer;
  for (const message of messages) peer.socket.write(longFrame(message));
  peer.socket.write(unmaskedFrame('{"id":"after","method":"version"}'));
  await heard(peer, (text) => text.includes('"id":"after"'));
  assert(!peer.received().includes('"code":"INTERNAL"'), 'a fault of ours');
}

const envelopes: Attack = (siege) =>
  answersAfter(siege, [
    ...sample(wrongEnvelopes, 30, siege).map((one) => JSON.stringify(one)),
    JSON.stringify(sample(wrongEnvelopes, 20, siege)),
    JSON.stringify(Array.from({ length: 101 }, () => ({}))),
    '{"id":1,"method":"list","params":{"__proto__":{"all":true}},"__proto__":{"method":"kill"}}',
  ]);

const texts: Attack = (siege) =>
  answersAfter(siege, [...sample(fc.string({ unit: 'binary' }), 30, siege), '', '"', '{"id":1,', '\u0000']);

const deep: Attack = (siege) => {
  const levels = 1 + siege.random(100_000);
  const opening = ['[', '{"a":', '[{"__proto__":'][siege.random(3)] ?? '[';
  return answersAfter(siege, [opening.repeat(levels), `{"id":1,"method":"list","params":${opening.repeat(levels)}`]);
};

/** Broken on the level of frames: the connection is closed, nothing else. */
async function frames(siege: Siege): Promise<void> {
  const peer = await upgraded(siege);
  if (peer === undefined) return;
  using _ = peer;
  const good = unmaskedFrame('{"id":1,"method":"list"}');
  const kinds = [
    () => good.subarray(0, 1 + siege.random(good.length - 1)),
    () => GIB_FRAME,
    () => Buffer.from([0x81, 0xff, 0x3f, 255, 255, 255, 255, 255, 255, 255, 1, 2, 3, 4]),
    () => Buffer.concat([Buffer.from([0x81, 60]), bytes(60, siege)]),
    () => Buffer.concat([Buffer.from([siege.random(256), siege.random(256)]), bytes(siege.random(3000), siege)]),
    () => Buffer.from([0x89, 126, 1, 0]),
    () =>
      Buffer.concat(Array.from({ length: 500 }, (_one, index) => Buffer.from([index === 0 ? 0x01 : 0x00, 1, 0x20]))),
  ];
  peer.socket.write(kinds[siege.random(kinds.length)]?.() ?? good);
  peer.socket.end();
  await heard(peer, () => false);
}

async function http(siege: Siege): Promise<void> {
  const peer = await open(siege);
  if (peer === undefined) return;
  using _ = peer;
  const kinds = [
    () => bytes(1 + siege.random(5000), siege),
    () => `GET / HTTP/1.1\r\nX: ${'x'.repeat(siege.random(200_000))}\r\n\r\n`,
    () => `POST /jsonrpc HTTP/1.1\r\n${'X: 1\r\n'.repeat(siege.random(5000))}\r\n`,
    () => post(' ', 2 ** 30) + 'x'.repeat(5 * 2 ** 20),
    () => 'POST /jsonrpc HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n',
    () => post(JSON.stringify(sample(wrongEnvelopes, 1, siege)[0] ?? null)).repeat(20),
    () => Buffer.concat([Buffer.from(post('', 50)), bytes(50, siege)]),
    () => CPP_UPGRADE(`/${'x'.repeat(siege.random(9000))}`),
  ];
  peer.socket.write(kinds[siege.random(kinds.length)]?.() ?? '');
  peer.socket.end();
  await heard(peer, () => false);
}

/** Opened and dropped, in every state that a connection can be in. */
export async function drops(siege: Siege, count = 100): Promise<void> {
  const begins = ['', 'POST /json', post('{"id":1', 100), CPP_UPGRADE(), post('{"id":1,"method":"list"}')];
  await Promise.all(
    Array.from({ length: count }, async (_one, index) => {
      const peer = await open(siege);
      peer?.socket.write(begins[index % begins.length] ?? '', () => peer[Symbol.dispose]());
    }),
  );
}

/** Slow ones and silent ones: they are closed by the daemon, in its own time. */
async function slowloris(siege: Siege): Promise<void> {
  if (siege.slow.size >= MAX_SLOW || performance.now() > siege.slowUntil) return;
  const begins = ['', 'P', 'POST /jsonrpc HTTP/1.1\r\nHost: localhost\r\nX-A: 1\r\n'];
  const peer = await open(siege);
  if (peer === undefined) return;
  peer.socket.write(begins[siege.random(begins.length)] ?? '');
  siege.slow.add(peer);
  peer.socket.on('close', () => siege.slow.delete(peer));
}

/** Asks and asks and never reads. */
async function deaf(siege: Siege): Promise<void> {
  const peer = await upgraded(siege);
  if (peer === undefined) return;
  using _ = peer;
  peer.socket.pause();
  const question = unmaskedFrame('{"id":1,"method":"getEvents","params":{"since":0}}');
  for (let round = 0; round < 20 && !peer.socket.closed; round += 1) {
    peer.socket.write(Buffer.concat(Array.from({ length: 100 }, () => question)));
  }
  // still served: a call of somebody else who reads comes back
  await answersAfter(siege, []);
}

export const ATTACKS: Readonly<Record<string, Attack>> = {
  wrongParameters,
  envelopes,
  texts,
  deep,
  frames,
  http,
  drops: (siege) => drops(siege),
  slowloris,
  deaf,
};
