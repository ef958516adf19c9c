/** A Wayland socket that is there already, of a compositor that somebody else runs: all apps share it, and with it screen and input. */
import { lstat } from 'node:fs/promises';
import { RuntimeError } from '../../domain/errors.ts';
import { containerIdFor } from '../../domain/ids.ts';
import type { DisplayPlace, Displays } from '../../ports/displays.ts';
import type { AppInstanceId } from '../../domain/ids.ts';

/** `socket`: that the apps' users may connect to it is for whoever runs the compositor to see to. */
export function externalDisplay(socket: string): Displays {
  const placeOf = (id: AppInstanceId): DisplayPlace => ({
    displayName: `wst-${containerIdFor(id)}`,
    socket,
    inside: null,
  });
  return {
    offered: true,
    controls: null,
    placeOf,
    createDisplay: async (order) => {
      const found = await lstat(socket).catch(() => undefined);
      if (found?.isSocket() === true) return placeOf(order.appInstanceId);
      throw new RuntimeError('DISPLAY_FAILED', {
        what: `no display for ${order.appInstanceId}: there is no socket ${socket}`,
        next: 'start the compositor that displays.socket of the configuration names, or correct it',
      });
    },
    destroyDisplay: () => Promise.resolve(),
  };
}
