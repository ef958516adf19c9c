/** Looks at root file systems without entering them. */
import type { CommandQuery, RootFilesystem, RootOrder } from '../domain/rootfs.ts';

export type { Bind, BundleConfig, CommandQuery, RootFilesystem, RootOrder } from '../domain/rootfs.ts';

export type RootFilesystems = {
  /**
   * Never changes the user's files, and takes nothing that must be given back.
   * Throws BUNDLE_INVALID with file and reason, INVALID_ARGUMENT for a mount that cannot be.
   */
  readonly open: (order: RootOrder) => Promise<RootFilesystem>;
  /** Those that are there, as a link or not. */
  readonly present: (paths: readonly string[]) => Promise<ReadonlySet<string>>;
  /** Resolves as the kernel will inside the container, symbolic links and binds included. Throws COMMAND_NOT_FOUND. */
  readonly findCommand: (query: CommandQuery) => Promise<void>;
};
