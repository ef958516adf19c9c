/** Tells what becomes of the apps' displays. */
import { isAlive } from '../domain/states.ts';
import type { DisplayEvent } from '../ports/displays.ts';
import type { EventBody, Instance } from './instance.ts';
import type { Instances } from './instances.ts';
import { placementOf } from './operations/displays.ts';
import type { World } from './world.ts';

export function watchScreens(world: World, instances: Instances): Disposable {
  const watch = world.displays.controls?.watch((id, event) => {
    const instance = instances.find(id);
    if (instance === undefined || !isAlive(instance.state)) return;
    if (event === 'died') void tellDeath(world, instance);
    else tell(world, instance, event);
  });
  return { [Symbol.dispose]: () => watch?.[Symbol.dispose]() };
}

function tell(world: World, instance: Instance, event: DisplayEvent): void {
  const { appId, appInstanceId } = instance.record;
  world.announcer
    .commit({ events: [{ appId, appInstanceId, ...BODIES[event](world, instance) }] })
    .catch((error: unknown) => {
      world.log.error({ err: error, appInstanceId, event }, 'an event of a display could not be written');
    });
}

/** A compositor in a container that ends goes a moment before it: that is no death of its own. */
const LAST_MOMENT_MS = 100;

async function tellDeath(world: World, instance: Instance): Promise<void> {
  const { live, app } = instance.record;
  if (placementOf(app) === 'container') {
    await world.clock.sleep(LAST_MOMENT_MS);
    const hasEnded = live === null || (await world.engine.ended(instance.record.containerId, live)) !== undefined;
    if (hasEnded || instance.record.live !== live || instance.state === 'TERMINATING') return;
  }
  tell(world, instance, 'died');
}

/** What was shown by which run; only the first picture of a run tells how long its launch took. */
const shown = new WeakMap<Instance, string>();

const BODIES: Readonly<Record<DisplayEvent, (world: World, instance: Instance) => EventBody>> = {
  ready: ({ clock }, instance) => {
    const { createdAt } = instance.record;
    const isFirst = !instance.inherited && shown.get(instance) !== createdAt;
    shown.set(instance, createdAt);
    return { type: 'displayReady', ms: isFirst ? Date.parse(clock.now()) - Date.parse(createdAt) : null };
  },
  gone: () => ({ type: 'displayGone' }),
  died: () => ({ type: 'displayDied' }),
};
