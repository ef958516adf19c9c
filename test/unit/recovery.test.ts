import assert from 'node:assert/strict';
import { test } from 'node:test';
import { STATES, type State } from '../../src/domain/states.ts';
import { judge, type Verdict, type Sleep } from '../../src/manager/recovery.ts';
import type { Inspection, Live } from '../../src/ports/engine.ts';

const LIVE: Live = { init: { pid: 7, startTime: '1' }, monitor: null };
const TRUTHS: Readonly<Record<string, Inspection>> = {
  absent: { status: 'absent' },
  remains: { status: 'remains' },
  running: { status: 'running', live: LIVE },
  frozen: { status: 'frozen', live: LIVE },
  ended: { status: 'ended', ended: { code: 3, oom: false } },
};

const adopt = (state: State): Verdict => ({ do: 'adopt', state });
const SETTLE: Verdict = { do: 'settle' };
const INTERRUPTED: Verdict = { do: 'settle', cause: 'start-interrupted' };
const FINISH: Verdict = { do: 'finish-ending' };

type Row = Readonly<Record<keyof typeof TRUTHS, Verdict>>;
const LIVES: Row = {
  absent: SETTLE,
  remains: SETTLE,
  running: adopt('RUNNING'),
  frozen: adopt('SUSPENDED'),
  ended: SETTLE,
};

const NO_SLEEP: Sleep = { image: false, dumped: false, interrupted: false, lostPages: false, inPlace: false };
const AWAKE = { sameBoot: true, sleep: NO_SLEEP };

/** What the journal says × what is true. */
const TABLE: Partial<Record<State, Row>> = {
  STARTING: { ...LIVES, absent: INTERRUPTED, remains: INTERRUPTED },
  RUNNING: LIVES,
  SUSPENDED: LIVES,
  TERMINATING: { absent: SETTLE, remains: SETTLE, running: FINISH, frozen: FINISH, ended: SETTLE },
};

for (const [state, row] of Object.entries(TABLE)) {
  for (const [truth, verdict] of Object.entries(row)) {
    test(`the journal says ${state}, the container is ${truth}: ${Object.values(verdict).join(' ')}`, () => {
      assert.deepEqual(judge(state as State, TRUTHS[truth] ?? assert.fail(), AWAKE), verdict);
    });
  }
}

test('after a restart of the machine nothing that seems to live is believed', () => {
  for (const state of STATES) {
    for (const truth of Object.values(TRUTHS)) {
      assert.deepEqual(judge(state, truth, { sameBoot: false, sleep: NO_SLEEP }), {
        do: 'settle',
        cause: state === 'HIBERNATED' ? 'image-lost' : 'reboot',
      });
    }
  }
});

const truth = (status: keyof typeof TRUTHS) => TRUTHS[status] ?? assert.fail();

test('an app whose image is whole sleeps, also after a restart of the machine', () => {
  for (const state of ['HIBERNATED', 'HIBERNATING', 'WAKING'] as const) {
    for (const sameBoot of [true, false]) {
      const sleep = { ...NO_SLEEP, image: true };
      assert.deepEqual(judge(state, truth('absent'), { sameBoot, sleep }), { do: 'sleep' });
    }
  }
});

test('a wake that came to its end without the daemon counts; one that was stopped in the middle is undone', () => {
  const woken = { ...NO_SLEEP, image: true };
  assert.deepEqual(judge('WAKING', truth('running'), { sameBoot: true, sleep: woken }), adopt('RUNNING'));
  const half = { ...woken, interrupted: true };
  assert.deepEqual(judge('WAKING', truth('running'), { sameBoot: true, sleep: half }), { do: 'sleep' });
});

test('a dump that had succeeded is made an image, any other leaves the app as it was', () => {
  const sleep = { ...NO_SLEEP, dumped: true };
  assert.deepEqual(judge('HIBERNATING', truth('ended'), { sameBoot: true, sleep }), { do: 'finish-hibernating' });
  assert.deepEqual(judge('HIBERNATING', truth('frozen'), AWAKE), adopt('SUSPENDED'));
  assert.deepEqual(judge('HIBERNATING', truth('running'), AWAKE), adopt('RUNNING'));
});
