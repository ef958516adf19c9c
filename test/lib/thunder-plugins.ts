/** RDK's window manager and storage manager, as far as JSON-RPC shows them (facts/thunder.md §3.2, §3.3). */
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, rm } from 'node:fs/promises';
import type { Server } from 'node:net';
import { join } from 'node:path';
import { CoreError, type Plugin, type ThunderServer } from './thunder-server.ts';
import { westerosDisplay } from './westeros-display.ts';

export const WINDOW_MANAGER = 'org.rdk.RDKWindowManager';
export const STORAGE_MANAGER = 'org.rdk.AppStorageManager';

export type WindowManagerPlugin = AsyncDisposable & {
  readonly plugin: Plugin;
  /** Parameters of every createDisplay. */
  readonly asked: Readonly<Record<string, unknown>>[];
  /** Client ids of the displays that are there, in small letters. */
  readonly displays: () => readonly string[];
  /** Waited for before a display is made. */
  hold: Promise<unknown>;
};

/** RDKWindowManager's loop draws about 40 pictures a second; a display that was killed goes with the next one. */
const FRAME_MS = 25;

/**
 * Upstream's CompositorController (rdk-window-manager, src/compositorcontroller.cpp): names are compared in small letters
 * (standardizeName), a name that it has is refused (createDisplay), and a display is killed when any client of it that had bound
 * wl_compositor goes, whatever others there are (onEvent, APPLICATION_DISCONNECTED). Its socket goes with the next picture (draw).
 */
export function windowManagerPlugin(server: ThunderServer, directory: string): WindowManagerPlugin {
  const displays = new Map<string, Server>();

  async function make(clientId: string, path: string, owner: readonly [uid: number, gid: number]): Promise<void> {
    const display = await westerosDisplay(path, (status) => {
      const event = status === 'connected' ? 'onConnected' : 'onDisconnected';
      server.emit(WINDOW_MANAGER, event, { clientId });
      if (status === 'connected' || displays.get(clientId) !== display) return;
      displays.delete(clientId);
      // closing removes the socket
      setTimeout(() => display.close(), FRAME_MS);
    });
    await chown(path, ...owner);
    await chmod(path, 0o600);
    displays.set(clientId, display);
  }

  const made: WindowManagerPlugin = {
    asked: [],
    hold: Promise.resolve(),
    displays: () => [...displays.keys()],
    plugin: {
      active: true,
      methods: {
        createDisplay: async (params) => {
          made.asked.push(params);
          await made.hold;
          const { displayName = '', ownerId = 0, groupId = 0 } = params;
          const path = join(directory, String(displayName));
          const clientId = (typeof params['clientId'] === 'string' ? params['clientId'] : '').toLowerCase();
          if (clientId === '' || displays.has(clientId) || existsSync(path)) throw new CoreError(1, 'ERROR_GENERAL');
          await make(clientId, path, [Number(ownerId), Number(groupId)]);
          return null;
        },
      },
    },
    [Symbol.asyncDispose]: async () => {
      for (const display of displays.values()) display.close();
      await Promise.resolve();
    },
  };
  server.plugins.set(WINDOW_MANAGER, made.plugin);
  return made;
}

type StorageOptions = {
  readonly directory: string;
  /** Whether this build hands storage out by JSON-RPC; upstream's does not. */
  readonly getStorage: boolean;
};

export function storageManagerPlugin(server: ThunderServer, { directory, getStorage }: StorageOptions): Plugin {
  const hand = async ({ appId, userId, groupId }: Readonly<Record<string, unknown>>): Promise<object> => {
    const path = join(directory, String(appId));
    await mkdir(path, { recursive: true, mode: 0o700 });
    await chown(path, Number(userId), Number(groupId));
    return { path, size: 1024, used: 0 };
  };
  const clear = async ({ appId }: Readonly<Record<string, unknown>>): Promise<string> => {
    await rm(join(directory, String(appId)), { recursive: true, force: true });
    return '';
  };
  const plugin: Plugin = { active: true, methods: { clear, ...(getStorage && { getStorage: hand }) } };
  server.plugins.set(STORAGE_MANAGER, plugin);
  return plugin;
}
