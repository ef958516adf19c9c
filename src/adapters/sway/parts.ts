import type { ContainerId } from '../../domain/ids.ts';
import type { Clock } from '../../ports/clock.ts';
import type { DisplaySize } from '../../ports/displays.ts';
import type { Processes } from '../../ports/processes.ts';
import type { RunTool } from '../process/run-tool.ts';
import type { Compositor } from './compositor.ts';
import type { LiveViewer } from './live-viewer.ts';

export type GroupLimits = { readonly memoryBytes: number; readonly pids: number };

/** A control group of its own for each display: what it uses is counted apart from the app, and its processes are found by it. */
export type DisplayGroups = {
  readonly enter: (id: ContainerId, pid: number, limits: GroupLimits) => void;
  /** Makes it; a process that is not there yet joins it by these files. */
  readonly prepare: (id: ContainerId, limits: GroupLimits) => readonly string[];
  readonly members: (id: ContainerId) => readonly number[];
  /** False when a process is still in it. */
  readonly remove: (id: ContainerId) => boolean;
  readonly known: () => readonly ContainerId[];
};

/** What the displays are made of. */
export type SwayParts = {
  /** Anybody may pass it and everything above; only root may write to it. */
  readonly directory: string;
  /** Directories of displays in containers, which live as long as their apps, over reboots too. Only root may pass it. */
  readonly insideDirectory: string;
  /** Undefined when this machine has none. */
  readonly compositor: Compositor | undefined;
  /** Undefined when this machine has none. */
  readonly viewer: LiveViewer | undefined;
  readonly searchPath: string;
  /** Of an app that wants none in particular. */
  readonly size: DisplaySize;
  readonly groups: DisplayGroups;
  readonly processes: Processes;
  readonly clock: Clock;
  readonly runTool: RunTool;
};
