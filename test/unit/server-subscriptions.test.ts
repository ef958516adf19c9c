import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AppEvent, NewEvent } from '../../src/domain/events.ts';
import { appId, appInstanceId } from '../../src/domain/ids.ts';
import { eventHub, readRegistration } from '../../src/server/subscriptions.ts';
import type { Hub } from '../../src/server/subscriptions.ts';

const subject = { appId: appId('clock'), appInstanceId: appInstanceId('clock-1') };
const at = '2026-11-23T08:00:00.000Z';
let seq = 0;
const event = (body: object): AppEvent => ({ seq: (seq += 1), time: at, ...subject, ...body }) as AppEvent & NewEvent;
const exit = { code: 3, signal: null, oom: false, cause: 'exited', at };

function listener(hub: Hub, buffered = () => 0) {
  const heard: string[] = [];
  const dropped: string[] = [];
  const joined = hub.join({
    send: (text) => void heard.push(text),
    bufferedBytes: buffered,
    drop: (why) => void dropped.push(why),
  });
  return { ...joined, heard, dropped, messages: () => heard.map((text) => JSON.parse(text) as object) };
}

test('each of upstream’s events has upstream’s form', () => {
  const hub = eventHub({ maxBufferedBytes: 1000 });
  const { register, messages } = listener(hub);
  for (const name of ['onStarted', 'onTerminated', 'onFailure', 'onStateChanged']) {
    register({ event: name, id: 'client.events.1' });
  }
  hub.publish(event({ type: 'started', pid: 7 }));
  hub.publish(event({ type: 'stateChanged', old: 'STARTING', new: 'RUNNING', why: 'run' }));
  hub.publish(event({ type: 'terminated', exit }));
  hub.publish(event({ type: 'terminated', exit: { ...exit, code: null } }));
  const error = { code: 'START_FAILED', what: 'no' };
  hub.publish(event({ type: 'failure', operation: 'run', error, ended: true }));
  hub.publish(event({ type: 'failure', operation: 'wake', error, ended: false }));
  const one = { appInstanceId: 'clock-1' };
  const notification = (name: string, params: object) => ({
    jsonrpc: '2.0',
    method: `client.events.1.${name}`,
    params,
  });
  assert.deepEqual(messages(), [
    notification('onStarted', one),
    notification('onStateChanged', { ...one, state: 'RUNTIME_STATE_RUNNING' }),
    notification('onTerminated', { ...one, exitCode: 3 }),
    notification('onTerminated', one),
    notification('onFailure', { ...one, error: 'START_FAILED' }),
  ]);
});

test('onEvent is the durable event whole, with its number', () => {
  const hub = eventHub({ maxBufferedBytes: 1000 });
  const { register, messages } = listener(hub);
  register({ event: 'onEvent', id: 'x' });
  const started = event({ type: 'started', pid: 7 });
  hub.publish(started);
  assert.deepEqual(messages(), [{ jsonrpc: '2.0', method: 'x.onEvent', params: started }]);
});

test('registrations are by event and id; unregister and leave end them', () => {
  const hub = eventHub({ maxBufferedBytes: 1000 });
  const { register, unregister, leave, heard } = listener(hub);
  register({ event: 'onStarted', id: 'a' });
  register({ event: 'onStarted', id: 'b' });
  assert.throws(() => register({ event: 'onStarted', id: 'a' }), { code: 'ALREADY_EXISTS' });
  hub.publish(event({ type: 'started', pid: 1 }));
  assert.equal(heard.length, 2);
  unregister({ event: 'onStarted', id: 'a' });
  assert.throws(() => unregister({ event: 'onStarted', id: 'a' }), { code: 'NOT_FOUND' });
  hub.publish(event({ type: 'started', pid: 1 }));
  assert.equal(heard.length, 3);
  leave();
  hub.publish(event({ type: 'started', pid: 1 }));
  assert.equal(heard.length, 3);
});

test('an event name that nobody knows is accepted and never comes, as in Thunder', () => {
  const hub = eventHub({ maxBufferedBytes: 1000 });
  const { register, heard } = listener(hub);
  register({ event: 'constructor', id: 'a' });
  hub.publish(event({ type: 'started', pid: 1 }));
  assert.deepEqual(heard, []);
});

test('a connection cannot register without end', () => {
  const { register } = listener(eventHub({ maxBufferedBytes: 1000 }));
  assert.throws(
    () => {
      for (let id = 0; id < 10_000; id += 1) register({ event: 'onEvent', id: String(id) });
    },
    { code: 'BUSY' },
  );
});

test('who does not read is dropped once and hears no more; the others hear all', () => {
  const hub = eventHub({ maxBufferedBytes: 100 });
  const slow = listener(hub, () => 101);
  const quick = listener(hub);
  for (const { register } of [slow, quick]) register({ event: 'onEvent', id: 'x' });
  for (let count = 0; count < 3; count += 1) hub.publish(event({ type: 'started', pid: 1 }));
  assert.equal(slow.dropped.length, 1);
  assert.equal(slow.heard.length, 1);
  assert.equal(quick.heard.length, 3);
  assert.deepEqual(quick.dropped, []);
});

test('ids are text or numbers; both are needed', () => {
  assert.deepEqual(readRegistration({ event: 'onStarted', id: 14 }, 'register'), { event: 'onStarted', id: '14' });
  for (const params of [undefined, {}, { event: 'x' }, { id: 'x' }, { event: '', id: 'x' }, { event: 'x', id: {} }]) {
    assert.throws(() => readRegistration(params, 'register'), { code: 'INVALID_ARGUMENT' });
  }
});
