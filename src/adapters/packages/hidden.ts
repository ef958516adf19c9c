/**
 * What an image has where an app gets a tmpfs: below /run and /tmp, and in the volumes that it names. Directories become places of the
 * app's own to write to, files are bound in read-only; what cannot be shown is told.
 */
import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno } from '../../domain/errors.ts';
import {
  isBelow,
  isReserved,
  plainPath,
  STORAGE_POINT,
  type BundleConfig,
  type BundleMount,
} from '../../domain/rootfs.ts';

/** Each is a mount of its own. */
const MAX_MOUNTS = 64;

/** `root`: of the unpacked image. The sources of its binds are paths in the image: {@link placedIn}. */
export async function withHidden(bundle: BundleConfig, root: string): Promise<BundleConfig> {
  const shown = new Map<string, BundleMount>();
  const ignored = [...(bundle.ignored ?? [])];
  const volumes = bundle.mounts.map(({ destination }) => destination);
  const points = [...new Set(['/run', '/tmp', ...volumes])];
  for (const point of points) {
    const left = await show(root, point, shown);
    if (left > 0) ignored.push(`image: ${left} entries below ${point} are hidden by a tmpfs`);
  }
  if ((await show(root, STORAGE_POINT, new Map())) > 0) {
    ignored.push(`image: what it has in ${STORAGE_POINT} is hidden by the app's storage`);
  }
  const cwd = plainPath(bundle.cwd ?? '/');
  // one in a tmpfs is made as the app's own
  if (points.some((point) => isBelow(cwd, point)) && !isReserved(cwd)) shown.set(cwd, directoryAt(cwd));
  for (const volume of volumes) shown.delete(volume);
  return { ...bundle, mounts: [...bundle.mounts, ...shown.values()], ignored };
}

/** Bind sources as they are reached while the package is mounted at `directory`. */
export const placedIn = (directory: string, bundle: BundleConfig): BundleConfig => ({
  ...bundle,
  mounts: bundle.mounts.map((mount) =>
    mount.type === 'bind' ? { ...mount, source: directory + mount.source } : mount,
  ),
});

/** Adds to `shown`, parents before children; how many entries are left. Symbolic links are not followed: one may lead anywhere. */
async function show(root: string, point: string, shown: Map<string, BundleMount>): Promise<number> {
  if (!(await isOwnDirectory(root, point))) return 0;
  const waiting = [point];
  let left = 0;
  for (let place = waiting.shift(); place !== undefined; place = waiting.shift()) {
    for await (const entry of await opendir(join(root, place))) {
      const destination = `${place}/${entry.name}`;
      const canBe = (entry.isDirectory() || entry.isFile()) && isText(entry.name) && !isReserved(destination);
      if (!canBe || point === STORAGE_POINT || shown.size >= MAX_MOUNTS) {
        left += 1;
        continue;
      }
      shown.set(destination, entry.isDirectory() ? directoryAt(destination) : fileAt(destination));
      if (entry.isDirectory()) waiting.push(destination);
    }
  }
  return left;
}

/** A name whose bytes are no UTF-8 cannot be said in a configuration. */
const isText = (name: string): boolean => !name.includes('\uFFFD');

const directoryAt = (destination: string): BundleMount => ({
  ...{ destination, type: 'tmpfs', source: 'tmpfs', readOnly: false },
  options: ['mode=0755'],
});
const fileAt = (destination: string): BundleMount => ({
  ...{ destination, type: 'bind', source: destination, readOnly: true },
  options: [],
});

/** With no link on the way to it. */
async function isOwnDirectory(root: string, path: string): Promise<boolean> {
  let place = root;
  for (const name of path.split('/').filter(Boolean)) {
    place = join(place, name);
    const stats = await lstat(place).catch((error: unknown) => {
      if (!isErrno(error, 'ENOENT', 'ENOTDIR')) throw error;
    });
    if (stats?.isDirectory() !== true) return false;
  }
  return true;
}
