/** Upstream's events of a connection's own calls come after the answers: LifecycleManager waits for them only from then on. */
import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import type { AppEvent, Origin } from '../../src/domain/events.ts';
import { appId, appInstanceId } from '../../src/domain/ids.ts';
import { eventHub } from '../../src/server/subscriptions.ts';

const MOST_MS = 5;
let seq = 0;
const stamp = () => ({ seq: (seq += 1), time: '2026-12-01T08:00:00.000Z' });
const moved = (id: string, state: string): AppEvent =>
  ({
    ...{ ...stamp(), appId: appId('app'), appInstanceId: appInstanceId(id) },
    ...{ type: 'stateChanged', old: 'RUNNING', new: state, why: 'test' },
  }) as AppEvent;
const ended = (id: string): AppEvent => ({
  ...{ ...stamp(), appId: appId('app'), appInstanceId: appInstanceId(id), type: 'terminated' },
  exit: { code: 0, signal: null, oom: false, cause: 'exited', at: '2026-12-01T08:00:00.000Z' },
});

const hub = eventHub({ maxBufferedBytes: 2 ** 20 });

/** A connection that is registered for all of upstream's events; what it is told as `instance STATE` or `instance end`. */
function connection(events: readonly string[] = ['onStateChanged', 'onTerminated']) {
  const heard: string[] = [];
  const joined = hub.join({
    send: (text) => {
      const { method, params } = JSON.parse(text) as {
        method: string;
        params: { appInstanceId: string; state?: string };
      };
      const what = method.endsWith('onTerminated') ? 'end' : (params.state ?? method).replace('RUNTIME_STATE_', '');
      heard.push(`${params.appInstanceId} ${what}`);
    },
    bufferedBytes: () => 0,
    drop: () => assert.fail('it was dropped'),
  });
  for (const event of events) joined.register({ event, id: 'x' });
  return { ...joined, heard, [Symbol.dispose]: joined.leave };
}

const timed = (name: string, work: () => void): void =>
  void test(name, () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    try {
      work();
    } finally {
      mock.timers.reset();
    }
  });

timed('events of an own call wait for its answer, those of other instances and on other connections do not', () => {
  using own = connection();
  using other = connection();
  const run = own.answers.expect();
  hub.publish(moved('a', 'STARTING'), run);
  hub.publish(moved('b', 'SUSPENDED'));
  hub.publish(moved('a', 'RUNNING'), run);
  assert.deepEqual(own.heard, ['b SUSPENDED']);
  assert.deepEqual(other.heard, ['a STARTING', 'b SUSPENDED', 'a RUNNING']);
  own.answers.answered(run);
  assert.deepEqual(own.heard, ['b SUSPENDED'], 'the answer is on its way only now');
  mock.timers.tick(MOST_MS);
  assert.deepEqual(own.heard, ['b SUSPENDED', 'a STARTING', 'a RUNNING']);
});

timed('what follows of the same instance waits behind, in order; a later call waits for its own answer', () => {
  using own = connection();
  const run = own.answers.expect();
  const terminate = own.answers.expect();
  hub.publish(moved('a', 'RUNNING'), run);
  hub.publish(moved('a', 'SUSPENDED'));
  hub.publish(moved('a', 'TERMINATING'), terminate);
  own.answers.answered(run);
  mock.timers.tick(MOST_MS);
  assert.deepEqual(own.heard, ['a RUNNING', 'a SUSPENDED']);
  hub.publish(ended('a'), terminate);
  own.answers.answered(terminate);
  mock.timers.tick(MOST_MS);
  assert.deepEqual(own.heard, ['a RUNNING', 'a SUSPENDED', 'a TERMINATING', 'a end']);
});

timed('an end that comes by itself while its end is asked for is told after that answer', () => {
  using own = connection();
  const terminate = own.answers.expect();
  own.expectEnd(terminate, 'a');
  hub.publish(moved('a', 'TERMINATED'));
  hub.publish(ended('a'));
  hub.publish(ended('b'));
  assert.deepEqual(own.heard, ['b end']);
  own.answers.answered(terminate);
  mock.timers.tick(MOST_MS);
  assert.deepEqual(own.heard, ['b end', 'a TERMINATED', 'a end']);
  hub.publish(ended('a'));
  assert.deepEqual(own.heard.length, 4, 'and nothing is held once it is answered');
});

timed('the numbered events are never held: their order is that of the log', () => {
  using own = connection(['onEvent']);
  const run = own.answers.expect();
  hub.publish(moved('a', 'STARTING'), run);
  assert.equal(own.heard.length, 1);
});

timed('what is unregistered meanwhile is not told, and a connection that has gone neither', () => {
  const own = connection();
  const run = own.answers.expect();
  hub.publish(moved('a', 'RUNNING'), run);
  hub.publish(ended('a'), run);
  own.unregister({ event: 'onTerminated', id: 'x' });
  own.answers.answered(run);
  mock.timers.tick(MOST_MS);
  assert.deepEqual(own.heard, ['a RUNNING']);
  const second = own.answers.expect();
  hub.publish(moved('a', 'SUSPENDED'), second);
  own.leave();
  own.answers.answered(second);
  mock.timers.tick(MOST_MS);
  assert.deepEqual(own.heard, ['a RUNNING']);
});

timed('what waits is bounded: beyond that it goes out before the answer, in order', () => {
  using own = connection();
  const hibernate: Origin = own.answers.expect();
  hub.publish(moved('a', 'HIBERNATING'), hibernate);
  let published = 1;
  for (; own.heard.length === 0 && published < 10_000; published += 1) hub.publish(moved('a', 'RUNNING'));
  assert.equal(own.heard[0], 'a HIBERNATING');
  assert.equal(own.heard.length, published);
  own.answers.answered(hibernate);
  mock.timers.tick(MOST_MS);
  assert.equal(own.heard.length, published);
});

timed('the end of the daemon holds nothing back', () => {
  using own = connection();
  const run = own.answers.expect();
  hub.publish(moved('a', 'RUNNING'), run);
  hub.flush();
  assert.deepEqual(own.heard, ['a RUNNING']);
});
