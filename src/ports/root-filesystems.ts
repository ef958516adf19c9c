/** Looks at root file systems without entering them. */
import type { CommandQuery, DeviceNode, RootFilesystem, RootOrder } from '../domain/rootfs.ts';

export type { Bind, BundleConfig, CommandQuery, RootFilesystem, RootOrder } from '../domain/rootfs.ts';

export type PathKind = 'directory' | 'other';

export type RootFilesystems = {
  /**
   * Never changes the user's files, and takes nothing that must be given back.
   * Throws BUNDLE_INVALID with file and reason, INVALID_ARGUMENT for a mount that cannot be.
   */
  readonly open: (order: RootOrder) => Promise<RootFilesystem>;
  /** Those that are there, as a link or not. */
  readonly present: (paths: readonly string[]) => Promise<ReadonlySet<string>>;
  /** Without symbolic links; a path that cannot be followed as it is. */
  readonly realOf: (path: string) => Promise<string>;
  /** Of those that are there, links followed. */
  readonly kindsOf: (paths: readonly string[]) => Promise<ReadonlyMap<string, PathKind>>;
  /** Of those that are there, links followed; of a directory the nodes that lie in it. */
  readonly nodesAt: (paths: readonly string[]) => Promise<readonly DeviceNode[]>;
  /** A plain file, whole; undefined when it is not there. Throws BUNDLE_INVALID when it is no such file, or a longer one. */
  readonly readText: (path: string, mostBytes: number) => Promise<string | undefined>;
  /** Resolves as the kernel will inside the container, symbolic links and binds included. Throws COMMAND_NOT_FOUND. */
  readonly findCommand: (query: CommandQuery) => Promise<void>;
};
