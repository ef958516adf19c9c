/** An app whose display has died cannot be seen or used any more, and nothing can bring the display back to it: it follows. */
import type { Instance } from '../instance.ts';
import type { World } from '../world.ts';
import { during, endWithin } from './operation.ts';
import { announceEnding, askToEnd } from './terminate-kill.ts';

/** Most programs end as soon as they hear of it, with words and a code of their own. */
const OWN_END_MS = 1000;

/** At once its end is known to be that of its display, whenever it comes. */
export function followDisplay(world: World, instance: Instance): void {
  instance.hasLostDisplay = true;
  instance.queue
    .push((signal) => during(instance, 'terminate', () => follow(world, instance, signal)))
    .catch((error: unknown) => {
      const { appInstanceId } = instance.record;
      world.log.error({ err: error, appInstanceId }, 'an app could not be ended after its display');
    });
}

async function follow(world: World, instance: Instance, signal: AbortSignal): Promise<void> {
  if (instance.state !== 'RUNNING' && instance.state !== 'SUSPENDED') {
    // asleep by now: its next display is a new one
    instance.hasLostDisplay = false;
    return;
  }
  const isFrozen = instance.state === 'SUSPENDED';
  if (!isFrozen && (await endWithin(instance, { signal, timeoutMs: OWN_END_MS })) !== undefined) return;
  if (signal.aborted) return;
  await announceEnding(world, instance, { via: 'TERMINATING', ending: 'display-died', why: 'its display has died' });
  await askToEnd(world, instance, signal);
}
