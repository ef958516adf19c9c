/** Where anybody may reach what lies there: the apps' root directories, and ways past closed ones. */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, rmdir } from 'node:fs/promises';
import { mountsBelow } from '../adapters/files/mount-table.ts';
import { isReachable } from '../adapters/mounts/doors.ts';
import { isErrno } from '../domain/errors.ts';
import type { Layout } from '../domain/layout.ts';

/** A short name for a root directory, the same at every start. */
export const tagOf = ({ state }: Layout): string => createHash('sha256').update(state).digest('hex').slice(0, 12);

export type OpenPlace = {
  readonly directory: string;
  /** When no app is left. */
  readonly close: () => Promise<void>;
};

/**
 * Below the run directory, where that can be entered. A container's root is an unprivileged user out here, and the kernel
 * lets it mount only what it can reach; a --root below a private directory (mktemp -d, /root) therefore gets a place in /run.
 */
export async function openPlace(places: Layout): Promise<OpenPlace> {
  if (isReachable(`${places.run}/x`)) return { directory: places.run, close: () => Promise.resolve() };
  const own = `/run/runtime-manager-${tagOf(places)}`;
  await mkdir(own, { recursive: true, mode: 0o711 });
  return { directory: own, close: () => removeEmpty(own) };
}

/** Roots hold copies and links only; but whatever is mounted there, or a door that is not closed, must not be emptied through. */
async function removeEmpty(own: string): Promise<void> {
  if (mountsBelow(own, await readFile('/proc/self/mountinfo', 'utf8')).length > 0) return;
  await rm(`${own}/rootfs`, { recursive: true, force: true });
  for (const directory of [...['doors', 'packages', 'displays', 'bundles'].map((name) => `${own}/${name}`), own]) {
    await rmdir(directory).catch((error: unknown) => {
      if (!isErrno(error, 'ENOENT', 'ENOTEMPTY', 'EBUSY')) throw error;
    });
  }
}
