/** Tells what becomes of the apps' displays. */
import { isAlive } from '../domain/states.ts';
import type { DisplayEvent } from '../ports/displays.ts';
import type { EventBody, Instance } from './instance.ts';
import type { Instances } from './instances.ts';
import { LatestOnly } from './latest-only.ts';
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
    if (event === 'ready' || event === 'gone') tellOfWindows(world, instance, event);
    else tell(world, instance, BODIES[event]);
    if (event === 'died') {
      windows.get(instance)?.news.forget();
      followDisplay(world, instance);
    }
  });
  return { [Symbol.dispose]: () => watch?.[Symbol.dispose]() };
}

const BODIES = { connected: { type: 'displayConnected' }, died: { type: 'displayDied' } } as const;

function tell(world: World, instance: Instance, body: EventBody): void {
  const { appId, appInstanceId } = instance.record;
  world.announcer.commit({ events: [{ appId, appInstanceId, ...body }] }).catch((error: unknown) => {
    world.log.error({ err: error, appInstanceId, event: body.type }, 'an event of a display could not be written');
  });
}

type Windows = { readonly news: LatestOnly<DisplayEvent>; run: string; isHeldBack: boolean };

/** Of each app: it opens and closes windows as often as it likes. The allowance is the same over its runs. */
const windows = new WeakMap<Instance, Windows>();

function tellOfWindows(world: World, instance: Instance, event: 'ready' | 'gone'): void {
  const { createdAt, appInstanceId } = instance.record;
  const own = windows.get(instance) ?? { news: new LatestOnly<DisplayEvent>(), run: '', isHeldBack: false };
  windows.set(instance, own);
  const isOtherRun = own.run !== createdAt;
  if (isOtherRun) own.news.forget();
  own.run = createdAt;
  const body = event === 'gone' ? ({ type: 'displayGone' } as const) : ready(world, instance, isOtherRun);
  const waits = own.news.take({
    kind: event,
    tell: () => {
      if (own.run === instance.record.createdAt && isAlive(instance.state)) tell(world, instance, body);
    },
  });
  if (waits && !own.isHeldBack) {
    const next = 'the last change is told some seconds later';
    world.log.warn({ appInstanceId, next }, 'an app shows and hides its windows so often that not all of it is told');
  }
  own.isHeldBack = waits;
}

/** Only the first picture of a run tells how long its launch took. */
function ready({ clock }: World, { inherited, record }: Instance, isOtherRun: boolean): EventBody {
  const isFirst = !inherited && isOtherRun;
  return { type: 'displayReady', ms: isFirst ? Date.parse(clock.now()) - Date.parse(record.createdAt) : null };
}
