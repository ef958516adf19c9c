/** Displays of our own: a compositor for each app. */
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { displayGroups } from '../adapters/cgroup/display-groups.ts';
import { systemClock } from '../adapters/process/clock.ts';
import { linuxProcesses } from '../adapters/process/processes.ts';
import { toolRunner } from '../adapters/process/run-tool.ts';
import { findCompositor } from '../adapters/sway/compositor.ts';
import { SwayDisplays } from '../adapters/sway/displays.ts';
import { findLiveViewer } from '../adapters/sway/live-viewer.ts';
import { groupsOf, type AppPlace } from './app-place.ts';
import type { ScreenOptions } from '../adapters/sway/parent-screen.ts';
import type { SwayParts } from '../adapters/sway/parts.ts';

export type DisplayOptions = {
  readonly stateDirectory: string;
  /** Anybody may pass it. */
  readonly openDirectory: string;
  readonly appPlace: AppPlace;
  readonly searchPath: string;
  /** Directory of the host tools, if one was named; the set-up makes the compositor and the live view beside it. */
  readonly tools: string | undefined;
  readonly parent: ScreenOptions | undefined;
};

/** Of an app that wants no size in particular: what most screens can show, in a quarter of the memory of the next size. */
const SIZE = { width: 1280, height: 720 };

export async function embeddedDisplays(options: DisplayOptions): Promise<SwayDisplays> {
  const { stateDirectory, openDirectory, appPlace, searchPath, tools, parent } = options;
  const directory = `${openDirectory}/displays`;
  mkdirSync(directory, { recursive: true, mode: 0o711 });
  const beside = (name: string) => (tools === undefined ? undefined : `${dirname(tools)}/${name}`);
  const mountInfo = readFileSync('/proc/self/mountinfo', 'utf8');
  const parts: SwayParts = {
    directory,
    insideDirectory: `${stateDirectory}/displays`,
    compositor: findCompositor({ bundle: beside('display'), searchPath }),
    viewer: findLiveViewer({ bundle: beside('view'), searchPath }),
    searchPath,
    size: SIZE,
    groups: displayGroups({ ...groupsOf(appPlace), clock: systemClock, mountInfo }),
    processes: linuxProcesses,
    clock: systemClock,
    runTool: toolRunner({ PATH: searchPath }),
  };
  if (parent === undefined) return new SwayDisplays(parts);
  // few devices have one
  const { ParentScreen } = await import('../adapters/sway/parent-screen.ts');
  return new SwayDisplays(parts, new ParentScreen(parts, parent));
}
