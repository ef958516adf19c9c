/** Displays and storage, from whom the configuration says. */
import { mkdir } from 'node:fs/promises';
import { externalDisplay } from '../adapters/displays/external.ts';
import { noDisplays } from '../adapters/displays/none.ts';
import { systemClock } from '../adapters/process/clock.ts';
import { appStorage } from '../adapters/rdk/app-storage.ts';
import { Thunder } from '../adapters/rdk/thunder.ts';
import { windowManager } from '../adapters/rdk/window-manager.ts';
import { toolRunner } from '../adapters/process/run-tool.ts';
import { directories } from '../adapters/storage/directories.ts';
import type { Config } from '../config.ts';
import type { Layout } from '../domain/layout.ts';
import type { Displays } from '../ports/displays.ts';
import type { Log } from '../ports/log.ts';
import type { Storage } from '../ports/storage.ts';
import { embeddedDisplays, type DisplayOptions } from './displays.ts';
import { thunderUrl } from './thunder-url.ts';

type Options = {
  readonly config: Config;
  readonly places: Layout;
  readonly log: Log;
  readonly env: NodeJS.ProcessEnv;
  readonly embedded: DisplayOptions;
  /** PATH for the host tools. */
  readonly searchPath: string;
};

type Neighbours = {
  readonly displays: Displays;
  readonly storage: Storage;
  /** Ends what is under way to them. */
  readonly close: () => Promise<void>;
};

export async function buildNeighbours(options: Options): Promise<Neighbours> {
  const { config, places, log, env, searchPath } = options;
  const base = config.storage.directory ?? places.apps;
  await mkdir(base, { recursive: true, mode: 0o700 });
  const embedded = directories(toolRunner({ PATH: searchPath, LC_ALL: 'C.UTF-8' }), {
    directory: base,
    volumeDirectory: places.volumes,
  });
  const own = await ownDisplays(options);
  const { displays, storage } = config;
  if (displays.provider !== 'rdk' && storage.provider === 'embedded') return { ...own, storage: embedded };
  const { tokenFile, callTimeoutMs } = config.thunder;
  const url = thunderUrl(config.thunder, env);
  const thunder = new Thunder({ url, tokenFile, callTimeoutMs, log });
  const directory = displays.directory ?? (env['XDG_RUNTIME_DIR'] || '/tmp');
  return {
    displays: displays.provider === 'rdk' ? windowManager({ thunder, directory, clock: systemClock }) : own.displays,
    storage: storage.provider === 'rdk' ? appStorage({ thunder, otherwise: embedded, log }) : embedded,
    close: async () => {
      thunder.close();
      await own.close();
    },
  };
}

/** Those that need no other service. */
async function ownDisplays({ config, embedded }: Options): Promise<Pick<Neighbours, 'displays' | 'close'>> {
  const { provider, socket } = config.displays;
  if (provider === 'external' && socket !== undefined) return { displays: externalDisplay(socket), close: nothing };
  if (provider !== 'embedded') return { displays: noDisplays, close: nothing };
  const displays = await embeddedDisplays(embedded);
  return { displays, close: () => displays.close() };
}

const nothing = (): Promise<void> => Promise.resolve();
