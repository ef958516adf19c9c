/** Waiting for the end of what memcr is at: Dobby tells neither a failure nor that it has given up. */
import { RuntimeError } from '../../domain/errors.ts';
import type { Wait } from '../../ports/wait.ts';
import type { DobbyState, Target } from './calls.ts';
import type { Parts } from './parts.ts';

const POLL_MS = { first: 20, last: 200 };
const AT_WORK: ReadonlySet<DobbyState> = new Set<DobbyState>(['hibernating', 'awakening']);

const SHORT_MS = 1000;

/**
 * A hibernation that is nearly done is left to its end: memcr was seen to hang, or to kill the app, when it gives up one that has only
 * just begun. The state then; `hibernating` when it takes longer. Throws as the call, ABORTED.
 */
export async function unlessShort({ calls, clock }: Parts, handle: Target, wait: Wait): Promise<DobbyState> {
  const deadline = performance.now() + SHORT_MS;
  for (;;) {
    const state = await calls.state(handle, wait);
    if (state !== 'hibernating' || performance.now() > deadline) return state;
    await clock.sleep(POLL_MS.first, wait.signal).catch(() => undefined);
    wait.signal.throwIfAborted();
  }
}

/** Neither at hibernating nor at waking. Throws TIMED_OUT, ABORTED. */
export async function untilSettled({ calls, clock }: Parts, handle: Target, wait: Wait): Promise<DobbyState> {
  const deadline = performance.now() + wait.timeoutMs;
  for (let pauseMs = POLL_MS.first; ; pauseMs = Math.min(pauseMs * 1.5, POLL_MS.last)) {
    const state = await calls.state(handle, wait);
    if (!AT_WORK.has(state)) return state;
    if (performance.now() > deadline) {
      throw new RuntimeError('TIMED_OUT', {
        what: `memcr has not come to an end within ${Math.round(wait.timeoutMs)} ms`,
        next: 'look whether memcr runs and has room where it dumps to',
      });
    }
    await clock.sleep(pauseMs, wait.signal).catch(() => undefined);
    wait.signal.throwIfAborted();
  }
}
