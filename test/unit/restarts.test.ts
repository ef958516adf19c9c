import assert from 'node:assert/strict';
import { test } from 'node:test';
import { appSchema, type AppInput } from '../../src/domain/app.ts';
import { EXIT_CAUSES, type ExitCause, type ExitRecord } from '../../src/domain/exit.ts';
import { afterEnd, isDue, nextAttempt } from '../../src/manager/restarts.ts';
import type { InstanceRecord, RestartRecord } from '../../src/ports/journal.ts';
import { instanceRecord } from '../lib/journal-records.ts';

const START = '2026-01-01T00:00:00.000Z';
const after = (ms: number): string => new Date(Date.parse(START) + ms).toISOString();

type Given = {
  readonly policy?: AppInput['restart'];
  readonly restart?: RestartRecord | null;
  readonly startedAt?: string | null;
};

const recordOf = ({ policy = { policy: 'on-failure' }, restart = null, startedAt = START }: Given): InstanceRecord => ({
  ...instanceRecord('a'),
  app: appSchema.parse({ rootfs: { host: true }, restart: policy }),
  restart,
  startedAt,
});

const exitOf = (cause: ExitCause, code: number | null = null, ms = 10): ExitRecord => ({
  ...{ code, signal: null, oom: false, cause },
  at: after(ms),
});

const typesOf = (record: InstanceRecord, exit: ExitRecord): readonly string[] =>
  afterEnd(record, exit).events.map(({ type }) => type);

const isRestarted = (given: Given, exit: ExitRecord): boolean => typesOf(recordOf(given), exit).includes('restarting');

const FAILURES: readonly ExitCause[] = [
  'signalled',
  'oom',
  'monitor-lost',
  'engine-lost',
  'display-died',
  'checkpoint-died',
];

test('which ends are followed by another run: failures, with always also good ends and a restart of the machine', () => {
  const causes = Object.keys(EXIT_CAUSES) as ExitCause[];
  const restartedBy = (policy: 'never' | 'on-failure' | 'always'): readonly string[] =>
    causes.filter((cause) => isRestarted({ policy: { policy } }, exitOf(cause, cause === 'exited' ? 0 : null)));
  assert.deepEqual(restartedBy('never'), []);
  const started: readonly ExitCause[] = ['start-failed', 'start-interrupted'];
  assert.deepEqual(restartedBy('on-failure').toSorted(), [...FAILURES, ...started].toSorted());
  assert.deepEqual(restartedBy('always').toSorted(), [...FAILURES, ...started, 'exited', 'reboot'].toSorted());
  assert(isRestarted({}, exitOf('exited', 3)));
});

test('a run that never came to be is nobody’s but the caller’s, unless it was an attempt', () => {
  for (const cause of ['start-failed', 'start-interrupted', 'reboot'] as const) {
    assert(!isRestarted({ startedAt: null, policy: { policy: 'always' } }, exitOf(cause)));
    assert(isRestarted({ startedAt: null, restart: { attempts: 1, dueAt: null } }, exitOf(cause)));
  }
  assert(!isRestarted({ startedAt: null, restart: { attempts: 1, dueAt: null } }, exitOf('killed')));
});

test('the pauses double up to the longest, and then it is given up', () => {
  const policy = { policy: 'always', maxRetries: 5, backoffMs: 100, maxBackoffMs: 500 } as const;
  let record = recordOf({ policy });
  const pauses: number[] = [];
  for (;;) {
    const { restart, events } = afterEnd(record, exitOf('exited', 1));
    record = { ...record, restart: restart === null ? null : { ...restart, dueAt: null } };
    const [event] = events;
    if (event?.type !== 'restarting') {
      assert.equal(event?.type, 'restartGivenUp');
      assert.deepEqual(restart, { attempts: 5, dueAt: null });
      break;
    }
    assert.equal(event.attempt, pauses.length + 1);
    pauses.push(Date.parse(event.dueAt) - Date.parse(after(10)));
  }
  assert.deepEqual(pauses, [100, 200, 400, 500, 500]);
  const endless = recordOf({ policy: { ...policy, maxRetries: null } });
  const { restart } = nextAttempt(endless, { attempts: 999_999, now: START });
  assert.deepEqual(restart, { attempts: 1_000_000, dueAt: after(500) });
});

test('who has run well for a while is counted anew', () => {
  const given = {
    restart: { attempts: 7, dueAt: null },
    policy: { policy: 'on-failure', resetAfterMs: 1000 },
  } as const;
  assert.equal(afterEnd(recordOf(given), exitOf('oom', null, 999)).restart?.attempts, 8);
  assert.equal(afterEnd(recordOf(given), exitOf('oom', null, 1000)).restart?.attempts, 1);
});

test('a restart is due when its time has come, and also when the clock was set back', () => {
  const record = recordOf({ restart: { attempts: 1, dueAt: after(5000) } });
  assert(!isDue(record, after(4999)));
  assert(isDue(record, after(5000)));
  assert(isDue(record, '1970-01-01T00:00:00.000Z'));
  assert(!isDue(recordOf({}), after(5000)));
});
