/** The test that every real app has to pass. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Subject } from '../apps/subjects/subject.ts';
import { startDaemon } from './daemon.ts';
import { criuLog, cycle, innerProcesses, startSubject } from './subjects.ts';

const CYCLES = 3;

export function cycles(subjects: readonly Subject[]): void {
  for (const subject of subjects) {
    test(`${subject.what}: the same after each of ${CYCLES} hibernations, and it goes on`, async () => {
      await using daemon = await startDaemon();
      const live = await startSubject(daemon, subject);
      const first = innerProcesses(await live.pid())[0];
      for (let round = 1; round <= CYCLES; round++) {
        try {
          const { awake } = await cycle(live, subject, round);
          assert.equal(awake.hibernation.wakes, round);
          assert.equal(innerProcesses(await live.pid())[0], first);
        } catch (cause) {
          throw new Error(`in cycle ${round}\n${(await criuLog(live)).slice(-3000)}`, { cause });
        }
      }
    });
  }
}
