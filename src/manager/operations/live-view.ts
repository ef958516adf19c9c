/** Looking at an app's display live, from a browser. */
import type { Duplex } from 'node:stream';
import { RuntimeError } from '../../domain/errors.ts';
import { SET_UP } from '../../domain/set-up.ts';
import { viewPath, type ViewAddress } from '../../domain/wire.ts';
import type { Instance } from '../instance.ts';
import type { World } from '../world.ts';
import { ownScreen, type Screen } from './screen.ts';

/** As long as other operations of the app wait for it at most; 0.1 s is usual. */
const START_MS = 10_000;

/** Looks at nothing but whether it can be. Throws NOT_SUPPORTED. */
export function viewAddress(world: World, { record }: Instance): ViewAddress {
  viewableScreen(world, { record });
  const path = viewPath(record.appInstanceId);
  const base = world.settings.webAddress();
  return { path, url: base === null ? null : new URL(path, base).href };
}

/** In the instance's queue: no view comes up while the app is put to sleep. Throws NOT_SUPPORTED, ILLEGAL_STATE, DISPLAY_FAILED, BUSY. */
export async function openView(world: World, instance: Instance, signal: AbortSignal): Promise<Duplex> {
  const { controls, owner } = viewableScreen(world, instance);
  return instance.queue.push(async (overtaken) => {
    const { appInstanceId, state } = instance.record;
    if (state !== 'RUNNING') {
      throw new RuntimeError('ILLEGAL_STATE', {
        what: `${appInstanceId} is ${state}`,
        next: 'look at it while it runs',
        details: { state },
      });
    }
    return controls
      .openView(owner.appInstanceId, { signal: AbortSignal.any([signal, overtaken]), timeoutMs: START_MS })
      .catch((cause: unknown) => {
        const { code } = RuntimeError.of(cause);
        throw new RuntimeError(code === 'BUSY' || code === 'ABORTED' ? code : 'DISPLAY_FAILED', {
          what: `nobody can look at ${appInstanceId} now`,
          cause,
        });
      });
  });
}

function viewableScreen(world: World, { record }: Pick<Instance, 'record'>): Screen {
  const screen = ownScreen(world, record);
  if (screen.controls.canBeViewed) return screen;
  throw new RuntimeError('NOT_SUPPORTED', {
    what: 'displays cannot be looked at live: there is no wayvnc on this machine',
    next: `let the set-up fetch one (${SET_UP}), or: apt install --no-install-recommends wayvnc; then start the daemon anew`,
  });
}
