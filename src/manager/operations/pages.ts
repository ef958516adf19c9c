/** After a wake the image stays until every page has come from it; then it goes. */
import { RuntimeError } from '../../domain/errors.ts';
import type { Wait } from '../../ports/wait.ts';
import type { Instance } from '../instance.ts';
import type { World } from '../world.ts';

const POLL_MS = 20;

/** Whether the app still lives on its image. */
export function needsImage({ engine }: World, { record }: Instance): boolean {
  const pages = record.hibernation?.wake?.pages ?? null;
  return pages !== null && engine.bringsPages(pages);
}

/** Forgets an image that the running app needs no longer. In the instance's queue. */
export async function dropImage(world: World, instance: Instance): Promise<void> {
  const { hibernation, containerId, state } = instance.record;
  const awake = state === 'RUNNING' || state === 'SUSPENDED';
  if (!awake || hibernation === null || hibernation.image === null || needsImage(world, instance)) return;
  await world.images.remove(containerId);
  const wake = hibernation.wake && { ...hibernation.wake, pages: null };
  await instance.note({ hibernation: { ...hibernation, image: null, wake } });
}

/** A dump needs all pages where they belong. Throws TIMED_OUT, ABORTED. */
export async function pagesAreIn(world: World, instance: Instance, { signal, timeoutMs }: Wait): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (needsImage(world, instance)) {
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
