/** An app's display as the operations deal with it: taken before the container is made, given back after it is gone. */
import type { App } from '../../domain/app.ts';
import type { AppInstanceId } from '../../domain/ids.ts';
import { viewOf } from '../../domain/view.ts';
import { unhurried } from '../../domain/unhurried.ts';
import type { DisplayPlace, DisplaySize, Placement } from '../../ports/displays.ts';
import type { InstanceRecord } from '../../ports/journal.ts';
import type { World } from '../world.ts';

type Subject = { readonly appInstanceId: AppInstanceId; readonly app: App };

/** Null for an app that has none here. Throws DISPLAY_FAILED for one that cannot do without. */
export function placeOfDisplay({ displays }: World, { appInstanceId, app }: Subject): DisplayPlace | null {
  if (app.display === null || (!app.display.required && !displays.offered)) return null;
  return displays.placeOf(appInstanceId, placementOf(app));
}

/** Decided once for a run: what was started in one place is looked for there, whatever the configuration says later. */
export function withPlacement({ displays, engine }: World, app: App): App {
  if (app.display === null || app.display.placement !== undefined) return app;
  const { controls } = displays;
  // who is hibernated in place stays connected
  const isDumped = app.hibernation.enabled && engine.inPlace === undefined;
  // what is seen on a screen is connected to it, which cannot be hibernated
  const isInside = isDumped && controls?.canBeInside === true && controls.screen === null;
  return { ...app, display: { ...app.display, placement: isInside ? 'container' : 'host' } };
}

/** As callers want it last; null: nobody wants it otherwise than it is made. */
export function sizeOf(record: InstanceRecord): DisplaySize | null {
  const { width, height } = record.app.display ?? {};
  const asMade = width === undefined || height === undefined ? null : { width, height };
  return viewOf(record).size ?? asMade;
}

export const placementOf = ({ display }: App): Placement => display?.placement ?? 'host';

/** Throws DISPLAY_FAILED, ABORTED; what was made by then is given back with the container. */
export async function takeDisplay(world: World, record: InstanceRecord, signal: AbortSignal): Promise<void> {
  const { appInstanceId, app, uid, gid } = record;
  if (app.display === null || placeOfDisplay(world, record) === null) return;
  const { capabilities } = app.display;
  const order = { appInstanceId, uid, gid, size: sizeOf(record), capabilities, placement: placementOf(app) };
  await world.displays.createDisplay(order, { signal, timeoutMs: world.settings.startTimeoutMs });
}

/** What was taken may still come up while the container is made. Throws DISPLAY_FAILED, TIMED_OUT, ABORTED. */
export async function displayAnswers({ displays }: World, { app, appInstanceId }: InstanceRecord): Promise<void> {
  if (app.display !== null) await displays.controls?.answers(appInstanceId);
}

/** Of an app that sleeps: what its compositor needs for the wake stays. */
export async function restDisplay(world: World, record: InstanceRecord): Promise<void> {
  if (placementOf(record.app) === 'container') world.displays.controls?.letGo(record.appInstanceId);
  else await giveBackDisplay(world, record);
}

/** Repeatable; also after a start that failed, and when an earlier daemon took it. */
export async function giveBackDisplay({ displays, settings }: World, record: InstanceRecord): Promise<void> {
  if (record.app.display === null || !displays.offered) return;
  await displays.destroyDisplay(record.appInstanceId, unhurried(settings.killTimeoutMs));
}
