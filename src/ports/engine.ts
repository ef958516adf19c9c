/**
 * What runs containers. The embedded engine is made of an OCI runtime, a monitor and control groups; Dobby, a daemon of its own, is
 * another one. Containers are never children of our daemon, and what an engine says of them is looked up, not remembered.
 */
import type { App } from '../domain/app.ts';
import type { ContainerId } from '../domain/ids.ts';
import type { Phases, Proof } from '../domain/hibernation.ts';
import type { Readings } from '../domain/info.ts';
import type { Limits } from '../domain/limits.ts';
import type { EngineReport } from '../domain/results.ts';
import type { SpecFormat } from '../domain/spec.ts';
import type { Wiring } from './networks.ts';
import type { ControlGroups } from './control-groups.ts';
import type { Execs } from './execs.ts';
import type { ProcessId } from './processes.ts';
import type { Wait } from './wait.ts';

export type StartOrder = {
  readonly id: ContainerId;
  /** In the engine's {@link Engine.format}. OCI: version 1.x, root.path absolute. */
  readonly config: object;
  /** Those of the configuration; in force when the app begins. */
  readonly limits: Limits;
  /** What the app is to have of the network: for an engine that makes it itself. */
  readonly wishes: Pick<App, 'network' | 'ports' | 'hostPorts'>;
  /** Wayland socket on the host, for an engine that binds it in itself; others find it in the configuration. */
  readonly displaySocket: string | null;
  readonly logFile: string;
  readonly logMaxBytes: number;
  readonly terminal: boolean;
  readonly network: Wiring;
  /** Between its creation and its start: what it needs may come meanwhile. What this throws fails the start. */
  readonly beforeStart?: () => Promise<void>;
};

/** How an engine that is a daemon of its own addresses a container, and in which life of that daemon: in the next one it is void. */
export type EngineHandle = { readonly life: string; readonly descriptor: number };

/** A container's first process, and the monitor that will write its exit code. */
export type Live = {
  /** Pid 0, which nobody has, when it had ended before anybody could look. */
  readonly init: ProcessId;
  readonly monitor: ProcessId | null;
  readonly handle?: EngineHandle;
};

export type Ended = {
  /** As conmon writes it: 0–255, 128 + signal; null when nobody saw it. */
  readonly code: number | null;
  readonly oom: boolean;
  /** A signal ended it, also when nobody could tell which. */
  readonly signalled?: boolean;
  /** The engine itself has ended, and all of its containers with it. */
  readonly engineLost?: boolean;
};

/** `failureLog`: where CRIU's log goes when it fails; details of the error name it as `log`. */
type CriuOrder = { readonly id: ContainerId; readonly tcp: 'close' | 'keep'; readonly failureLog: string };

export type CheckpointOrder = CriuOrder & {
  readonly live: Live;
  /** Empty, there, and enterable for others; filled with the image. */
  readonly imageDirectory: string;
};

export type RestoreOrder = CriuOrder &
  StartOrder & {
    readonly imageDirectory: string;
    /** Pages come when they are touched, and by themselves after that; the image must stay until {@link Restored.pages} is done. */
    readonly lazyPages: boolean;
  };

export type PagesState = 'coming' | 'in' | 'lost';

export type Restored = {
  readonly live: Live;
  readonly phases: Phases;
  /** The process that still brings pages from the image; null when all are there. */
  readonly pages: ProcessId | null;
};

/** The truth about one container at this moment. */
export type Inspection =
  | { readonly status: 'absent' }
  /** Something is there, but it does not run the app: half made, or left over. */
  | { readonly status: 'remains' }
  /** `asleep`: hibernated in place. */
  | { readonly status: 'running' | 'frozen' | 'asleep'; readonly live: Live }
  | { readonly status: 'ended'; readonly ended: Ended };

/** `known` is the pair that ran and has ended; null when nobody knows who may still be at work on the container. */
export type Removal = Wait & { readonly known: Live | null };

/** An entry of `mounts` in config.json. */
export type BoundMount = { readonly destination: string };

export type WantedMount = {
  /** Absolute, of the host. */
  readonly source: string;
  /** Absolute, in the app, without links, dots and double slashes. */
  readonly destination: string;
  readonly readOnly: boolean;
  /** The same as it would stand in the container's config.json. */
  readonly bound: BoundMount;
};

export type MountOrder = Wait & { readonly live: Live; readonly mount: WantedMount };
export type UnmountOrder = Wait & { readonly live: Live; readonly destination: string };

/**
 * Hibernation by an engine that keeps the processes and writes their memory out itself: no image of ours, nothing survives a reboot
 * or the end of the engine.
 */
export type InPlace = {
  /** Throws CHECKPOINT_FAILED, TIMED_OUT, ABORTED; then it is as it was before, frozen or not, or has ended. */
  readonly hibernate: (
    id: ContainerId,
    order: Wait & { readonly live: Live; readonly from: 'RUNNING' | 'SUSPENDED' },
  ) => Promise<Phases>;
  /** It runs when this returns. Throws RESTORE_FAILED, TIMED_OUT, ABORTED. */
  readonly wake: (id: ContainerId, order: Wait & { readonly live: Live }) => Promise<Phases>;
};

export type Engine = Execs & {
  readonly name: string;
  readonly runtimeName: string;
  /** What its containers are made from. Throws ENGINE_UNAVAILABLE when that depends on somebody who is not there. */
  readonly format: () => Promise<SpecFormat>;
  /** Asks the engine; never throws. */
  readonly report: (wait: Wait) => Promise<EngineReport>;
  /** Throws NOT_SUPPORTED for what it cannot give an app, before anything is begun. Absent: it can give all. */
  readonly refuse?: (app: App) => void;
  /**
   * Notes for the caller on a configuration in the engine's own format. Throws NOT_SUPPORTED, NEIGHBOUR_FAILED, ENGINE_UNAVAILABLE for
   * what it cannot start as it is now, before anything is begun. Absent: the start says it.
   */
  readonly check?: (config: object) => Promise<readonly string[]>;
  /** Absent: `checkpoint` and `restore` are used. */
  readonly inPlace?: InPlace;
  /** Shows an annotation (null: none any more) to others who look at the engine. Absent: nobody looks there. */
  readonly annotate?: (
    id: ContainerId,
    live: Live,
    annotation: readonly [key: string, value: string | null],
  ) => Promise<void>;
  /**
   * Tries it the first time that it is asked. Never throws. Undefined, or absent: no trial is needed, since what stands in the way is
   * seen in other ways.
   */
  readonly hibernates?: () => Promise<Proof | undefined>;
  /** For config.json's linux.cgroupsPath; an engine that chooses it itself says here what it will be. */
  readonly cgroupsPath: (id: ContainerId) => string;
  /** Creates and starts a container. When it throws (START_FAILED, LIMIT_FAILED, TIMED_OUT, ABORTED), the caller calls `remove`. */
  readonly start: (order: StartOrder, wait: Wait) => Promise<Live>;
  /** Every process of the container stands still when this returns. Throws SUSPEND_FAILED, and then it runs on. */
  readonly suspend: (id: ContainerId, wait: Wait) => Promise<void>;
  readonly resume: (id: ContainerId, wait: Wait) => Promise<void>;
  /**
   * Dumps a container and ends it. Throws CHECKPOINT_FAILED, TIMED_OUT, ABORTED; then it is as it was before, frozen or not.
   * What it held is still to be given back with `remove`.
   */
  readonly checkpoint: (order: CheckpointOrder, wait: Wait) => Promise<Phases>;
  /** Brings a container back from an image. When it throws (RESTORE_FAILED, TIMED_OUT, ABORTED), the caller calls `remove`. */
  readonly restore: (order: RestoreOrder, wait: Wait) => Promise<Restored>;
  /** Waits for a dump that a daemon left at work when it was killed. True when it has succeeded and the container is gone. */
  readonly finishCheckpoint: (
    id: ContainerId,
    finish: { readonly live: Live; readonly from: 'RUNNING' | 'SUSPENDED' } & Wait,
  ) => Promise<boolean>;
  /**
   * Waits for a restore that a daemon left at work when it was killed. True when it had to be stopped, because the time was over:
   * then what it made is for `remove`.
   */
  readonly interruptRestore: (id: ContainerId, wait: Wait) => Promise<boolean>;
  /** Does the rest of a restore whose daemon was killed when the container was back. The pages process, if one still works. */
  readonly finishRestore: (
    id: ContainerId,
    finish: { readonly live: Live; readonly network: Wiring } & Wait,
  ) => Promise<ProcessId | null>;
  /** Whether this process, one of {@link Restored.pages}, still works, has done its work, or was stopped before that. */
  readonly pagesOf: (id: ContainerId, pages: ProcessId) => PagesState;
  /** The config.json of a container that is there. */
  readonly configOf: (id: ContainerId) => Promise<object>;
  /** Host pids of all its processes. */
  readonly members: (id: ContainerId) => readonly number[];
  /** SIGTERM to the first process, which hands it to the app; a frozen container is thawed to hear it. */
  readonly terminate: (id: ContainerId, live: Live) => Promise<void>;
  /** SIGKILL to every process, frozen or not. Needs no tool, so it works while the runtime hangs. */
  readonly kill: (id: ContainerId, live: Live) => Promise<void>;
  /** `known` is what was last seen, for containers that may have lost their files. */
  readonly inspect: (id: ContainerId, known: Live | null) => Promise<Inspection>;
  /** How it ended, as soon as it can be known; undefined while it runs. */
  readonly ended: (id: ContainerId, live: Live) => Promise<Ended | undefined>;
  /** Removes what a container leaves: processes, runtime state, cgroups, bundle. Never follows a mount. */
  readonly remove: (id: ContainerId, removal: Removal) => Promise<void>;
  /** Whether its first process has begun to end, and takes all others with it. Looked up at this moment. */
  readonly isEnding: (live: Live) => boolean;
  /** Whether its exit code will be seen. */
  readonly isMonitored: (live: Live) => boolean;
  /**
   * Binds a file or directory of the host into a container that runs or stands still; it is dumped and restored with it. Throws
   * INVALID_ARGUMENT, CONFLICT, MOUNT_FAILED, NOT_SUPPORTED, TIMED_OUT, ABORTED; then it is as before.
   */
  readonly mount: (id: ContainerId, order: MountOrder) => Promise<void>;
  /** Only what `mount` made. Throws BUSY, MOUNT_FAILED; then it is as before. */
  readonly unmount: (id: ContainerId, order: UnmountOrder) => Promise<void>;
  /** Finishes or undoes what a daemon that was killed was at: exactly these are there then. */
  readonly keepMounts: (
    id: ContainerId,
    keeping: Wait & { readonly live: Live; readonly wanted: readonly WantedMount[] },
  ) => Promise<void>;
  /** As ControlGroups has it. */
  readonly setLimits: ControlGroups['setLimits'];
  readonly refuseLimits: ControlGroups['refuseImpossible'];
  readonly readings: (id: ContainerId) => Readings | undefined;
  /** As ControlGroups has it. */
  readonly oomKills: ControlGroups['oomKills'];
  /** Containers of this daemon that have left anything on the machine. */
  readonly leftovers: () => Promise<readonly ContainerId[]>;
  /** Calls back when a container may have ended. */
  readonly watch: (mayHaveEnded: (id: ContainerId) => void) => AsyncDisposable;
  /** Gives back what the engine itself holds on the machine, when no container is left. */
  readonly close: () => Promise<void>;
};
