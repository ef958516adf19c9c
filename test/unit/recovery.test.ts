import assert from 'node:assert/strict';
import { test } from 'node:test';
import { STATES, type State } from '../../src/domain/states.ts';
import { judge, type Verdict } from '../../src/manager/recovery.ts';
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
      assert.deepEqual(judge(state as State, TRUTHS[truth] ?? assert.fail(), true), verdict);
    });
  }
}

test('after a restart of the machine nothing that seems to live is believed', () => {
  for (const state of STATES) {
    for (const truth of Object.values(TRUTHS)) {
      assert.deepEqual(judge(state, truth, false), { do: 'settle', cause: 'reboot' });
    }
  }
});
