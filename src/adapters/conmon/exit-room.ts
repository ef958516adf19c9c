/**
 * Room for a monitor's last word on a full disk. conmon closes, immediately before it writes an exit code, every descriptor that it
 * was started with and has no use for (src/conmon.c calls close_other_fds; since 2.0.30). Nameless files that only conmon holds open
 * therefore keep blocks and inodes until that moment, also when no daemon lives, and the kernel frees them in time.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, rmSync, unlinkSync, writeSync } from 'node:fs';

/** `exit` below --persist-dir, the file below --exit-dir, and one for what the directories themselves may need. */
const FILES = 3;
/** One block, whatever its size: an exit code has four characters. */
const FILE_BYTES = 4096;

/** For the moment of a spawn, which gives the child its own. `directory`: on the disk of the exit codes. Throws ENOSPC. */
export function withExitRoom<Result>(directory: string, use: (descriptors: readonly number[]) => Result): Result {
  const opened: number[] = [];
  try {
    for (let file = 0; file < FILES; file++) opened.push(nameless(`${directory}/room`));
    return use(opened);
  } finally {
    for (const descriptor of opened) closeSync(descriptor);
  }
}

function nameless(path: string): number {
  // of a daemon that was killed here
  rmSync(path, { force: true });
  const descriptor = openSync(path, 'wx', 0o600);
  try {
    // no zeros: some file systems store those without a block
    writeSync(descriptor, randomBytes(FILE_BYTES));
    unlinkSync(path);
  } catch (error) {
    closeSync(descriptor);
    rmSync(path, { force: true });
    throw error;
  }
  return descriptor;
}
