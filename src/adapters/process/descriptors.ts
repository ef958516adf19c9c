import { closeSync, constants, openSync } from 'node:fs';

/** A descriptor that names a file and opens nothing (open(2)); Node has no constant for it. The same on x64 and arm64. */
export const O_PATH = 0o10000000;

/** Directories, and a socket after them, as descriptors for the moment of a spawn, which gives the child its own. */
export function withDescriptors<Result>(
  directories: readonly string[],
  socket: string | undefined,
  use: (descriptors: readonly number[]) => Result,
): Result {
  const opened: number[] = [];
  try {
    for (const directory of directories) opened.push(openSync(directory, O_PATH | constants.O_DIRECTORY));
    if (socket !== undefined) opened.push(openSync(socket, O_PATH | constants.O_NOFOLLOW));
    return use(opened);
  } finally {
    for (const descriptor of opened) closeSync(descriptor);
  }
}
