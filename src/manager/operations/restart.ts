/** The next run of an app whose restart policy calls for one; nobody waits for it. */
import type { Instance } from '../instance.ts';
import { isPending, nextAttempt } from '../restarts.ts';
import type { World } from '../world.ts';
import { during, failureOf } from './operation.ts';
import { orderAgain } from './order.ts';
import type { Planned } from './plan.ts';
import { begin, startOrEnd } from './run.ts';

/** Throws what has come of it when that is told and the next attempt, if any, is written. */
export const restart = (world: World, instance: Instance, signal: AbortSignal): Promise<void> =>
  during(instance, 'run', async () => {
    const { record, state } = instance;
    // cancelled, or run by a caller, while this waited
    if (state !== 'TERMINATED' || !record.released || !isPending(record)) return;
    await startOrEnd(world, instance, { planned: await beginAgain(world, instance, signal), signal });
  });

async function beginAgain(world: World, instance: Instance, signal: AbortSignal): Promise<Planned> {
  const { record } = instance;
  const attempts = record.restart?.attempts ?? 0;
  try {
    return await begin(world, instance, {
      order: orderAgain(record),
      signal,
      why: 'restart',
      // it is the same instance to its callers: their notes stay, what was said of their words, and what they want of its display
      keep: ({ annotations, annotationRevision, notes = [], warnings = [], view }) => ({
        ...{ annotations, annotationRevision, notes, warnings, ...(view !== undefined && { view }) },
        restart: { attempts, dueAt: null },
      }),
    });
  } catch (error) {
    // it did not even begin: an attempt like any other
    const next = nextAttempt(instance.record, { attempts, now: world.clock.now() });
    const failure = failureOf('run', error, { ended: true });
    const after = [failure, ...next.events];
    await instance.enter('TERMINATED', '', { essential: true, record: { restart: next.restart }, after });
    throw error;
  }
}

/** True when one was pending. */
export async function cancelRestart(instance: Instance, why: string): Promise<boolean> {
  const { record } = instance;
  if (!isPending(record)) return false;
  const attempts = (record.restart?.attempts ?? 1) - 1;
  await instance.enter(instance.state, '', {
    essential: true,
    record: { restart: null },
    after: [{ type: 'restartGivenUp', attempts, why }],
  });
  return true;
}
