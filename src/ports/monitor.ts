/** Holds a container for its life: stdio, log, exit code. It outlives the daemon (conmon). */
import type { ContainerId } from '../domain/ids.ts';
import type { Ended, Live } from './engine.ts';
import type { Wait } from './wait.ts';

export type CreateOrder = {
  readonly id: ContainerId;
  readonly bundle: string;
  readonly logFile: string;
  readonly logMaxBytes: number;
  readonly terminal: boolean;
  /** Restore this image instead of creating; the container runs then. */
  readonly restore?: { readonly imageDirectory: string; readonly lazyPages: boolean };
  readonly runtime: { readonly binary: string; readonly stateRoot: string };
};

export type Monitor = {
  /** Creates the container (not started yet) under a new monitor. Throws START_FAILED with the runtime's own words. */
  readonly create: (order: CreateOrder, wait: Wait) => Promise<Live>;
  /** The exit code on disk; undefined while there is none. `code` is never null here. */
  readonly exit: (id: ContainerId) => Promise<Ended | undefined>;
  /** The live pair that the monitor's files and /proc show; undefined when its container's process is gone. */
  readonly find: (id: ContainerId, bundle: string) => Live | undefined;
  /** Forgets the exit code. */
  readonly forget: (id: ContainerId) => Promise<void>;
  readonly watch: (mayHaveEnded: (id: ContainerId) => void) => AsyncDisposable;
};
