import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AppEvent, NewEvent } from '../../src/domain/events.ts';
import type { ExitRecord } from '../../src/domain/exit.ts';
import { appId, appInstanceId } from '../../src/domain/ids.ts';
import { splitWords } from '../../src/page/dashboard/command-words.ts';
import { problemsOf } from '../../src/page/dashboard/problems.ts';

type Body = NewEvent extends infer One ? (One extends NewEvent ? Omit<One, 'appId' | 'appInstanceId'> : never) : never;

/** What happened to one app, a second after the other. */
const told = (...bodies: readonly Body[]): readonly AppEvent[] =>
  bodies.map((body, index) => ({
    ...{ seq: index + 1, time: new Date(Date.UTC(2026, 0, 1) + index * 1000).toISOString() },
    ...{ appId: appId('com.example.tv'), appInstanceId: appInstanceId('tv-1') },
    ...body,
  }));

const end = (cause: ExitRecord['cause'], code: number | null): Body => ({
  type: 'terminated',
  exit: { code, signal: null, oom: cause === 'oom', cause, at: '2026-01-01T00:00:00.000Z' },
});
const started: Body = { type: 'started', pid: 7 };
const keysOf = (...bodies: readonly Body[]) => problemsOf(told(...bodies)).map(({ key }) => key);

test('an end that somebody asked for, or a good one, is no problem; each other one has a command', () => {
  assert.deepEqual(keysOf(end('terminated', 143)), []);
  assert.deepEqual(keysOf(end('exited', 0)), []);
  for (const cause of ['exited', 'signalled', 'oom', 'monitor-lost', 'image-lost', 'reboot'] as const) {
    const [problem] = problemsOf(told(started, end(cause, 9)));
    assert.equal(problem?.key, 'end/tv-1', cause);
    assert.match(problem.mend[0] ?? '', /^runtimectl \w+ tv-1/, cause);
  }
});

test('an app that runs again is no problem any more, but one that ends badly again and again is', () => {
  assert.deepEqual(keysOf(started, end('exited', 1), started), []);
  const bad = [started, end('exited', 1)];
  assert.deepEqual(keysOf(...bad, ...bad, ...bad, started), ['loop/tv-1']);
  assert.deepEqual(keysOf(...bad, { type: 'restartGivenUp', attempts: 3, why: 'often enough' }), ['loop/tv-1']);
  assert.deepEqual(keysOf(...bad, ...bad, ...bad, started, end('killed', 137)), []);
});

test('a start that failed is told once, with its reason', () => {
  const failure: Body = {
    type: 'failure',
    operation: 'run',
    error: { code: 'PORT_TAKEN', what: 'port 80 belongs to nginx', next: 'choose another' },
  };
  const problems = problemsOf(told(failure, end('start-failed', null)));
  assert.deepEqual(
    problems.map(({ what, next, mend }) => [what, next, mend[0]]),
    [['run failed: port 80 belongs to nginx', 'choose another', 'runtimectl ps']],
  );
});

test('a hibernation that failed is a problem until one succeeds', () => {
  const failure: Body = { type: 'failure', operation: 'hibernate', error: { code: 'CHECKPOINT_FAILED', what: 'no' } };
  assert.deepEqual(keysOf(failure), ['hibernate/tv-1']);
  assert.deepEqual(
    keysOf(failure, { type: 'stateChanged', old: 'HIBERNATING', new: 'HIBERNATED', why: 'hibernate' }),
    [],
  );
});

test('a line becomes arguments as in a shell', () => {
  assert.deepEqual(splitWords(`sh -c "echo \\"a b\\"; date" 'x  y' a\\ b ''`), [
    'sh',
    '-c',
    'echo "a b"; date',
    'x  y',
    'a b',
    '',
  ]);
  assert.deepEqual(splitWords('  '), []);
  assert.throws(() => splitWords('echo "never closed'), { code: 'INVALID_ARGUMENT' });
});
