/** Whether a full disk is why something failed: tools do not always say so, and CRIU's log may have found no room for it either. */
import { statfsSync } from 'node:fs';
import { isGeneral } from '../../domain/errno.ts';
import { RuntimeError } from '../../domain/errors.ts';

/** Some blocks, whatever their size: with less than that a tool meets ENOSPC. */
const NO_ROOM_BYTES = 64 * 1024;

/** The first of these directories whose disk has no room for one more file, for root. */
export function fullDisk(directories: readonly string[]): string | undefined {
  return directories.find((directory) => {
    try {
      const { bfree, bsize, files, ffree } = statfsSync(directory);
      return bfree * bsize < NO_ROOM_BYTES || (files > 0 && ffree === 0);
    } catch {
      // gone with what failed: nothing can be said of its disk
      return false;
    }
  });
}

/** The error itself, or NO_SPACE in its place when it only says what did not work and a disk that was written to is full. */
export function blameDisk(thrown: unknown, directories: readonly string[]): unknown {
  const { code, what, details, message } = RuntimeError.of(thrown);
  const full = isGeneral(code) ? fullDisk(directories) : undefined;
  if (full === undefined) return thrown;
  return new RuntimeError('NO_SPACE', {
    what,
    next: `make room on the disk of ${full}, for blocks (df -h) and for files (df -i)`,
    details,
    cause: `the disk of ${full} is full; ${message}`,
  });
}
