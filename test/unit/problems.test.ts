import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AppEvent, NewEvent } from '../../src/domain/events.ts';
import { entriesOf, type History } from '../../src/domain/history.ts';
import { appId, appInstanceId } from '../../src/domain/ids.ts';
import type { AppInfo } from '../../src/domain/info.ts';
import { EXIT_CAUSES, EXIT_CURES, exitCure, type ExitRecord } from '../../src/domain/exit.ts';
import { problemsOf } from '../../src/domain/problems.ts';
import { whyOf } from '../../src/domain/why.ts';
import { Troubles } from '../../src/manager/troubles.ts';
import { RuntimeError } from '../../src/domain/errors.ts';

const AT = '2026-11-23T08:00:00.000Z';
const NOW_MS = Date.parse(AT) + 1000;
const subject = { appId: appId('clock'), appInstanceId: appInstanceId('clock-1') };

type Body<Event> = Event extends unknown ? Omit<Event, 'appId' | 'appInstanceId'> : never;
const eventsOf = (...bodies: readonly Body<NewEvent>[]): readonly AppEvent[] =>
  bodies.map((body, index) => ({ seq: index + 1, time: AT, ...subject, ...body }));

const exitOf = (more: Partial<ExitRecord>): ExitRecord => ({
  ...{ code: 0, signal: null, oom: false, cause: 'exited', at: AT },
  ...more,
});

/** What the rules look at. */
const infoOf = (more: object): AppInfo =>
  ({
    ...{ ...subject, state: 'RUNNING', pid: 7, monitored: true, exit: null, storageUse: null },
    ...{ restart: { policy: 'never', attempts: 0, maxRetries: null, dueAt: null }, limits: { memoryBytes: 2 ** 25 } },
    ...more,
  }) as unknown as AppInfo;

const codesOf = (info: object, events: readonly AppEvent[] = []): readonly string[] =>
  problemsOf({ info: infoOf(info), events, nowMs: NOW_MS }).map(({ code }) => code);

const ENDED = { state: 'TERMINATED', pid: null };

test('what works has no problem, nor what was ended on purpose or with code 0', () => {
  assert.deepEqual(codesOf({}), []);
  assert.deepEqual(codesOf({ ...ENDED, exit: exitOf({}) }), []);
  for (const cause of ['terminated', 'killed', 'reboot'] as const) {
    assert.deepEqual(codesOf({ ...ENDED, exit: exitOf({ cause }) }), [], cause);
  }
});

test('an end that nobody wanted is a problem for a day, or until the app runs again', () => {
  const exit = exitOf({ code: 137, signal: 9, oom: true, cause: 'oom' });
  const [problem] = problemsOf({ info: infoOf({ ...ENDED, exit }), events: [], nowMs: NOW_MS });
  assert.equal(problem?.code, 'OOM');
  assert.match(problem?.next ?? '', /runtimectl limits clock-1 --memory/);
  assert.deepEqual(codesOf({ ...ENDED, exit: exitOf({ code: 3 }) }), ['EXITED']);
  assert.deepEqual(codesOf({ exit: exitOf({ code: 3 }) }), []);
  const late = { info: infoOf({ ...ENDED, exit }), events: [], nowMs: NOW_MS + 2 * 86_400_000 };
  assert.deepEqual(problemsOf(late), []);
});

test('an app that ends again and again is one problem, with how to stop it, or that it was given up', () => {
  const restart = { policy: 'always', attempts: 3, maxRetries: null, dueAt: AT };
  const exit = exitOf({ code: 1 });
  const looping = problemsOf({ info: infoOf({ ...ENDED, exit, restart }), events: [], nowMs: NOW_MS });
  assert.deepEqual(
    looping.map(({ code }) => code),
    ['CRASH_LOOP'],
  );
  assert.match(looping[0]?.next ?? '', /runtimectl kill clock-1/);
  const events = eventsOf({ type: 'terminated', exit }, { type: 'restartGivenUp', attempts: 2, why: 'enough' });
  assert.deepEqual(codesOf({ ...ENDED, exit }, events), ['CRASH_LOOP']);
});

test('a failure is a problem until something else has come of the app', () => {
  const failure = {
    type: 'failure',
    operation: 'hibernate',
    error: { code: 'CHECKPOINT_FAILED', what: 'it was not hibernated', next: 'close the socket' },
    ended: false,
  } as const;
  const back = { type: 'stateChanged', old: 'HIBERNATING', new: 'RUNNING', why: 'the hibernation failed' } as const;
  const later = { type: 'stateChanged', old: 'RUNNING', new: 'SUSPENDED', why: 'suspend' } as const;
  const [problem] = problemsOf({ info: infoOf({}), events: eventsOf(failure, back), nowMs: NOW_MS });
  assert.deepEqual([problem?.code, problem?.next], ['CHECKPOINT_FAILED', 'close the socket']);
  assert.deepEqual(codesOf({ state: 'SUSPENDED' }, eventsOf(failure, back, later)), []);
});

test('a dead display, full storage and a lost monitor are told of living apps', () => {
  assert.deepEqual(codesOf({}, eventsOf({ type: 'started', pid: 7 }, { type: 'displayDied' })), ['DISPLAY_DIED']);
  assert.deepEqual(codesOf({ storageUse: { usedBytes: 99, limitBytes: 100 } }), ['STORAGE_FULL']);
  assert.deepEqual(codesOf({ monitored: false }), ['MONITOR_LOST']);
});

test('every cause of an end that is a fault has a cure that names the instance', () => {
  for (const cause of Object.keys(EXIT_CAUSES) as (keyof typeof EXIT_CAUSES)[]) {
    const cure = exitCure(cause, 'clock-1');
    assert.equal(cure === null, EXIT_CURES[cause] === null);
    assert.ok(cure === null || !/\bID\b/.test(cure), cause);
  }
});

const historyOf = (events: readonly AppEvent[], more: Partial<History> = {}): History => ({
  ...subject,
  ...{ state: 'TERMINATED', exit: null, complete: true, entries: entriesOf(events), ...more },
});

test('why begins with who asked for the run, goes over its restarts, and leaves out what explains nothing', () => {
  const exit = exitOf({ code: 137, signal: 9, oom: true, cause: 'oom' });
  const begin = {
    type: 'stateChanged',
    old: 'TERMINATED',
    new: 'STARTING',
    why: 'run',
    by: 'the unix socket',
  } as const;
  const again = { type: 'stateChanged', old: 'TERMINATED', new: 'STARTING', why: 'restart' } as const;
  const events = eventsOf(
    ...([begin, { type: 'started', pid: 1 }, { type: 'terminated', exit }] as const),
    ...([begin, { type: 'started', pid: 2 }, { type: 'annotated', key: 'a', value: 'b', revision: 1 }] as const),
    ...([{ type: 'terminated', exit }, again, { type: 'terminated', exit }] as const),
  );
  const found = whyOf({ history: historyOf(events, { exit }), info: infoOf(ENDED), problems: [], log: [] });
  assert.deepEqual(
    found.chain.map(({ seq }) => seq),
    [4, 7, 8, 9],
  );
  assert.equal(found.chain[0]?.by, 'the unix socket');
  assert.equal(found.complete, true);
  assert.match(found.summary, /clock-1 ended at .*: oom \(signal 9\)/);
  assert.ok(
    found.evidence.some((line) => line.includes('32.0 MB')),
    found.evidence.join(),
  );
  assert.match(found.next[0] ?? '', /more memory/);
});

test('why of an instance that only the event log knows says so of what is lost', () => {
  const exit = exitOf({ code: 137, signal: 9, oom: true, cause: 'oom' });
  const history = historyOf(eventsOf({ type: 'terminated', exit }), { state: null, exit, complete: false });
  const found = whyOf({ history, info: null, problems: [], log: [] });
  assert.equal(found.complete, false);
  assert.ok(found.evidence.some((line) => line.includes('no longer kept')));
});

test('operations that were refused are kept until they succeed; a caller who was wrong is no trouble', async () => {
  const troubles = new Troubles(() => AT);
  let failure: RuntimeError | undefined = new RuntimeError('NO_SPACE', { what: 'full', next: 'make room' });
  const wake = troubles.watched('wake', async (_: { appInstanceId: string }, __: undefined) => {
    if (failure !== undefined) throw failure;
  });
  await assert.rejects(wake({ appInstanceId: 'one' }, undefined));
  assert.deepEqual(
    troubles.all.map(({ operation, error }) => [operation, error.code]),
    [['wake', 'NO_SPACE']],
  );
  failure = undefined;
  await wake({ appInstanceId: 'one' }, undefined);
  assert.deepEqual(troubles.all, []);
  failure = new RuntimeError('ILLEGAL_STATE', { what: 'asleep' });
  await assert.rejects(wake({ appInstanceId: 'one' }, undefined));
  assert.deepEqual(troubles.all, []);
});
