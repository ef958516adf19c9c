import assert from 'node:assert/strict';
import { test } from 'node:test';
import { storyOf, beginsWithRun, entriesOf } from '../../src/domain/history.ts';
import type { AppEvent, NewEvent } from '../../src/domain/events.ts';
import { appId, appInstanceId } from '../../src/domain/ids.ts';
import { duration } from '../../src/cli/words.ts';

const subject = { appId: appId('a'), appInstanceId: appInstanceId('a-1') };
const at = (ms: number): string => new Date(ms).toISOString();

type Body<Event> = Event extends unknown ? Omit<Event, 'appId' | 'appInstanceId'> : never;
const event = (seq: number, ms: number, body: Body<NewEvent>): AppEvent => ({ seq, time: at(ms), ...subject, ...body });

const exit = { code: 3, signal: null, oom: false, cause: 'exited', at: at(900) } as const;
const LIFE: readonly AppEvent[] = [
  event(1, 0, { type: 'stateChanged', old: 'TERMINATED', new: 'STARTING', why: 'run', by: 'the unix socket' }),
  event(2, 100, { type: 'started', pid: 7 }),
  event(3, 100, { type: 'stateChanged', old: 'STARTING', new: 'RUNNING', why: 'started' }),
  event(5, 200, { type: 'annotated', key: 'a', value: 'b', revision: 1 }),
  event(9, 900, { type: 'stateChanged', old: 'RUNNING', new: 'TERMINATED', why: 'exited with code 3' }),
  event(10, 900, { type: 'terminated', exit }),
];

test('a history tells of each state how long it lasted, and of each change why and by whom', () => {
  const entries = entriesOf(LIFE);
  assert.deepEqual(
    entries.map(({ what, why, by, state, lastedMs }) => [what, why, by, state, lastedMs]),
    [
      ['TERMINATED → STARTING', 'run', 'the unix socket', 'STARTING', 100],
      ['started with pid 7', null, null, 'STARTING', null],
      ['STARTING → RUNNING', 'started', null, 'RUNNING', 800],
      ['annotation a = b', null, null, 'RUNNING', null],
      ['RUNNING → TERMINATED', 'exited with code 3', null, 'TERMINATED', null],
      ['terminated: exited (code 3)', 'the app ended by itself with an exit code', null, 'TERMINATED', null],
    ],
  );
  assert.deepEqual(entries.at(-1)?.exit, exit);
});

test('a history of which the beginning is no longer kept says so', () => {
  assert.equal(beginsWithRun(LIFE), true);
  assert.equal(beginsWithRun(LIFE.slice(1)), false);
  assert.equal(beginsWithRun([]), false);
  assert.deepEqual(
    entriesOf(LIFE.slice(1)).map(({ state }) => state),
    [null, 'RUNNING', 'RUNNING', 'TERMINATED', 'TERMINATED'],
  );
});

test('text of callers cannot move a cursor in what people read', () => {
  const { what } = storyOf(event(1, 0, { type: 'annotated', key: 'k\u009b1m', value: 'x\u001b[2J\ny', revision: 1 }));
  assert.equal(what, String.raw`annotation k\u009b1m = x\u001b[2J\u000ay`);
});

test('times are told in units that people read', () => {
  const cases: readonly (readonly [number, string])[] = [
    [7.4, '7 ms'],
    [999.4, '999 ms'],
    [1500, '1.5 s'],
    [65_000, '1 min 5 s'],
    [7_380_000, '2 h 3 min'],
  ];
  for (const [ms, words] of cases) assert.equal(duration(ms), words);
});
