/** The app's environment: later sources win, and no name comes twice (which of two counts depends on the program). */
import type { App } from '../domain/app.ts';
import {
  DISPLAY_DIRECTORY,
  DISPLAY_NAME,
  INSIDE_DISPLAY_NAME,
  STORAGE_POINT,
  WAKE_NOTE_POINT,
  type DisplaySocket,
} from '../domain/rootfs.ts';
import { originIn, variablesOf } from './described.ts';
import { DEFAULT, from, leased, type Origin, type Origins } from './origins.ts';

const SEARCH_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

type Sources = {
  readonly app: App;
  /** `K=V` lines of a bundle. */
  readonly bundleEnv: readonly string[];
  readonly appId: string;
  readonly appInstanceId: string;
  /** Who said what of `app`, and where it is noted who set which variable. */
  readonly said: Origins;
  readonly trace: Origins;
  readonly display: DisplaySocket | null;
};

/** `K=V` lines. A bundle's line without `=` cannot be a variable and is left out. */
export function environment(sources: Sources): readonly string[] {
  const { app, bundleEnv, appId, appInstanceId, display, said, trace } = sources;
  const variables = new Map<string, string>();
  const set = (name: string, value: string, origin: Origin): void => {
    variables.set(name, value);
    trace.set(`process.env[${name}]`, origin);
  };
  set('PATH', SEARCH_PATH, DEFAULT);
  set('HOME', STORAGE_POINT, leased('storage'));
  if (app.hibernation.enabled) set('RUNTIME_MANAGER_WAKE', WAKE_NOTE_POINT, DEFAULT);
  if (app.terminal) set('TERM', 'xterm', from('caller', 'app.terminal'));
  for (const [name, value] of variablesOf(bundleEnv)) set(name, value, from('package', 'process.env'));
  // Upstream's names (DobbySpecGenerator); apps of RDK devices look for them.
  set('APPLICATION_NAME', appId, DEFAULT);
  set('APPLICATION_TOKEN', appInstanceId, DEFAULT);
  if (display !== null) {
    set('XDG_RUNTIME_DIR', DISPLAY_DIRECTORY, leased('display'));
    set('WAYLAND_DISPLAY', display.inside === null ? DISPLAY_NAME : INSIDE_DISPLAY_NAME, leased('display'));
  }
  for (const [name, value] of Object.entries(app.env)) {
    set(name, value, originIn({ app, origins: said }, `env[${name}]`));
  }
  return [...variables].map(([name, value]) => `${name}=${value}`);
}
