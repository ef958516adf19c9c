/** Looks at root file systems without entering them. */
import type { App } from '../domain/app.ts';

/** Part of a bundle's config.json that we take over. */
export type BundleConfig = {
  readonly args: readonly string[] | undefined;
  readonly env: readonly string[];
  readonly cwd: string | undefined;
  readonly hostname: string | undefined;
  readonly mounts: readonly object[];
  readonly annotations: Readonly<Record<string, string>>;
};

export type RootFilesystem = {
  /** Absolute, no symbolic link in it. */
  readonly path: string;
  readonly bundle: BundleConfig | null;
  /** Host directories that must be bound into it read-only (host root file system). */
  readonly hostBinds: readonly string[];
};

/** A bind mount as the app will see it. */
export type Bind = { readonly source: string; readonly destination: string };

export type CommandQuery = {
  readonly root: string;
  readonly binds: readonly Bind[];
  readonly command: string;
  readonly cwd: string;
  /** Value of PATH in the app's environment. */
  readonly searchPath: string;
  readonly uid: number;
  readonly gid: number;
};

export type RootFilesystems = {
  /** Throws BUNDLE_INVALID with file and reason. */
  readonly open: (rootfs: App['rootfs']) => Promise<RootFilesystem>;
  /** Resolves as the kernel will inside the container, symbolic links and binds included. Throws COMMAND_NOT_FOUND. */
  readonly findCommand: (query: CommandQuery) => Promise<void>;
};
