/**
 * Loop devices (loop(4)): what the kernel says of a file, whichever mount namespace it is mounted in. A file without a loop device is
 * mounted nowhere. A device that cannot be opened exclusively (open(2), O_EXCL on a block device) is mounted somewhere.
 */
import { constants } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { isErrno } from '../../domain/errors.ts';
import type { StorageTools } from './tools.ts';

export type LoopDevice = {
  readonly path: string;
  /** `major:minor`, as in mountinfo. */
  readonly number: string;
  /** Writable, and all of the file. */
  readonly isPlain: boolean;
};

const COLUMNS = 'NAME,MAJ:MIN,BACK-MAJ:MIN,BACK-INO,OFFSET,SIZELIMIT,RO';
/** losetup(8) --raw pads numbers with escaped blanks. */
const ROW = /^(\S+) (\S+) (\S+) (\d+) (\d+) (\d+) (\d)$/;

/** Those that have this file, known by its inode: its path is another one in another mount namespace. */
export async function devicesOf(tools: StorageTools, file: string): Promise<readonly LoopDevice[]> {
  const { dev, ino } = await stat(file, { bigint: true });
  const { stdout } = await tools(['losetup', '--list', '--raw', '--noheadings', '--output', COLUMNS]);
  return stdout
    .replaceAll(String.raw`\x20`, '')
    .split('\n')
    .flatMap((line) => {
      const [, path = '', number = '', disk, inode, offset, limit, readOnly] = ROW.exec(line) ?? [];
      if (disk !== deviceNumber(dev) || inode !== String(ino)) return [];
      return [{ path, number, isPlain: [offset, limit, readOnly].every((one) => one === '0') }];
    });
}

/** `major:minor` of a st_dev. Source: gnu_dev_major, gnu_dev_minor of sys/sysmacros.h. */
export function deviceNumber(dev: bigint): string {
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & 0xffff_f000n);
  const minor = (dev & 0xffn) | ((dev >> 12n) & 0xffff_ff00n);
  return `${major}:${minor}`;
}

/** Mounted in some mount namespace, or claimed by a program like e2fsck(8). */
export async function isClaimed({ path }: LoopDevice): Promise<boolean> {
  try {
    await using _ = await open(path, constants.O_RDONLY | constants.O_EXCL);
    return false;
  } catch (error) {
    if (isErrno(error, 'EBUSY')) return true;
    if (isErrno(error, 'ENXIO', 'ENOENT')) return false; // detached since
    throw error;
  }
}

/**
 * The device cannot be detached, and so not be given to another file, until this is disposed. Undefined when it has another file
 * already.
 */
export async function pinned(
  tools: StorageTools,
  file: string,
  device: LoopDevice,
): Promise<AsyncDisposable | undefined> {
  const handle = await open(device.path, constants.O_RDONLY).catch((error: unknown) => {
    if (isErrno(error, 'ENXIO', 'ENOENT')) return undefined;
    throw error;
  });
  if (handle === undefined) return undefined;
  const same = (await devicesOf(tools, file)).some(({ path }) => path === device.path);
  if (same) return handle;
  await handle.close();
  return undefined;
}

/** One that is open is detached with its last user (LO_FLAGS_AUTOCLEAR). */
export const detachDevice = (tools: StorageTools, { path }: LoopDevice): Promise<unknown> =>
  // exit 1: it is detached already
  tools(['losetup', '--detach', path], [0, 1]);
