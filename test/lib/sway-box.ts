/** Displays of a test's own, without a daemon and without containers. */
import { mkdtemp, rm } from 'node:fs/promises';
import { chmodSync, mkdirSync, readFileSync } from 'node:fs';
import { spawn, type ChildProcess } from 'node:child_process';
import { dirname, join } from 'node:path';
import { displayGroups } from '../../src/adapters/cgroup/display-groups.ts';
import { systemClock } from '../../src/adapters/process/clock.ts';
import { linuxProcesses } from '../../src/adapters/process/processes.ts';
import { toolRunner } from '../../src/adapters/process/run-tool.ts';
import { findCompositor } from '../../src/adapters/sway/compositor.ts';
import { SwayDisplays } from '../../src/adapters/sway/displays.ts';
import { findLiveViewer } from '../../src/adapters/sway/live-viewer.ts';
import type { AppInstanceId } from '../../src/domain/ids.ts';
import type { DisplayOrder } from '../../src/ports/displays.ts';
import type { Wait } from '../../src/ports/wait.ts';
import { TOOLS } from './daemon.ts';
import { groupDirectories, processesWith } from './machine.ts';

export const SEARCH_PATH = '/usr/sbin:/usr/bin:/sbin:/bin';
export const BUNDLE = join(dirname(TOOLS), 'display');
/** Handed over as text: a test's user may not reach the project. */
const CLIENT = new URL('wayland-client.pl', import.meta.url);

const LIMIT_MS = 10_000;
export const wait = (): Wait => ({ signal: AbortSignal.timeout(LIMIT_MS), timeoutMs: LIMIT_MS });

export class SwayBox implements AsyncDisposable {
  readonly directory: string;
  readonly parent: string;
  readonly uid = 20_000_000 + process.pid * 10;
  readonly #clients: ChildProcess[] = [];

  constructor(directory: string) {
    this.directory = directory;
    this.parent = `/runtime-manager-box-${process.pid}`;
  }

  /** As one daemon has them; another call is the next daemon. */
  displays(bundle = BUNDLE, searchPath = SEARCH_PATH) {
    return new SwayDisplays({
      directory: join(this.directory, 'displays'),
      insideDirectory: join(this.directory, 'inside'),
      compositor: findCompositor({ bundle, searchPath }),
      viewer: findLiveViewer({ bundle: join(dirname(TOOLS), 'view'), searchPath }),
      searchPath: SEARCH_PATH,
      size: { width: 640, height: 360 },
      groups: displayGroups({
        parent: this.parent,
        clock: systemClock,
        mountInfo: readFileSync('/proc/self/mountinfo', 'utf8'),
      }),
      processes: linuxProcesses,
      clock: systemClock,
      runTool: toolRunner({ PATH: SEARCH_PATH }),
    });
  }

  order(appInstanceId: string, uid = this.uid): DisplayOrder {
    return {
      ...{ appInstanceId: appInstanceId as AppInstanceId, uid, gid: uid, placement: 'host' },
      ...{ size: null, capabilities: [] },
    };
  }

  /** One window of this colour (rrggbb) on a display, as its user. */
  client(socket: string, colour: string, uid = this.uid): ChildProcess {
    const ids = [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];
    const child = spawn('setpriv', [...ids, 'perl', '-e', readFileSync(CLIENT, 'utf8'), colour], {
      env: { PATH: SEARCH_PATH, XDG_RUNTIME_DIR: dirname(socket), WAYLAND_DISPLAY: socket },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#clients.push(child);
    return child;
  }

  /** Processes, control groups. */
  traces(): readonly string[] {
    return [
      ...processesWith(join(this.directory, 'displays')).map((pid) => `process ${pid}`),
      ...groupDirectories(this.parent).flatMap((path) => (path === '' ? [] : [path])),
    ];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#clients) child.kill('SIGKILL');
    const displays = this.displays();
    await displays.sweep([], wait());
    await displayGroups({
      parent: this.parent,
      clock: systemClock,
      mountInfo: readFileSync('/proc/self/mountinfo', 'utf8'),
    }).close();
    await rm(this.directory, { recursive: true });
  }
}

/** In /run, because the users of displays must be able to pass every directory above. */
export async function swayBox(): Promise<SwayBox> {
  const directory = await mkdtemp('/run/runtime-manager-box-');
  chmodSync(directory, 0o711);
  mkdirSync(join(directory, 'displays'), { mode: 0o711 });
  return new SwayBox(directory);
}
