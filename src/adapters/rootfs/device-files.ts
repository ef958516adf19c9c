/** Paths of the device that an app's description names, looked at. */
import { constants } from 'node:fs';
import { lstat, open, realpath, stat } from 'node:fs/promises';
import { isErrno, RuntimeError } from '../../domain/errors.ts';
import type { PathKind } from '../../ports/root-filesystems.ts';

export async function present(paths: readonly string[]): Promise<ReadonlySet<string>> {
  const looks = await Promise.all(
    paths.map((path) =>
      lstat(path).then(
        () => [path],
        () => [],
      ),
    ),
  );
  return new Set(looks.flat());
}

/** What cannot be followed keeps its name: the runtime cannot follow it either, and says so. */
export const realOf = (path: string): Promise<string> => realpath(path).catch(() => path);

export async function kindsOf(paths: readonly string[]): Promise<ReadonlyMap<string, PathKind>> {
  const looks = await Promise.all(
    paths.map((path) =>
      stat(path).then(
        (found) => [[path, found.isDirectory() ? 'directory' : 'other'] as const],
        () => [],
      ),
    ),
  );
  return new Map(looks.flat());
}

/** Only plain files are opened: a pipe would hold the daemon up, and a device may do something. */
export async function readText(path: string, mostBytes: number): Promise<string | undefined> {
  try {
    if (!(await stat(path)).isFile()) throw unreadable(path, 'is no plain file');
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const { size } = await file.stat();
    if (size > mostBytes) throw unreadable(path, `has ${size} bytes; ${mostBytes} is the most that is read`);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size), 0, size, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return undefined;
    if (error instanceof RuntimeError) throw error;
    throw unreadable(path, 'cannot be read', error);
  }
}

const unreadable = (path: string, why: string, cause?: unknown): RuntimeError =>
  new RuntimeError('BUNDLE_INVALID', {
    what: `${path} ${why}`,
    next: 'give the path of a readable file of this device',
    details: { file: path },
    cause,
  });
