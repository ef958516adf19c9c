/** RDK's configuration of the device, from its file. */
import { readSmall } from '../adapters/files/read-small.ts';
import { RuntimeError } from '../domain/errors.ts';
import { readPlatform, type Platform } from '../spec/platform/platform.ts';

/** Throws INVALID_ARGUMENT naming file, line and key. */
export async function openPlatform(file: string): Promise<Platform> {
  const text = await readSmall(file, { links: 'followed' }).catch((cause: unknown) => {
    throw new RuntimeError('INVALID_ARGUMENT', {
      what: `the platform configuration ${file} cannot be read`,
      next: 'correct `platform` in the configuration, or take it out',
      cause,
    });
  });
  return readPlatform(text, file);
}
