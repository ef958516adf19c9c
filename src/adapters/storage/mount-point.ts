/** Mounts taken away everywhere: here, and in every mount namespace that has a copy of them. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { chmod, chown, lstat, mkdir, rename, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isErrno, RuntimeError } from '../../domain/errors.ts';
import { mountsBelow } from '../files/mount-table.ts';
import type { StorageTools } from './tools.ts';

/** Directories with such names are deleted at the next start. */
export const DOOMED = '.gone+';

export const mountInfo = (): string => readFileSync('/proc/self/mountinfo', 'utf8');
export const isMounted = (path: string): boolean => mountsBelow(path, mountInfo()).includes(path);

/** A process whose working directory is in it keeps the file system, but not the mount. */
export async function unmountEverywhere(tools: StorageTools, path: string): Promise<void> {
  const points = mountsBelow(path, mountInfo());
  for (const point of points) {
    await tools(['umount', point]).catch(async (error: unknown) => {
      if (!(error instanceof RuntimeError) || error.code !== 'TOOL_FAILED') throw error;
      await tools(['umount', '--lazy', point]);
    });
  }
  if (points.length > 0) await dropCopies(path);
}

/**
 * A copy of a mount in another mount namespace (a service with a private one, a container that is being made) is out of umount(2)'s
 * reach where mounts are private. But the kernel takes away every mount on a directory that is removed or renamed over, in all
 * namespaces where that is not the caller's own mount: so the mount point becomes a new directory. Containers keep the app's
 * storage: they have it on a directory of their own. Source: fs/namei.c vfs_rename, fs/namespace.c __detach_mounts (Linux 3.18).
 */
export async function dropCopies(path: string): Promise<void> {
  const { uid, gid, mode } = await lstat(path);
  const fresh = join(dirname(path), `${DOOMED}${randomUUID()}`);
  await mkdir(fresh, { mode: 0o700 });
  await chown(fresh, uid, gid);
  await chmod(fresh, mode & 0o7777);
  await rename(fresh, path).catch(async (error: unknown) => {
    await rmdir(fresh);
    // files that were put below the mount: they stay, and so do the copies
    if (!isErrno(error, 'ENOTEMPTY', 'EEXIST', 'EBUSY')) throw error;
  });
}
