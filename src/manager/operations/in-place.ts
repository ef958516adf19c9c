/** Hibernate and wake with an engine that keeps the processes itself: there is no image, and the container stays. */
import { RuntimeError } from '../../domain/errors.ts';
import { GIVE_UP, type Operation } from '../../domain/states.ts';
import { unhurried } from '../../domain/unhurried.ts';
import type { InPlace } from '../../ports/engine.ts';
import type { HibernationRecord } from '../../ports/journal.ts';
import type { Instance } from '../instance.ts';
import type { World } from '../world.ts';
import { dumpTimeoutMs, NEVER, notHibernated } from './dump-bounds.ts';
import { failureOf, isTakenOver, liveOf } from './operation.ts';
import { hideScreen, showScreen } from './screen.ts';
import { settle } from './settle.ts';

type Hibernating = {
  readonly inPlace: InPlace;
  readonly from: 'RUNNING' | 'SUSPENDED';
  readonly signal: AbortSignal;
};

/** Whether this operation gives up a hibernation that is at work, or was left by the operation that this one has overtaken. */
export const givesUp = ({ engine }: World, { state }: Instance, operation: Operation): boolean =>
  engine.inPlace !== undefined && state === 'HIBERNATING' && GIVE_UP[operation] !== undefined;

/**
 * HIBERNATED when it returns; when it throws, as it was before, or TERMINATED because it has ended. HIBERNATING when it was overtaken
 * by an operation that gives the hibernation up.
 */
export async function hibernateInPlace(world: World, instance: Instance, { inPlace, from, signal }: Hibernating) {
  const { engine, clock } = world;
  const { containerId, hibernation } = instance.record;
  const live = liveOf(instance);
  const begin = performance.now();
  const bytes = engine.readings(containerId)?.memory.usageBytes ?? 0;
  const before: HibernationRecord = { ...(hibernation ?? NEVER), from, image: null, wake: null };
  await instance.enter('HIBERNATING', 'hibernate', { record: { hibernation: before } });
  try {
    if (from === 'RUNNING') await hideScreen(world, instance);
    const phases = await inPlace.hibernate(containerId, { live, from, signal, timeoutMs: dumpTimeoutMs(world, bytes) });
    const freedBytes = Math.max(0, bytes - (engine.readings(containerId)?.memory.usageBytes ?? bytes));
    const dump = { ms: performance.now() - begin, phases, freedBytes };
    const asleep = { ...before, dump, target: from, failureLog: null, hibernatedAt: clock.now() };
    await instance.enter('HIBERNATED', 'hibernate', { record: { hibernation: asleep } });
  } catch (error) {
    if (isTakenOver(signal)) throw signal.reason;
    throw await goBack(world, instance, { before, cause: error });
  }
}

type Failure = { readonly before: HibernationRecord; readonly cause: unknown };

/** What the engine says it is now is what it is: a failure of its is only seen by that. */
async function goBack(world: World, instance: Instance, { before, cause }: Failure): Promise<RuntimeError> {
  const { engine } = world;
  const { containerId, appInstanceId } = instance.record;
  const { code, next, details } = RuntimeError.of(cause);
  const ended = await engine.ended(containerId, liveOf(instance));
  const what = notHibernated(appInstanceId, before.from, ended);
  const error = new RuntimeError(code, { what, next, details, cause });
  const failure = failureOf('hibernate', error, { ended: ended !== undefined });
  if (ended !== undefined) await settle(world, instance, { ...ended, before: [failure] });
  else {
    await instance.enter(before.from, 'the hibernation failed', { record: { hibernation: before }, before: [failure] });
    if (before.from === 'RUNNING') await showScreen(world, instance);
  }
  return error;
}

type Waking = { readonly inPlace: InPlace; readonly target: 'RUNNING' | 'SUSPENDED'; readonly signal: AbortSignal };

/** In the state that was asked for when it returns; HIBERNATED, or WAKING when it never slept, when it throws; TERMINATED because it has ended. */
export async function wakeInPlace(
  world: World,
  instance: Instance,
  { inPlace, target, signal }: Waking,
): Promise<void> {
  const { engine, clock, settings } = world;
  const { containerId, appInstanceId } = instance.record;
  const live = liveOf(instance);
  const begin = performance.now();
  const hasSlept = instance.state === 'HIBERNATED';
  const before: HibernationRecord = { ...(instance.record.hibernation ?? NEVER), target };
  await instance.enter('WAKING', 'wake', { record: { hibernation: before } });
  try {
    const phases = await inPlace.wake(containerId, { live, signal, timeoutMs: settings.hibernation.timeoutMs });
    if (target === 'SUSPENDED') await engine.suspend(containerId, unhurried(settings.freezeTimeoutMs));
    const wokenAt = clock.now();
    const sleptMs = Date.parse(wokenAt) - Date.parse(before.hibernatedAt ?? wokenAt);
    const wake = { ms: performance.now() - begin, phases, wokenAt, sleptMs, pages: null };
    const awake = hasSlept ? { ...before, wake, wakes: before.wakes + 1 } : before;
    await instance.enter(target, hasSlept ? 'wake' : 'the hibernation was given up', {
      record: { hibernation: awake },
    });
    if (target === 'RUNNING') await showScreen(world, instance);
  } catch (cause) {
    const { code, next, details } = RuntimeError.of(cause);
    const error = new RuntimeError(code, { what: `${appInstanceId} was not woken`, next, details, cause });
    const ended = await engine.ended(containerId, live);
    const failure = failureOf('wake', error, { ended: ended !== undefined });
    if (ended !== undefined) await settle(world, instance, { ...ended, before: [failure] });
    // of a hibernation that could not be given up the keeper finds out what became of it
    else if (hasSlept) await instance.enter('HIBERNATED', 'the wake failed', { before: [failure] });
    throw error;
  }
}
