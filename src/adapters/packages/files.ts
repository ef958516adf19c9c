/** Small files of ours. */
import { createHash, randomUUID } from 'node:crypto';
import { open, rename, rm, stat } from 'node:fs/promises';
import { isErrno, RuntimeError } from '../../domain/errors.ts';
import { readSmallIfThere } from '../files/read-small.ts';

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Undefined when it is not there, or lost in a power cut. */
export async function readRecord(path: string): Promise<unknown> {
  try {
    const text = await readSmallIfThere(path);
    return text === undefined ? undefined : JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Whole, by rename, flushed. Throws NO_SPACE. */
export async function writeRecord(path: string, record: object): Promise<void> {
  const draft = `${path}.${randomUUID()}.new`;
  try {
    await using file = await open(draft, 'wx', 0o600);
    await file.writeFile(JSON.stringify(record));
    await file.sync();
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw explainWrite(error);
  }
}

export const explainWrite = (error: unknown): unknown =>
  isErrno(error, 'ENOSPC', 'EDQUOT')
    ? new RuntimeError('NO_SPACE', {
        what: 'the disk became full while a package was made ready',
        next: 'make room on the disk of the packages, or lower packages.budgetBytes',
        cause: error,
      })
    : error;

/** The same as long as nobody has written to the file or put another in its place; reboots and changes of mode do not count. */
export async function stampOf(path: string): Promise<string> {
  const { ino, size, mtimeNs } = await stat(path, { bigint: true });
  return `${ino} ${size} ${mtimeNs}`;
}
