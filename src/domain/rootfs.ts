/** Root file systems as the specification, the manager and the adapters speak of them. */
import type { App } from './app.ts';

/** A bind mount as the app will see it. */
export type Bind = { readonly source: string; readonly destination: string };

/** A mount of a bundle's config.json that is kept: checked, the source absolute. */
export type BundleMount = {
  readonly destination: string;
  readonly type: 'bind' | 'tmpfs';
  /** `tmpfs` for a tmpfs; else without symbolic links. */
  readonly source: string;
  readonly readOnly: boolean;
  /** Of mount(8), harmless ones only. */
  readonly options: readonly string[];
};

/** Part of a bundle's config.json that we take over. */
export type BundleConfig = {
  readonly args: readonly string[] | undefined;
  readonly env: readonly string[];
  readonly cwd: string | undefined;
  readonly hostname: string | undefined;
  readonly mounts: readonly BundleMount[];
  /** For information only: some of them give the OCI runtime orders (`org.criu.config`, `run.oci.*`). */
  readonly annotations: Readonly<Record<string, string>>;
  /** What it asks for and does not get, in words. */
  readonly ignored?: readonly string[];
  /** What the app gets where its description says nothing. */
  readonly limits?: { readonly memoryBytes: number | undefined; readonly pids: number | undefined };
  /** What it asks for and this engine leaves out, each with the reason. */
  readonly notes?: readonly string[];
};

/** Root file systems that must be made ready first. */
export type PackageSource = Extract<App['rootfs'], { image: string } | { layers: readonly string[] }>;

/** A package that is ready. */
export type HeldPackage = {
  /** Of ours, absolute, without symbolic links; read-only. */
  readonly directory: string;
  /** What an image says about how to run it, in the words of a bundle. */
  readonly bundle: BundleConfig | null;
};

/** What has to be known to put a root file system together. */
export type RootOrder = {
  readonly rootfs: App['rootfs'];
  /** Where `rootfs` names a {@link PackageSource}; absent else. */
  readonly held?: HeldPackage | null;
  readonly mounts: App['mounts'];
  readonly tmpfs?: App['tmpfs'];
  readonly uid: number;
  readonly gid: number;
  readonly hostname: string;
};

export type RootFilesystem = {
  /** Directory to start from: absolute, no symbolic link in it, ours, and with every mount point in it. */
  readonly path: string;
  readonly bundle: BundleConfig | null;
  /** What fills it, read-only with everything mounted below; parents before children. */
  readonly binds: readonly Bind[];
};

/** A device node of the machine, looked at. */
export type DeviceNode = {
  readonly path: string;
  readonly type: 'c' | 'b';
  readonly major: number;
  readonly minor: number;
};

export type CommandQuery = {
  readonly root: string;
  readonly binds: readonly Bind[];
  /** Mounts whose content nobody can know before the start (tmpfs, proc, …). */
  readonly opaque: readonly string[];
  readonly command: string;
  readonly cwd: string;
  /** Value of PATH in the app's environment. */
  readonly searchPath: string;
  readonly uid: number;
  readonly gid: number;
};

/** The app's private storage, as it sees it. */
export const STORAGE_POINT = '/data';

/** Where the app finds what is ours: in our own tmpfs, so that no root file system needs a place for it. */
export const INSIDE_POINT = '/run/runtime-manager';

/** Pid 1's program. */
export const INIT_POINT = `${INSIDE_POINT}/init`;

/** What a container needs that brings up its own compositor. */
export type InsideDisplay = {
  /** On the host, the app's own: it becomes its XDG_RUNTIME_DIR. */
  readonly directory: string;
  /** The compositor with everything that it needs (scripts/setup/display-bundle.mjs), on the host. */
  readonly bundle: string;
  /** Name of the bundle's dynamic loader. */
  readonly loader: string;
};

/** Wayland socket on the host that the app gets, unless its compositor is inside. */
export type DisplaySocket = { readonly socket: string; readonly inside: InsideDisplay | null };

/** Where the bundle is in the container. */
export const DISPLAY_TOOLS_POINT = '/run/display-tools';

/** XDG_RUNTIME_DIR of an app with a display: in our own tmpfs, private to the app. */
export const DISPLAY_DIRECTORY = '/run/user';

/** WAYLAND_DISPLAY, where we choose it; a compositor inside makes its own. */
export const DISPLAY_NAME = 'wayland-0';
export const INSIDE_DISPLAY_NAME = 'wayland-1';

/** After a wake this file tells the app about it; its path is in the variable RUNTIME_MANAGER_WAKE. */
export const WAKE_NOTE_POINT = `${INSIDE_POINT}/wake.json`;

/** Every container has these mounts from us; a root file system without these directories gets them. */
export const FIXED_POINTS = ['/proc', '/dev', '/sys', '/tmp', '/run', STORAGE_POINT] as const;

/** Only ours may be mounted here; the ones that end in `/` also mean everything below. */
const RESERVED = [
  '/proc/',
  '/dev/',
  '/sys/',
  '/run',
  '/run/runtime-manager/',
  `${DISPLAY_DIRECTORY}/`,
  `${DISPLAY_TOOLS_POINT}/`,
  STORAGE_POINT,
];

/** Absolute path in the plain form, without `.`, `..`, double and trailing slashes; `..` at the root stays there. */
export function plainPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

/** Neither an app nor a bundle may mount here. */
export const isReserved = (destination: string): boolean =>
  destination === '/' ||
  RESERVED.some((point) => (point.endsWith('/') ? `${destination}/`.startsWith(point) : destination === point));

export const isBelow = (path: string, parent: string): boolean =>
  parent === '/' ? path !== '/' : path.startsWith(`${parent}/`);

/** Mounts of a package without those that a mount of the app's stands on, or above: the place is the app's then, with all below it. */
export const notCovered = (mounts: readonly BundleMount[], destinations: readonly string[]): readonly BundleMount[] =>
  mounts.filter(
    ({ destination }) => !destinations.some((other) => destination === other || isBelow(destination, other)),
  );

/** For sorting: parents before what lies below them. */
export const depthOf = (path: string): number => path.split('/').length;
