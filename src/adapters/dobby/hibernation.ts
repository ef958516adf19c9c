/**
 * Hibernation by memcr, as far as Dobby lets us see it: its answer only says that it has begun, a failure is no signal but the
 * state RUNNING again, and a wake says that it is done whatever came of it (facts/dobby.md §0.10, §4).
 */
import { RuntimeError } from '../../domain/errors.ts';
import type { Phases } from '../../domain/hibernation.ts';
import type { ContainerId } from '../../domain/ids.ts';
import { unhurried } from '../../domain/unhurried.ts';
import type { InPlace, Live } from '../../ports/engine.ts';
import type { Wait } from '../../ports/wait.ts';
import type { Target } from './calls.ts';
import { handleOf } from './life.ts';
import type { Parts } from './parts.ts';
import { unlessShort, untilSettled } from './settled.ts';
import { targetOf } from './start.ts';

/** For giving up: memcr lets go of a process within 20 s. */
const ABORT_MS = 25_000;

export const inPlace = (parts: Parts): InPlace => ({
  hibernate: (id, order) => hibernate(parts, id, order),
  wake: (id, order) => wake(parts, id, order),
});

type HibernateOrder = Parameters<InPlace['hibernate']>[1];

/** Dobby hibernates nothing that is paused: for that moment it runs. */
async function hibernate(parts: Parts, id: ContainerId, { live, from, ...wait }: HibernateOrder): Promise<Phases> {
  const { calls, settings, containers } = parts;
  const handle = handleOf(parts, id, live);
  containers.nextTurn(id);
  const begin = performance.now();
  try {
    if (from === 'SUSPENDED') await calls.resume(handle, wait);
    if (!(await calls.hibernate(handle, settings.hibernateOptions, wait))) throw failed(id, 'Dobby refused it');
    const state = await untilSettled(parts, handle, wait);
    if (state === 'hibernated') return { memcr: performance.now() - begin };
    throw failed(id, state === 'gone' ? 'it has ended' : `it is ${state} again, and Dobby does not say why`);
  } catch (error) {
    // whoever has overtaken it goes on from here: a kill, or a wake that gives it up
    if (!wait.signal.aborted) await goBack(parts, handle, from);
    throw asCheckpointFailure(id, error);
  }
}

/** As it was before, as far as Dobby can: what is left of it shows when it is looked at again. */
async function goBack(parts: Parts, handle: Target, from: HibernateOrder['from']): Promise<void> {
  const { calls, log } = parts;
  const wait = unhurried(ABORT_MS);
  try {
    const state = await calls.state(handle, wait);
    if (state === 'hibernating' || state === 'hibernated') {
      await calls.wakeup(handle, wait);
      await untilSettled(parts, handle, wait);
    }
    if (from === 'SUSPENDED') await calls.pause(handle, wait);
  } catch (error) {
    log.warn({ err: error }, 'a hibernation that failed could not be undone completely');
  }
}

/** Also one that is still at it: then Dobby gives it up (DobbyManager::wakeupContainer). */
async function wake(parts: Parts, id: ContainerId, { live, ...wait }: Parameters<InPlace['wake']>[1]): Promise<Phases> {
  const { calls, containers } = parts;
  const handle = handleOf(parts, id, live);
  containers.nextTurn(id);
  const begin = performance.now();
  await unlessShort(parts, handle, wait);
  const isAsked = await calls.wakeup(handle, wait);
  const state = await untilSettled(parts, handle, wait);
  // a hibernation of it was overtaken before it was resumed for that
  const isResumed = state === 'paused' && (await calls.resume(handle, wait));
  if (state === 'running' || isResumed) return { memcr: performance.now() - begin };
  throw new RuntimeError('RESTORE_FAILED', {
    what: `${id} was not woken: Dobby says that it is ${state}`,
    next: "look at Dobby's and memcr's log; kill it if it stays so",
    cause: isAsked ? undefined : 'Dobby refused to wake it',
  });
}

const failed = (id: ContainerId, cause: unknown): RuntimeError =>
  new RuntimeError('CHECKPOINT_FAILED', {
    what: `memcr did not hibernate ${id}`,
    next: 'see explainHibernation for what memcr cannot do, and look at the logs of DobbyDaemon and memcr',
    cause,
  });

function asCheckpointFailure(id: ContainerId, error: unknown): RuntimeError {
  const known = error instanceof RuntimeError && ['CHECKPOINT_FAILED', 'TIMED_OUT', 'ABORTED'].includes(error.code);
  return known ? error : failed(id, error);
}

/** Of a daemon that was killed meanwhile: what Dobby is at comes to its end. */
export async function settle(parts: Parts, id: ContainerId, { live, ...wait }: Wait & { readonly live: Live | null }) {
  const handle = live?.handle ?? parts.containers.handleOf(id);
  if (handle === null || handle.life !== parts.way.life) return;
  await untilSettled(parts, targetOf(id, handle), wait).catch(() => undefined);
}
