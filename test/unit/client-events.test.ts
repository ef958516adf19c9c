import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect } from '../../src/client/node.ts';
import type { AppEvent, Client, EventGap } from '../../src/client/node.ts';
import { appId, appInstanceId } from '../../src/domain/ids.ts';
import { dropEvents, fakeService } from '../lib/fake-service.ts';
import { fakeDaemon } from '../lib/fake-daemon.ts';
import type { FakeDaemon } from '../lib/fake-daemon.ts';
import { refusal } from '../lib/refusal.ts';
import { until } from '../lib/until.ts';

type Item = AppEvent | EventGap;

function publish(daemon: FakeDaemon, count: number, id = 'one'): void {
  for (let left = count; left > 0; left -= 1) {
    daemon.service().publish({ appId: appId('clock'), appInstanceId: appInstanceId(id), type: 'started', pid: 1 });
  }
}

/** What happens while no daemon runs: recovery writes events before anybody can be told. */
function publishUnheard(daemon: FakeDaemon, count: number): void {
  const service = fakeService(daemon.world);
  for (let left = count; left > 0; left -= 1) {
    service.publish({ appId: appId('clock'), appInstanceId: appInstanceId('one'), type: 'started', pid: 1 });
  }
}

/** Collects in the background until the iteration ends. */
function collect(client: Client, options: Parameters<Client['events']>[0]) {
  const items: Item[] = [];
  const ended = (async () => {
    for await (const item of client.events(options)) items.push(item);
  })();
  const reach = (count: number) => until(() => items.length >= count, { what: `${count} events` });
  return { items, ended, reach };
}

const numbers = (items: readonly Item[]): readonly number[] =>
  items.map((item) => (item.type === 'gap' ? -item.to : item.seq));
const upTo = (last: number, first = 1): readonly number[] =>
  Array.from({ length: last - first + 1 }, (_, at) => first + at);

test('the log comes first, then what happens, each once', async () => {
  await using daemon = await fakeDaemon();
  publish(daemon, 2500);
  using client = await connect({ root: daemon.root });
  const { items, reach } = collect(client, { since: 0 });
  await reach(1);
  publish(daemon, 50);
  await reach(2550);
  assert.deepEqual(numbers(items), upTo(2550));
});

test('without a number only what happens from now on comes', async () => {
  await using daemon = await fakeDaemon();
  publish(daemon, 5);
  using client = await connect({ root: daemon.root });
  const { items, reach } = collect(client, {});
  await until(() => (publish(daemon, 1), items.length > 0), { what: 'the first event' });
  const [first] = numbers(items);
  assert.ok(first !== undefined && first > 5);
  publish(daemon, 3);
  await reach(daemon.world.events.length - first + 1);
  assert.deepEqual(numbers(items), upTo(daemon.world.events.length, first));
});

test('over restarts of the daemon, with events in its absence, none is lost and none comes twice', async () => {
  await using daemon = await fakeDaemon();
  using client = await connect({ root: daemon.root });
  const { items, reach } = collect(client, { since: 0 });
  for (let life = 0; life < 5; life += 1) {
    publish(daemon, 20);
    if (life % 2 === 0) await reach(daemon.world.events.length);
    await daemon.stop();
    publishUnheard(daemon, 7);
    await daemon.start();
  }
  publish(daemon, 3);
  await reach(5 * 27 + 3);
  assert.deepEqual(numbers(items), upTo(5 * 27 + 3));
});

test('events that are no longer kept are told as a gap', async () => {
  await using daemon = await fakeDaemon();
  publish(daemon, 20);
  dropEvents(daemon.world, 12);
  using client = await connect({ root: daemon.root });
  const { items, reach } = collect(client, { since: 3 });
  await reach(9);
  assert.deepEqual(items[0], { type: 'gap', from: 4, to: 12 });
  assert.deepEqual(numbers(items.slice(1)), upTo(20, 13));
});

test('a gap that opens while the client was away is told too', async () => {
  await using daemon = await fakeDaemon();
  publish(daemon, 2);
  using client = await connect({ root: daemon.root });
  const { items, reach } = collect(client, { since: 0 });
  await reach(2);
  await daemon.stop();
  publishUnheard(daemon, 10);
  dropEvents(daemon.world, 8);
  await daemon.start();
  await reach(7);
  assert.deepEqual(items.slice(2, 3), [{ type: 'gap', from: 3, to: 8 }]);
  assert.deepEqual(numbers(items.slice(3)), upTo(12, 9));
});

test('an empty log whose events were all dropped is a gap to its end', async () => {
  await using daemon = await fakeDaemon();
  publish(daemon, 5);
  dropEvents(daemon.world, 5);
  using client = await connect({ root: daemon.root });
  const { items, reach } = collect(client, { since: 0 });
  await reach(1);
  publish(daemon, 1);
  await reach(2);
  assert.deepEqual(numbers(items), [-5, 6]);
});

test('only one instance’s events come when that was asked for, over a restart too', async () => {
  await using daemon = await fakeDaemon();
  using client = await connect({ root: daemon.root });
  const { items, reach } = collect(client, { since: 0, appInstanceId: 'two' });
  publish(daemon, 3, 'one');
  publish(daemon, 2, 'two');
  await daemon.stop();
  await daemon.start();
  publish(daemon, 1, 'one');
  publish(daemon, 1, 'two');
  await reach(3);
  assert.deepEqual(numbers(items), [4, 5, 7]);
});

test('a number that the log has not reached is refused, not waited for', async () => {
  await using daemon = await fakeDaemon();
  publish(daemon, 3);
  using client = await connect({ root: daemon.root });
  const error = await refusal(client.events({ since: 100 }).next(), 'INVALID_ARGUMENT', /ends with 3/);
  assert.equal(error.details?.['lastSeq'], 3);
});

test('the iteration ends with its signal, with break, and with close, and leaves nothing registered', async () => {
  await using daemon = await fakeDaemon();
  publish(daemon, 1);
  const client = await connect({ root: daemon.root });
  const stop = new AbortController();
  const first = collect(client, { since: 0, signal: stop.signal });
  await first.reach(1);
  stop.abort();
  await first.ended;
  for await (const item of client.events({ since: 0 })) {
    assert.equal(numbers([item])[0], 1);
    break;
  }
  const last = collect(client, { since: 0 });
  await last.reach(1);
  client.close();
  await last.ended;
});

test('a reader that takes nothing for a while gets everything all the same', async () => {
  await using daemon = await fakeDaemon();
  publish(daemon, 1);
  using client = await connect({ root: daemon.root });
  const seen: number[] = [];
  for await (const item of client.events({ since: 0 })) {
    seen.push(...numbers([item]));
    // more than the client lets wait, in parts that the server can send
    for (let part = 0; seen.length === 1 && part < 25; part += 1) {
      publish(daemon, 1000);
      await client.list();
    }
    if (seen.length === 25_001) break;
  }
  assert.deepEqual(seen, upTo(25_001));
});

test('a client that was dropped as too slow comes back and misses nothing', async () => {
  await using daemon = await fakeDaemon();
  publish(daemon, 1);
  using client = await connect({ root: daemon.root });
  const { items, reach } = collect(client, { since: 0 });
  await reach(1);
  publish(daemon, 40_000);
  await reach(40_001);
  assert.match(daemon.complaints.join(), /a client is dropped/);
  assert.deepEqual(numbers(items), upTo(40_001));
});
