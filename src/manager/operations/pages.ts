/** After a wake the image stays until every page has come from it; then it goes. */
import { RuntimeError } from '../../domain/errors.ts';
import type { PagesState } from '../../ports/engine.ts';
import type { Wait } from '../../ports/wait.ts';
import type { Instance } from '../instance.ts';
import type { World } from '../world.ts';
import { clear } from './clear.ts';
import { failureOf } from './operation.ts';

const POLL_MS = 20;

/** How the pages of the last wake are; all are there when they came at once. */
export function pagesOf({ engine }: World, { record }: Instance): PagesState {
  const pages = record.hibernation?.wake?.pages ?? null;
  return pages === null ? 'in' : engine.pagesOf(record.containerId, pages);
}

/** Forgets an image that the running app needs no longer. In the instance's queue. */
export async function dropImage(world: World, instance: Instance): Promise<void> {
  const { hibernation, containerId, state } = instance.record;
  const awake = state === 'RUNNING' || state === 'SUSPENDED';
  if (!awake || hibernation === null || hibernation.image === null) return;
  const pages = pagesOf(world, instance);
  if (pages === 'lost') await sleepAgain(world, instance);
  if (pages !== 'in') return;
  await world.images.remove(containerId);
  const wake = hibernation.wake && { ...hibernation.wake, pages: null };
  await instance.note({ hibernation: { ...hibernation, image: null, wake } });
}

/**
 * Whoever brought its pages was killed, so part of its memory is missing for ever: the app is ended, if it has not ended by that
 * already, and is again what its whole image says.
 */
export async function sleepAgain(world: World, instance: Instance): Promise<void> {
  const { hibernation, appInstanceId } = instance.record;
  if (hibernation === null) return;
  const error = new RuntimeError('RESTORE_FAILED', {
    what: `not all pages of ${appInstanceId} came after its wake: the page server was killed`,
    next: 'wake it again: its image is whole',
  });
  await clear(world, instance, null);
  await instance.enter('HIBERNATED', 'its pages did not come', {
    record: { live: null, hibernation: { ...hibernation, wake: null } },
    before: [failureOf('wake', error, { ended: false })],
  });
}

/** A dump needs all pages where they belong. Throws TIMED_OUT, ABORTED. */
export async function pagesAreIn(world: World, instance: Instance, { signal, timeoutMs }: Wait): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (pagesOf(world, instance) === 'coming') {
    signal.throwIfAborted();
    if (performance.now() > deadline) {
      throw new RuntimeError('TIMED_OUT', {
        what: `${instance.record.appInstanceId} still gets pages from its last wake`,
        next: 'try again in a moment',
      });
    }
    await world.clock.sleep(POLL_MS);
  }
  await dropImage(world, instance);
}
