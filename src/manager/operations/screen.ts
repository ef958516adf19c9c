/** What is on an app's display while it lives, and while it sleeps. */
import type { Screenshot } from '../../domain/api.ts';
import { RuntimeError } from '../../domain/errors.ts';
import type { AppInstanceId } from '../../domain/ids.ts';
import { viewOf, type DisplayView } from '../../domain/view.ts';
import type { DisplayControls, DisplayOwner } from '../../ports/displays.ts';
import type { InstanceRecord } from '../../ports/journal.ts';
import type { Wait } from '../../ports/wait.ts';
import type { Instance } from '../instance.ts';
import type { World } from '../world.ts';
import { placementOf, sizeOf } from './displays.ts';

/** A compositor answers within some ms; one that does not is not waited for. */
const ANSWER_MS = 3000;
const within = (signal?: AbortSignal): Wait => ({
  signal: signal ?? new AbortController().signal,
  timeoutMs: ANSWER_MS,
});

/** From the last thing that a hidden app may still be told until it has heard it: what lies in a socket at a dump can be its end. */
const SETTLE_MS = 200;

export type Screen = { readonly controls: DisplayControls; readonly owner: DisplayOwner };

function screenOf({ displays }: World, record: InstanceRecord): Screen | null {
  const { app, appInstanceId, uid, gid } = record;
  if (app.display === null || displays.controls === null || !displays.offered) return null;
  const owner = { appInstanceId, uid, gid, placement: placementOf(app), size: sizeOf(record) };
  return { controls: displays.controls, owner };
}

export const hasScreen = (world: World, record: InstanceRecord): boolean => screenOf(world, record) !== null;

/** Throws NOT_SUPPORTED for an app without a display of ours. */
export function ownScreen(world: World, record: InstanceRecord): Screen {
  const screen = screenOf(world, record);
  if (screen !== null) return screen;
  const { appInstanceId, app } = record;
  const isForeign = app.display !== null && world.displays.offered;
  throw new RuntimeError('NOT_SUPPORTED', {
    what: isForeign ? `the display of ${appInstanceId} belongs to somebody else` : `${appInstanceId} has no display`,
    next: isForeign
      ? 'ask the compositor that displays.provider of the configuration names'
      : 'run it with a display, with displays.provider embedded',
  });
}

type ViewStep = { readonly before: DisplayView; readonly after: DisplayView };

/** Throws DISPLAY_FAILED, TIMED_OUT. */
export async function applyView(
  controls: DisplayControls,
  id: AppInstanceId,
  { before, after }: ViewStep,
): Promise<void> {
  const { size, visible } = after;
  const isOther = size?.width !== before.size?.width || size?.height !== before.size?.height;
  if (size !== null && isOther) await controls.resize(id, size, within());
  if (visible !== before.visible) await controls.setVisible(id, visible, within());
}

/** Whatever fails here is told in the log and stops nothing: the app counts, not its picture. */
async function tryWith(world: World, { record }: Instance, work: (screen: Screen) => Promise<void>): Promise<void> {
  const screen = screenOf(world, record);
  if (screen === null) return;
  await work(screen).catch((error: unknown) => {
    world.log.warn(
      { err: error, appInstanceId: record.appInstanceId },
      'the display of an app does not do as it should',
    );
  });
}

/** A compositor in the app's container comes up with it; who wants a picture of it waits for that. */
export function followScreen(world: World, instance: Instance): void {
  const following = tryWith(world, instance, async ({ controls, owner }) => {
    try {
      if (owner.placement === 'container') {
        await controls.adopt(owner, { ...within(), timeoutMs: world.settings.startTimeoutMs });
      }
      // started again by its restart policy, it has the size that was asked for already
      if (!viewOf(instance.record).visible) await controls.setVisible(owner.appInstanceId, false, within());
    } catch (error) {
      // an app that has ended meanwhile needs no display
      if (instance.state === 'RUNNING') throw error;
    }
  });
  // told in the log by tryWith; the app runs on
  following.catch(() => undefined);
}

/**
 * Before a freeze: the last picture is kept, then nothing is drawn any more and no input arrives. What a frozen app would be sent
 * fills its socket, and libwayland ends an app whose socket is full. A display that does not answer stops no freeze.
 */
export async function hideScreen(world: World, instance: Instance): Promise<void> {
  await endViews(world, instance);
  await tryWith(world, instance, async ({ controls, owner: { appInstanceId, placement } }) => {
    const { containerId } = instance.record;
    const kept = controls.screenshot(appInstanceId, within()).then((png) => world.pictures.keep(containerId, png));
    await kept.catch((error: unknown) => {
      world.log.warn({ err: error, appInstanceId }, 'the last picture of an app could not be taken');
    });
    await controls.setVisible(appInstanceId, false, within());
    if (placement === 'host') return;
    // what stands still with a connection from outside in it cannot be dumped, and a frozen compositor notices no end of one
    controls.letGo(appInstanceId);
    await world.clock.sleep(SETTLE_MS);
  });
}

/** Who looks live is connected from outside and sends input. They come back by themselves. */
const endViews = (world: World, instance: Instance): Promise<void> =>
  tryWith(world, instance, ({ controls, owner }) => controls.endView(owner.appInstanceId));

/** As callers want it, after a thaw, a wake, or a freeze that failed. */
export const showScreen = (world: World, instance: Instance): Promise<void> =>
  tryWith(world, instance, async ({ controls, owner }) => {
    await controls.adopt(owner, within());
    const { size, visible } = viewOf(instance.record);
    // what was asked for while it stood still
    if (size !== null) await controls.resize(owner.appInstanceId, size, within());
    await controls.setVisible(owner.appInstanceId, visible, within());
    await world.pictures.remove(instance.record.containerId);
  });

/** Looks at an app to whose display this daemon is not connected, if only for this moment. In the instance's queue. */
export async function withoutUs<Result>(
  world: World,
  instance: Instance,
  look: () => Promise<Result>,
): Promise<Result> {
  const screen = screenOf(world, instance.record);
  if (screen?.owner.placement !== 'container' || instance.state !== 'RUNNING') return look();
  await endViews(world, instance);
  screen.controls.letGo(screen.owner.appInstanceId);
  await world.clock.sleep(SETTLE_MS);
  try {
    return await look();
  } finally {
    followScreen(world, instance);
  }
}

/** After a restart of the daemon; a compositor in a frozen app is frozen, too. False when the display has died meanwhile. */
export async function adoptScreen(world: World, instance: Instance): Promise<boolean> {
  let isThere = true;
  await tryWith(world, instance, async ({ controls, owner }) => {
    if (owner.placement === 'host') isThere = await controls.adopt(owner, within());
    if (isThere && instance.state === 'RUNNING') await showScreen(world, instance);
  });
  return isThere;
}

/** Throws NOT_SUPPORTED for an app without a display of ours, ILLEGAL_STATE for one that has ended or not begun, DISPLAY_FAILED. */
export async function screenshot(world: World, { record }: Instance, signal: AbortSignal): Promise<Screenshot> {
  const { appInstanceId, containerId, state } = record;
  const screen = ownScreen(world, record);
  const kept = state === 'RUNNING' ? undefined : await world.pictures.find(containerId);
  if (kept !== undefined) return { png: kept.png.toString('base64'), takenAt: kept.takenAt, live: false };
  if (state !== 'RUNNING') {
    throw new RuntimeError('ILLEGAL_STATE', {
      what: `there is no picture of ${appInstanceId}: it is ${state}`,
      next: 'take one while it runs',
      details: { state },
    });
  }
  const png = await screen.controls.screenshot(appInstanceId, within(signal)).catch((error: unknown) => {
    throw new RuntimeError('DISPLAY_FAILED', {
      what: `no picture of ${appInstanceId} could be taken`,
      cause: error,
    });
  });
  return { png: png.toString('base64'), takenAt: world.clock.now(), live: true };
}
