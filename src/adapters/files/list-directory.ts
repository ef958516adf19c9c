import { readdir } from 'node:fs/promises';
import { isErrno } from '../../domain/errors.ts';

/** Names in a directory; none when it is not there. */
export async function listDirectory(path: string): Promise<readonly string[]> {
  return readdir(path).catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return [];
    throw error;
  });
}
