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

const SEARCH_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

type Sources = {
  readonly app: Pick<App, 'env' | 'terminal' | 'hibernation'>;
  /** `K=V` lines of a bundle. */
  readonly bundleEnv: readonly string[];
  readonly appId: string;
  readonly appInstanceId: string;
  readonly display: DisplaySocket | null;
};

/** `K=V` lines. A bundle's line without `=` cannot be a variable and is left out. */
export function environment({ app, bundleEnv, appId, appInstanceId, display }: Sources): readonly string[] {
  const variables = new Map<string, string>([
    ['PATH', SEARCH_PATH],
    ['HOME', STORAGE_POINT],
    ...(app.hibernation.enabled ? ([['RUNTIME_MANAGER_WAKE', WAKE_NOTE_POINT]] as const) : []),
    ...(app.terminal ? ([['TERM', 'xterm']] as const) : []),
  ]);
  for (const line of bundleEnv) {
    const end = line.indexOf('=');
    if (end > 0) variables.set(line.slice(0, end), line.slice(end + 1));
  }
  // Upstream's names (DobbySpecGenerator); apps of RDK devices look for them.
  variables.set('APPLICATION_NAME', appId);
  variables.set('APPLICATION_TOKEN', appInstanceId);
  if (display !== null) {
    variables.set('XDG_RUNTIME_DIR', DISPLAY_DIRECTORY);
    variables.set('WAYLAND_DISPLAY', display.inside === null ? DISPLAY_NAME : INSIDE_DISPLAY_NAME);
  }
  for (const [name, value] of Object.entries(app.env)) variables.set(name, value);
  return [...variables].map(([name, value]) => `${name}=${value}`);
}
