import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { connect } from '../../src/client/node.ts';
import type { ClientEvents } from '../../src/client/node.ts';
import { appId, appInstanceId } from '../../src/domain/ids.ts';
import { dropEvents, fakeService } from '../lib/fake-service.ts';
import { fakeDaemon } from '../lib/fake-daemon.ts';
import type { FakeDaemon } from '../lib/fake-daemon.ts';
import { tcpDaemon } from '../lib/tcp-daemon.ts';
import { until } from '../lib/until.ts';

const app = { rootfs: { host: true } } as const;
const STARTED = { appId: appId('clock'), appInstanceId: appInstanceId('one'), type: 'started', pid: 1 } as const;

const publish = (daemon: FakeDaemon, count: number): void => {
  for (let left = count; left > 0; left -= 1) daemon.service().publish(STARTED);
};

test('a listener hears all that is asked for after it came, each once, in order and by type', async () => {
  await using daemon = await fakeDaemon();
  publish(daemon, 3);
  using client = await connect({ root: daemon.root });
  const all: number[] = [];
  const ended: ClientEvents['terminated'][] = [];
  client.on('event', ({ seq }) => all.push(seq));
  client.on('terminated', (event) => ended.push(event));
  await client.run({ appId: 'clock', appInstanceId: 'one', app });
  await client.kill({ appInstanceId: 'one' });
  await until(() => ended.length > 0, { what: 'the end is heard' });
  await until(() => all.length === daemon.world.events.length - 3, { what: 'all is heard' });
  assert.deepEqual(
    all,
    daemon.world.events.slice(3).map(({ seq }) => seq),
  );
  assert.deepEqual([ended.length, ended[0]?.appInstanceId, ended[0]?.exit.cause], [1, 'one', 'killed']);
});

test('over a restart of the daemon nothing is lost, and the loss and the return are told', async () => {
  await using daemon = await tcpDaemon();
  using client = await connect(daemon.url, { token: daemon.token });
  const heard: (number | string)[] = [];
  client.on('started', ({ seq }) => heard.push(seq));
  client.on('lost', ({ code }) => heard.push(`lost: ${code}`));
  client.on('back', () => heard.push('back'));
  await client.list();
  publish(daemon, 2);
  await until(() => heard.length === 2, { what: 'two events' });
  await daemon.stop();
  fakeService(daemon.world).publish(STARTED);
  await daemon.start();
  await until(() => heard.length === 5, { what: 'the return and the third event' });
  assert.deepEqual(heard, [1, 2, 'lost: UNREACHABLE', 'back', 3]);
});

test('a gap is told; who has stopped hears nothing; a new listener begins with what happens then', async () => {
  await using daemon = await fakeDaemon();
  using client = await connect({ root: daemon.root });
  const gaps: ClientEvents['gap'][] = [];
  const first: number[] = [];
  const stops = [client.on('gap', (gap) => gaps.push(gap)), client.on('event', ({ seq }) => first.push(seq))];
  await client.list();
  publish(daemon, 1);
  await until(() => first.length === 1, { what: 'the first event' });
  await daemon.stop();
  for (let left = 5; left > 0; left -= 1) fakeService(daemon.world).publish(STARTED);
  dropEvents(daemon.world, 4);
  await daemon.start();
  await until(() => first.length === 3, { what: 'the events after the gap' });
  assert.deepEqual([gaps, first], [[{ type: 'gap', from: 2, to: 4 }], [1, 5, 6]]);
  for (const stop of stops) stop();
  publish(daemon, 1);
  const second: number[] = [];
  client.on('event', ({ seq }) => second.push(seq));
  await client.list();
  publish(daemon, 1);
  await until(() => second.length > 0, { what: 'the new listener hears' });
  assert.deepEqual([first, second], [[1, 5, 6], [8]]);
});

test('what a listener throws reaches the program, and the other listeners hear on', async () => {
  await using daemon = await fakeDaemon();
  using client = await connect({ root: daemon.root });
  const heard: number[] = [];
  const thrown = Promise.withResolvers<unknown>();
  const others = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException').once('uncaughtException', thrown.resolve);
  try {
    client.on('started', () => {
      throw new Error('a fault of the listener');
    });
    client.on('started', ({ seq }) => heard.push(seq));
    await client.list();
    publish(daemon, 1);
    assert.match(String(await thrown.promise), /a fault of the listener/);
  } finally {
    for (const other of others) process.on('uncaughtException', other);
  }
  assert.deepEqual(heard, [1]);
});

test('when no more events can come, that is told as an error', async () => {
  await using daemon = await fakeDaemon();
  publish(daemon, 3);
  using client = await connect({ root: daemon.root });
  const errors: ClientEvents['error'][] = [];
  client.on('error', (error) => errors.push(error));
  client.on('event', () => undefined);
  await client.list();
  await daemon.stop();
  daemon.world.events.length = 0;
  await daemon.start();
  await until(() => errors.length > 0, { what: 'the error' });
  assert.match(errors[0]?.message ?? '', /event 3 does not exist/);
});

test('a subscriber that stops reading is dropped with a word; others and the next connection miss nothing', async () => {
  await using daemon = await tcpDaemon({}, { maxBufferedBytes: 64 * 1024 });
  const stuck = new WebSocket(`${daemon.url}/jsonrpc`, { headers: { authorization: `Bearer ${daemon.token}` } });
  await new Promise((resolve) => stuck.once('open', resolve));
  stuck.send('{"jsonrpc":"2.0","id":1,"method":"register","params":{"event":"onEvent","id":"x"}}');
  await new Promise((resolve) => stuck.once('message', resolve));
  stuck.pause();
  using client = await connect(daemon.url, { token: daemon.token });
  const seen: number[] = [];
  client.on('event', ({ seq }) => seen.push(seq));
  await client.list();
  // far more than the buffers of both kernels hold, in parts that a client which reads can take
  for (let part = 1; !/dropped/.test(daemon.complaints.join()); part += 1) {
    publish(daemon, 100);
    await until(() => seen.length === part * 100, { what: 'the reader has all' });
  }
  const closed = new Promise((resolve) => stuck.once('close', (code, reason) => resolve([code, String(reason)])));
  stuck.resume();
  assert.deepEqual(await closed, [1013, 'too slow']);
  assert.equal(daemon.complaints.length, 1);
  assert.deepEqual(
    seen,
    seen.map((_, at) => at + 1),
  );
});

test('a client of ours that was dropped is told the word, comes back by itself and misses nothing', async () => {
  await using daemon = await tcpDaemon({}, { maxBufferedBytes: 64 * 1024 });
  using client = await connect(daemon.url, { token: daemon.token });
  const seen: number[] = [];
  const lost: string[] = [];
  client.on('event', ({ seq }) => seen.push(seq));
  client.on('lost', ({ message }) => lost.push(message));
  await client.list();
  // all at once: this process cannot read meanwhile
  publish(daemon, 40_000);
  await until(() => seen.length === 40_000, { what: 'all events' });
  assert.match(lost[0] ?? '', /1013 \(too slow\)/);
  assert.deepEqual(
    seen,
    seen.map((_, at) => at + 1),
  );
});
