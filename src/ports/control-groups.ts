/** cgroup v1, v2 and hybrid behind one face (cgroups(7)). Reads and writes are single system calls on kernel files. */
import type { ContainerId } from '../domain/ids.ts';
import type { Readings } from '../domain/info.ts';
import type { Limits } from '../domain/limits.ts';
import type { Wait } from './wait.ts';

export type Frozen = 'frozen' | 'thawed' | 'freezing';

/** `before`: what holds if not all of it can be put in force; absent: what can be is. */
export type LimitSwitch = { readonly before?: Limits; readonly after: Limits };

export type ControlGroups = {
  /** For config.json's linux.cgroupsPath. */
  readonly pathOf: (id: ContainerId) => string;
  readonly freeze: (id: ContainerId, wait: Wait) => Promise<void>;
  readonly thaw: (id: ContainerId, wait: Wait) => Promise<void>;
  /** Undefined when there is no such group. */
  readonly frozen: (id: ContainerId) => Frozen | undefined;
  readonly readings: (id: ContainerId) => Readings | undefined;
  /**
   * Puts what differs in force, and reads it back. Less than the app uses is refused, also where the kernel
   * would take it and end the app. Throws LIMIT_FAILED, NOT_SUPPORTED.
   */
  readonly setLimits: (id: ContainerId, change: LimitSwitch) => Promise<void>;
  /** Throws LIMIT_FAILED for what no app could be held to on this machine. */
  readonly refuseImpossible: (wanted: Limits) => void;
  /**
   * Before an app begins: reads back every limit that was asked for, writes what is otherwise, and has the kernel end all of the app
   * when it runs out of memory, where it can (v2). Throws LIMIT_FAILED naming the limit.
   */
  readonly enforce: (id: ContainerId, wanted: Limits) => Promise<void>;
  /** LIMIT_FAILED when the runtime failed at a limit, else the error itself. */
  readonly blameLimit: (error: unknown, wanted: Limits) => unknown;
  /** Times the kernel's OOM killer struck in it. */
  readonly oomKills: (id: ContainerId) => number;
  /** Every pid in it, in any hierarchy. */
  readonly members: (id: ContainerId) => readonly number[];
  /** Removes the empty group from each hierarchy. False when a process is still in it. */
  readonly remove: (id: ContainerId) => boolean;
  readonly known: () => readonly ContainerId[];
  /** Removes the parent group when it is empty, or so in a moment. */
  readonly close: () => Promise<void>;
};
