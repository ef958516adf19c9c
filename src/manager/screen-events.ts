/** Tells what becomes of the apps' displays. */
import { isAlive } from '../domain/states.ts';
import type { DisplayEvent } from '../ports/displays.ts';
import type { EventBody, Instance } from './instance.ts';
import type { Instances } from './instances.ts';
import { placementOf } from './operations/displays.ts';
import { followDisplay } from './operations/follow-display.ts';
import type { World } from './world.ts';

export function watchScreens(world: World, instances: Instances): Disposable {
  const watch = world.displays.controls?.watch((id, event) => {
    const instance = instances.find(id);
    if (instance === undefined || !isAlive(instance.state)) return;
    const { live, app } = instance.record;
    // a compositor in a container that ends goes with it: that is no death of its own
    const goesAlong = placementOf(app) === 'container' && (live === null || world.engine.isEnding(live));
    if (goesAlong && (event === 'gone' || event === 'died')) return;
    tell(world, instance, event);
    if (event === 'died') followDisplay(world, instance);
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

/** What was shown by which run; only the first picture of a run tells how long its launch took. */
const shown = new WeakMap<Instance, string>();

const BODIES: Readonly<Record<DisplayEvent, (world: World, instance: Instance) => EventBody>> = {
  connected: () => ({ type: 'displayConnected' }),
  ready: ({ clock }, instance) => {
    const { createdAt } = instance.record;
    const isFirst = !instance.inherited && shown.get(instance) !== createdAt;
    shown.set(instance, createdAt);
    return { type: 'displayReady', ms: isFirst ? Date.parse(clock.now()) - Date.parse(createdAt) : null };
  },
  gone: () => ({ type: 'displayGone' }),
  died: () => ({ type: 'displayDied' }),
};
