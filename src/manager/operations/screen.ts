/** What is on an app's display while it lives, and while it sleeps. */
import type { Screenshot } from '../../domain/api.ts';
import { RuntimeError } from '../../domain/errors.ts';
import type { DisplayControls } from '../../ports/displays.ts';
import type { InstanceRecord } from '../../ports/journal.ts';
import type { Wait } from '../../ports/wait.ts';
import type { Instance } from '../instance.ts';
import type { World } from '../world.ts';

/** A compositor answers within some ms; one that does not is not waited for. */
const ANSWER_MS = 3000;
const within = (signal?: AbortSignal): Wait => ({
  signal: signal ?? new AbortController().signal,
  timeoutMs: ANSWER_MS,
});

const controlsFor = ({ displays }: World, { app, live }: InstanceRecord): DisplayControls | null =>
  app.display === null || live === null ? null : displays.controls;

/**
 * Before a freeze: the last picture is kept, then nothing is drawn any more and no input arrives. What a frozen app would be sent
 * fills its socket, and libwayland ends an app whose socket is full. A display that does not answer stops no freeze.
 */
export async function hideScreen(world: World, { record }: Instance): Promise<void> {
  const controls = controlsFor(world, record);
  if (controls === null) return;
  const { appInstanceId, containerId } = record;
  try {
    await world.pictures.keep(containerId, await controls.screenshot(appInstanceId, within()));
    await controls.setVisible(appInstanceId, false, within());
  } catch (error) {
    world.log.warn({ err: error, appInstanceId }, 'the display of an app could not be hidden before it is frozen');
  }
}

/** After a thaw, or a freeze that failed. */
export async function showScreen(world: World, { record }: Instance): Promise<void> {
  const controls = controlsFor(world, record);
  if (controls === null) return;
  const { appInstanceId, containerId } = record;
  try {
    await controls.setVisible(appInstanceId, true, within());
    await world.pictures.remove(containerId);
  } catch (error) {
    world.log.warn({ err: error, appInstanceId }, 'the display of an app could not be shown again');
  }
}

/** After a restart of the daemon: as it was, but visible unless the app is frozen. */
export async function adoptScreen(world: World, instance: Instance): Promise<void> {
  const { record } = instance;
  const controls = controlsFor(world, record);
  if (controls === null) return;
  const { appInstanceId } = record;
  try {
    const isThere = await controls.adopt(appInstanceId, within());
    if (isThere && instance.state === 'RUNNING') await showScreen(world, instance);
    if (!isThere) world.log.warn({ appInstanceId }, 'the display of an app has died while no daemon was there');
  } catch (error) {
    world.log.warn({ err: error, appInstanceId }, 'the display of an app does not answer');
  }
}

/** Throws NOT_SUPPORTED for an app without a display of ours, ILLEGAL_STATE for one that has ended or not begun, DISPLAY_FAILED. */
export async function screenshot(world: World, { record }: Instance, signal: AbortSignal): Promise<Screenshot> {
  const { appInstanceId, containerId, state, app } = record;
  const { controls } = world.displays;
  if (app.display === null || controls === null || !world.displays.offered) {
    throw new RuntimeError('NOT_SUPPORTED', {
      what: `${appInstanceId} has no display that a picture could be taken of`,
      next: 'run it with a display, with displays.provider embedded',
    });
  }
  const kept = state === 'RUNNING' ? undefined : await world.pictures.find(containerId);
  if (kept !== undefined) return { png: kept.png.toString('base64'), takenAt: kept.takenAt, live: false };
  if (state !== 'RUNNING') {
    throw new RuntimeError('ILLEGAL_STATE', {
      what: `there is no picture of ${appInstanceId}: it is ${state}`,
      next: 'take one while it runs',
      details: { state },
    });
  }
  const png = await controls.screenshot(appInstanceId, within(signal)).catch((error: unknown) => {
    throw new RuntimeError('DISPLAY_FAILED', {
      what: `no picture of ${appInstanceId} could be taken`,
      cause: error,
    });
  });
  return { png: png.toString('base64'), takenAt: world.clock.now(), live: true };
}
