/** The two freezers of the kernel. Source: Documentation/admin-guide/cgroup-v1/freezer-subsystem.rst, cgroup-v2.rst "cgroup.freeze". */
import { RuntimeError } from '../../domain/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Frozen } from '../../ports/control-groups.ts';
import type { Wait } from '../../ports/wait.ts';
import { readIfThere, writeIfThere } from '../files/kernel-file.ts';
import { keyed } from './readings.ts';

type Freezer = {
  /** False when the group is not there. */
  readonly ask: (group: string, frozen: boolean) => boolean;
  readonly state: (group: string) => Frozen | undefined;
};

const V1_STATES: Readonly<Record<string, Frozen>> = { FROZEN: 'frozen', FREEZING: 'freezing', THAWED: 'thawed' };

const v1: Freezer = {
  ask: (group, frozen) => writeIfThere(`${group}/freezer.state`, frozen ? 'FROZEN' : 'THAWED'),
  state: (group) => V1_STATES[readIfThere(`${group}/freezer.state`) ?? ''],
};

const v2: Freezer = {
  ask: (group, frozen) => writeIfThere(`${group}/cgroup.freeze`, frozen ? '1' : '0'),
  state: (group) => {
    const asked = readIfThere(`${group}/cgroup.freeze`);
    if (asked === undefined) return undefined;
    if (keyed(readIfThere(`${group}/cgroup.events`), 'frozen') === 1) return 'frozen';
    return asked === '1' ? 'freezing' : 'thawed';
  },
};

export const FREEZERS: Readonly<Record<1 | 2, Freezer>> = { 1: v1, 2: v2 };

/** The freezer of one group. */
export type BoundFreezer = {
  readonly group: string;
  readonly ask: (frozen: boolean) => boolean;
  readonly state: () => Frozen | undefined;
};

export const bindFreezer = ({ ask, state }: Freezer, group: string): BoundFreezer => ({
  group,
  ask: (frozen) => ask(group, frozen),
  state: () => state(group),
});

const POLL_MS = 2;
/** v1 can stay FREEZING when a process forks meanwhile: asking again helps… */
const ASK_AGAIN_EVERY = 25;
/** …and letting all of it go for a moment when that does not (runc does both). */
const LET_GO_EVERY = 100;
const LET_GO_MS = 10;

/** Asks, and waits until it is so. Throws TIMED_OUT; ABORTED when the group is gone. */
export async function reach(
  { ask, state, group }: BoundFreezer,
  wanted: 'frozen' | 'thawed',
  { clock, signal, timeoutMs }: Wait & { readonly clock: Clock },
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (let round = 0; state() !== wanted; round++) {
    if (wanted === 'frozen' && round % LET_GO_EVERY === LET_GO_EVERY - 1) {
      ask(false);
      await clock.sleep(LET_GO_MS);
      ask(true);
    }
    if (round % ASK_AGAIN_EVERY === 0 && !ask(wanted === 'frozen')) {
      throw new RuntimeError('ABORTED', { what: `the control group ${group} is gone` });
    }
    if (state() === wanted) return;
    if (performance.now() > deadline) {
      throw new RuntimeError('TIMED_OUT', { what: `${group} is still ${state() ?? 'gone'} after ${timeoutMs} ms` });
    }
    signal.throwIfAborted();
    await clock.sleep(POLL_MS);
  }
}
