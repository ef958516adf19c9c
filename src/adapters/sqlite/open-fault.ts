/** Why `state.db` cannot be opened, and whether it could be. */
import { DatabaseSync } from 'node:sqlite';
import { RuntimeError } from '../../domain/errors.ts';
import { SCHEMA_VERSION } from './schema.ts';

/** SQLITE_BUSY: the exclusive lock is held. Source: sqlite.org/rescode.html */
export function openFault(file: string, error: unknown): RuntimeError {
  if (error instanceof Error && /locked|busy/i.test(error.message)) {
    return new RuntimeError('ALREADY_RUNNING', {
      what: `another daemon works with ${file}`,
      next: 'end it, or give this one a root of its own with --root',
      cause: error,
    });
  }
  return new RuntimeError('CORRUPT_FILE', {
    what: `${file} could not be opened`,
    next: `look at the disk and the file; moved away (mv ${file} ${file}.aside), the daemon begins with an empty history and sweeps up what still runs`,
    cause: error,
  });
}

/** As far as that can be seen without a change to it. Throws CORRUPT_FILE, or ALREADY_RUNNING. */
export function checkDatabase(file: string): void {
  try {
    using database = new DatabaseSync(file, { readOnly: true });
    const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
    if (version > SCHEMA_VERSION) throw newerVersion(version);
    const fault = database.prepare('PRAGMA quick_check(1)').get()?.['quick_check'];
    if (fault !== 'ok') throw new Error(String(fault));
  } catch (error) {
    throw openFault(file, error);
  }
}

export const newerVersion = (version: number): Error =>
  new Error(`state.db is of version ${version}; this program knows ${SCHEMA_VERSION}: use the newer program`);
