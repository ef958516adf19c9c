import { stat } from 'node:fs/promises';
import { isErrno } from '../../domain/errors.ts';

/** Links are followed. Throws what keeps us from looking. */
export async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
}
