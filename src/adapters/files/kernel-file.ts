/** Small reads and writes that must not throw for a file that has just gone: kernel files, and files tools write whole. */
import { readFileSync, writeFileSync } from 'node:fs';
import { isErrno } from '../../domain/errors.ts';

/** Text without the last newline; undefined when there is no such file (or its group or process has just gone). */
export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1').trimEnd();
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENODEV', 'ESRCH', 'ENOTDIR')) return undefined;
    throw error;
  }
}

/** Writes to a kernel file that exists. False when it does not. */
export function writeIfThere(path: string, text: string): boolean {
  try {
    writeFileSync(path, text, { flag: 'r+' });
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENODEV')) return false;
    throw error;
  }
}
