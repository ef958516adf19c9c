/** Root file systems of apps, put together from the user's and the device's directories. */
import { mkdir, realpath, stat } from 'node:fs/promises';
import { isErrno, RuntimeError, type ErrorCode } from '../../domain/errors.ts';
import {
  depthOf,
  FIXED_POINTS,
  isReserved,
  notCovered,
  plainPath,
  type Bind,
  type BundleConfig,
  type RootFilesystem,
  type RootOrder,
} from '../../domain/rootfs.ts';
import type { RootFilesystems } from '../../ports/root-filesystems.ts';
import type { BundlePolicy } from './allowed-sources.ts';
import { readBundle } from './bundle.ts';
import { findCommand } from './command.ts';
import { kindsOf, nodesAt, present, readText, realOf } from './device-files.ts';
import { hostTree } from './host.ts';
import { lookup } from './lookup.ts';
import { identityFiles, standIn, type IdentityFiles } from './stand-in.ts';
import { bindsOf, directoryTree, placeAll, type Directory, type MountPoint } from './tree.ts';

export type RootfsOptions = {
  /**
   * Where stand-in roots live; lost at reboot is fine, and nothing in it has to be given back. Every directory above it
   * must let others enter (0711): in a user namespace the container's root is nobody out here.
   */
  readonly directory: string;
  readonly bundles: BundlePolicy;
};

export function rootFilesystems(options: RootfsOptions): RootFilesystems {
  return { open: (order) => open(options, order), present, realOf, kindsOf, nodesAt, readText, findCommand };
}

async function open({ directory, bundles }: RootfsOptions, order: RootOrder): Promise<RootFilesystem> {
  await mkdir(directory, { recursive: true, mode: 0o711 });
  const place = await realpath(directory);
  const { tree, bundle, root } = await source(order, bundles);
  if ('host' in order.rootfs) addIdentity(tree, await identityFiles(place, order));
  await placeAll(tree, [...(await points(order, bundle)), ...(await missingCwd(order, { root, bundle }))]);
  return { path: await standIn(place, tree), bundle, binds: bindsOf(tree) };
}

/** `root`: the directory that `tree` shows; null for the host's, of which parts are shown. */
type Source = { readonly tree: Directory; readonly bundle: BundleConfig | null; readonly root: string | null };

async function source({ rootfs, held }: RootOrder, bundles: BundlePolicy): Promise<Source> {
  if ('host' in rootfs) return { tree: await hostTree(), bundle: null, root: null };
  if ('dir' in rootfs) return { ...(await shown(await userDirectory(rootfs.dir))), bundle: null };
  if ('bundle' in rootfs) {
    const bundle = await readBundle(await userDirectory(rootfs.bundle), bundles);
    return { ...(await shown(await userDirectory(bundle.root))), bundle: bundle.config };
  }
  if (held === null || held === undefined) {
    throw new RuntimeError('INTERNAL', { what: 'the package of this root file system was not made ready' });
  }
  return { ...(await shown(held.directory)), bundle: held.bundle };
}

const shown = async (root: string) => ({ tree: await directoryTree(root), root });

/** The working directory that a package names and does not have is made, as other engines do; one that the caller named is not. */
async function missingCwd(
  { uid, gid }: RootOrder,
  { root, bundle }: Pick<Source, 'root' | 'bundle'>,
): Promise<readonly MountPoint[]> {
  if (root === null || bundle?.cwd === undefined) return [];
  const destination = plainPath(bundle.cwd);
  const { kind } = await lookup({ root, binds: [], opaque: [], uid, gid }, destination);
  return kind === 'missing' ? [{ destination, directory: true, source: null }] : [];
}

/** Its real path. Throws BUNDLE_INVALID when it is no directory, or the whole device. */
async function userDirectory(path: string): Promise<string> {
  const invalid = (why: string, next: string, cause?: unknown) =>
    new RuntimeError('BUNDLE_INVALID', { what: `${path} ${why}`, next, details: { path }, cause });
  let real: string;
  try {
    real = await realpath(path);
    if (!(await stat(real)).isDirectory()) throw invalid('is not a directory', 'give a directory');
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP')) throw error;
    throw invalid('cannot be used as a root file system or bundle', 'give a directory that exists', error);
  }
  if (real !== '/') return real;
  throw invalid("is the device's own root", 'use the host root file system instead: {"host": true}, --host-rootfs');
}

/** In the host's /etc, which is all ours; a user's root file system keeps its own users and hosts. */
function addIdentity(tree: Directory, files: IdentityFiles): void {
  const etc = tree.children.get('etc');
  if (etc?.kind !== 'directory') return;
  for (const [name, path] of Object.entries(files)) {
    etc.children.set(name, { kind: 'bind', source: path, directory: false });
  }
}

/** Every place that a mount of the configuration needs; parents first. */
async function points({ mounts, tmpfs = [] }: RootOrder, bundle: BundleConfig | null): Promise<readonly MountPoint[]> {
  const fixed = FIXED_POINTS.map((destination) => ({ destination, directory: true, source: null }));
  const plain = mounts.map((mount) => ({ ...mount, destination: plainPath(mount.destination) }));
  const taken = [...plain, ...tmpfs].map(({ destination }) => plainPath(destination));
  const bundled = notCovered(bundle?.mounts ?? [], taken).map(({ destination, source, type }) =>
    type === 'tmpfs'
      ? { destination, directory: true, source: null }
      : userPoint('BUNDLE_INVALID', { source, destination }),
  );
  // A reserved destination is refused with a better reason where the mounts are made.
  const asked = plain
    .filter(({ destination }) => !isReserved(destination))
    .map((mount) => userPoint('INVALID_ARGUMENT', mount));
  const memory = tmpfs
    .map(({ destination }) => plainPath(destination))
    .filter((destination) => !isReserved(destination))
    .map((destination) => ({ destination, directory: true, source: null }));
  const all = [...fixed, ...memory, ...(await Promise.all([...bundled, ...asked]))];
  return all.toSorted((one, other) => depthOf(one.destination) - depthOf(other.destination));
}

async function userPoint(code: ErrorCode, { source: path, destination }: Bind): Promise<MountPoint> {
  try {
    const real = await realpath(path);
    return { destination, source: real, directory: (await stat(real)).isDirectory() };
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP')) throw error;
    throw new RuntimeError(code, {
      what: `mounts: the source ${path} (for ${destination}) cannot be used`,
      next: 'give a file or directory that exists on this device',
      details: { source: path, destination },
      cause: error,
    });
  }
}
