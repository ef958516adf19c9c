/** Variables of an app that Dobby starts. HOME and PATH are not here: Dobby adds its own, and twice is once too often. */
import { STORAGE_POINT } from '../../domain/rootfs.ts';
import { originIn } from '../described.ts';
import { DEFAULT, leased, type Origin } from '../origins.ts';
import type { DobbyOrder } from './order.ts';

/** As it looks in the container: Dobby mounts the display's socket at /tmp/westeros. */
const WESTEROS = [
  ['XDG_RUNTIME_DIR', '/tmp'],
  ['WAYLAND_DISPLAY', 'westeros'],
  ['QT_WAYLAND_CLIENT_BUFFER_INTEGRATION', 'wayland-egl'],
  ['QT_WAYLAND_SHELL_INTEGRATION', 'wl-simple-shell'],
  ['QT_QPA_PLATFORM', 'wayland-sky-rdk'],
] as const;
const DEFAULT_SIZE = { width: 1920, height: 1080 };

/** `NAME=value`, each name once; the app's own win. */
export function dobbyEnvironment(order: DobbyOrder): string[] {
  const { described, appId, appInstanceId, origins, hasDisplay, rialtoSocket, wantsRialto } = order;
  const { app, platform } = described;
  const lines = new Map<string, string>();
  const set = (name: string, value: string, origin: Origin): void => {
    lines.set(name, value);
    origins.set(`env[${name}]`, origin);
  };
  set('APPLICATION_NAME', appId, DEFAULT);
  set('APPLICATION_TOKEN', appInstanceId, DEFAULT);
  set('PERSIST_STORAGE_PATH', STORAGE_POINT, leased('storage'));
  if (hasDisplay) {
    for (const [name, value] of WESTEROS) set(name, value, leased('display'));
    const { width = DEFAULT_SIZE.width, height = DEFAULT_SIZE.height } = app.display ?? DEFAULT_SIZE;
    const size = app.display?.width === undefined ? DEFAULT : originIn(described, 'display');
    set('WESTEROS_SINK_VIRTUAL_WIDTH', String(width), size);
    set('WESTEROS_SINK_VIRTUAL_HEIGHT', String(height), size);
    const { value, origin } = platform.resourceManager;
    if (value && described.rdk !== null) set('WESTEROS_SINK_USE_ESSRMGR', '1', origin);
  }
  if (wantsRialto && rialtoSocket !== null) set('RIALTO_SOCKET_PATH', rialtoSocket, leased('rialto session'));
  for (const [name, value] of Object.entries(app.env)) set(name, value, originIn(described, `env[${name}]`));
  return [...lines].map(([name, value]) => `${name}=${value}`);
}
