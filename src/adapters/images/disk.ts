/** Files and directories of images, one step each. */
import { closeSync, constants, fstatSync, openSync, readSync, type BigIntStats } from 'node:fs';
import { chmod, chown, lstat, open, readdir, readFile, rename, rm, rmdir, statfs, unlink } from 'node:fs/promises';
import { isErrno, RuntimeError } from '../../domain/errors.ts';
import { sha256Of, type Stamp } from './manifest.ts';
import { temporary } from './places.ts';
import { mountsBelow } from '../files/mount-table.ts';
import type { Access } from './access.ts';

/** Files below this are read and hashed here; larger ones by a tool, so that the event loop goes on. */
export const LARGE_BYTES = 2 ** 20;

export type Look = { readonly isFile: boolean; readonly sizeBytes: number; readonly stamp: Stamp };

const lookOf = (stats: BigIntStats): Look => ({
  isFile: stats.isFile(),
  sizeBytes: Number(stats.size),
  stamp: { inode: String(stats.ino), ctimeNs: String(stats.ctimeNs), mtimeNs: String(stats.mtimeNs) },
});

/** Undefined when there is no such file. */
export async function look(path: string): Promise<Look | undefined> {
  return orAbsent(lstat(path, { bigint: true }).then(lookOf));
}

export const sameStamp = (one: Stamp, other: Stamp): boolean =>
  one.inode === other.inode && one.ctimeNs === other.ctimeNs && one.mtimeNs === other.mtimeNs;

/** What `promise` gives; undefined when it fails because there is no such file. */
export async function orAbsent<Value>(promise: Promise<Value>): Promise<Value | undefined> {
  return promise.catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  });
}

/**
 * A file that was just written, with its checksum when it is small. Synchronous, because it reads the page cache and 60 files by
 * the thread pool cost three times as much while an app waits; without an access time, which would wait for the disk's journal.
 */
export function lookInside(path: string, hashed: boolean): Look & { readonly sha256: string | null } {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NOATIME);
  try {
    const found = lookOf(fstatSync(fd, { bigint: true }));
    if (!hashed || found.sizeBytes >= LARGE_BYTES) return { ...found, sha256: null };
    const data = Buffer.allocUnsafe(found.sizeBytes);
    const length = readSync(fd, data, 0, data.length, 0);
    return { ...found, sha256: sha256Of(data.subarray(0, length)) };
  } finally {
    closeSync(fd);
  }
}

export async function giveAccess(path: string, gid: number, mode: number): Promise<void> {
  await chown(path, -1, gid);
  await chmod(path, mode);
}

export const closeDirectory = (path: string, { gid, directoryMode }: Access): Promise<void> =>
  giveAccess(path, gid, directoryMode);

/** Over the file that was laid there to hold room, if there is one: on a full disk, too, it can be written. Then renamed. */
export async function replaceFile(path: string, text: string, flush?: (path: string) => Promise<void>): Promise<void> {
  const temp = temporary(path);
  const file = await open(temp, constants.O_WRONLY | constants.O_CREAT, 0o600);
  try {
    const data = Buffer.from(text);
    await file.writeFile(data);
    await file.truncate(data.length);
  } finally {
    await file.close();
  }
  await flush?.(temp);
  await rename(temp, path);
}

export async function freeBytes(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
}

/** Bytes of the files directly in it. */
export async function sizeOfDirectory(path: string): Promise<number> {
  const names = (await orAbsent(readdir(path))) ?? [];
  const found = await Promise.all(names.map((name) => look(`${path}/${name}`)));
  return found.reduce((total, one) => total + (one?.sizeBytes ?? 0), 0);
}

/** Never what is mounted in it: a restore that was killed can leave the app's own files mounted somewhere (facts/engine.md §7). */
export async function removeDirectory(path: string): Promise<void> {
  const mounts = mountsBelow(path, await readFile('/proc/self/mountinfo', 'utf8'));
  if (mounts.length > 0) {
    throw new RuntimeError('INTERNAL', {
      what: `${path} is not removed: something is mounted in it`,
      next: `unmount ${mounts.join(', ')}`,
      details: { mounts },
    });
  }
  const entries = (await orAbsent(readdir(path, { withFileTypes: true }))) ?? [];
  await Promise.all(
    entries.map((entry) =>
      entry.isDirectory()
        ? rm(`${path}/${entry.name}`, { recursive: true, force: true })
        : orAbsent(unlink(`${path}/${entry.name}`)),
    ),
  );
  await orAbsent(rmdir(path));
}
