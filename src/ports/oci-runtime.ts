/** A program that speaks the OCI runtime command line: runc, crun. */
import type { ContainerId } from '../domain/ids.ts';
import type { Wait } from './wait.ts';

export type CheckpointOrder = {
  readonly imageDirectory: string;
  /** For CRIU's log and figures. */
  readonly workDirectory: string;
};

export type OciRuntime = {
  readonly name: 'runc' | 'crun';
  readonly binary: string;
  /** The directory given as --root. */
  readonly stateRoot: string;
  readonly start: (id: ContainerId, wait: Wait) => Promise<void>;
  /** Dumps the container's processes into the image directory and ends them. Throws TOOL_FAILED; then they live on. */
  readonly checkpoint: (id: ContainerId, order: CheckpointOrder, wait: Wait) => Promise<void>;
  /** Lets go of a container whose processes are gone. The only way anything here deletes one. */
  readonly remove: (id: ContainerId, wait: Wait) => Promise<void>;
  /** Ids that have state on disk. */
  readonly known: () => Promise<readonly ContainerId[]>;
};
