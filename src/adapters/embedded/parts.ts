import type { ContainerId } from '../../domain/ids.ts';
import { RuntimeError } from '../../domain/errors.ts';
import type { Phases } from '../../domain/hibernation.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ControlGroups } from '../../ports/control-groups.ts';
import type { Exec } from '../../ports/execs.ts';
import type { Monitor } from '../../ports/monitor.ts';
import type { Wiring } from '../../ports/networks.ts';
import type { OciRuntime } from '../../ports/oci-runtime.ts';
import type { Processes, ProcessId } from '../../ports/processes.ts';
import type { Wait } from '../../ports/wait.ts';

/** The parts of CRIU that the runtime does not drive itself. */
export type Criu = {
  /** `mounts`: destinations of binds that the runtime knows nothing of. */
  readonly configure: (bundle: string, tcp: 'close' | 'keep', mounts?: readonly string[]) => Promise<void>;
  readonly figures: (workDirectory: string, kind: 'dump' | 'restore') => Promise<Phases>;
  /** The log of a failed attempt outlives the bundle. */
  readonly keepLog: (from: string, to: string) => Promise<void>;
  readonly lazyPages: (
    places: { readonly imageDirectory: string; readonly workDirectory: string },
    wait: Wait,
  ) => Promise<ProcessId>;
  readonly lazyPagesState: (workDirectory: string) => 'coming' | 'in' | 'lost' | undefined;
  readonly lazyPermission: { readonly take: () => Promise<AsyncDisposable> };
};

/** Ways past closed directories for the moment of a restore. */
export type Doors = {
  readonly open: (
    id: ContainerId,
    order: { readonly sources: readonly string[]; readonly gid: number },
    wait: Wait,
  ) => Promise<ReadonlyMap<string, string>>;
  readonly close: (id: ContainerId, wait: Wait) => Promise<void>;
};

/** The runtime makes an empty network namespace; what is to be in it comes from here. */
export type Network = {
  /** Hooks of config.json that see to it before the app begins or goes on; undefined when there is nothing to do. */
  readonly hooks: (wiring: Wiring, occasion: 'start' | 'restore') => object | undefined;
  /** After a restore, where the runtime runs no hooks then. Repeatable. */
  readonly wire: (init: ProcessId, wiring: Wiring, wait: Wait) => Promise<void>;
};

/** A program in a container, as the file says: an OCI process (runtime-spec config.md). */
type StartExec = (
  start: {
    readonly id: ContainerId;
    readonly bundle: string;
    readonly runtime: { readonly binary: string; readonly stateRoot: string };
    readonly specFile: string;
    readonly pidFile: string;
  },
  wait: Wait,
) => Promise<Exec>;

/** As adapters/mounts has them. */
export type LiveMounts = {
  readonly attach: (
    init: ProcessId,
    mount: { readonly source: string; readonly destination: string; readonly readOnly: boolean },
    wait: Wait,
  ) => Promise<void>;
  readonly detach: (init: ProcessId, destination: string, wait: Wait) => Promise<void>;
  readonly points: (init: ProcessId) => Promise<readonly string[]>;
};

/** What the embedded engine is made of. */
export type Parts = {
  readonly runtime: OciRuntime;
  readonly monitor: Monitor;
  readonly startExec: StartExec;
  readonly groups: ControlGroups;
  readonly processes: Processes;
  readonly clock: Clock;
  readonly criu: Criu;
  readonly doors: Doors;
  readonly liveMounts: LiveMounts;
  readonly network: Network;
  readonly bundleOf: (id: ContainerId) => string;
  readonly listBundles: () => Promise<readonly ContainerId[]>;
  /** Names in the runtime's directory for a container; none when it is not there. */
  readonly listState: (id: ContainerId) => Promise<readonly string[]>;
};

/** Everything of ours that still has a trace of a container. */
export async function leftovers({ runtime, groups, listBundles }: Parts): Promise<readonly ContainerId[]> {
  return [...new Set([...(await listBundles()), ...(await runtime.known()), ...groups.known()])];
}

const VFORK_MS = 2000;
const VFORK_POLL_MS = 2;

/**
 * Every process stands still when this returns, and can be attached to. The freezer also stops a child of vfork(2) before its
 * exec; its parent then waits in the kernel (state D) until the child goes on, and CRIU for the parent, which fails after 10 s.
 * A shell that starts programs all the time is there a quarter of its time, each time for less than a millisecond.
 */
export async function freeze({ groups, processes, clock }: Parts, id: ContainerId, wait: Wait): Promise<void> {
  const deadline = performance.now() + VFORK_MS;
  for (;;) {
    await groups.freeze(id, wait);
    // a child that takes longer than that before its exec is for CRIU to complain about
    if (!processes.areInVfork(groups.members(id)) || performance.now() > deadline) return;
    await groups.thaw(id, wait);
    await clock.sleep(VFORK_POLL_MS);
  }
}

const THAW_MS = 5000;

/** A frozen process hears no signal, not even SIGKILL on cgroup v1. */
export async function thaw({ groups }: Parts, id: ContainerId): Promise<void> {
  if (groups.frozen(id) === undefined) return;
  await groups.thaw(id, { signal: AbortSignal.timeout(THAW_MS), timeoutMs: THAW_MS }).catch((error: unknown) => {
    if (!(error instanceof RuntimeError && error.code === 'ABORTED')) throw error;
  });
}
