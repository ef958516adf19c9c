/** `<directory>/<container>.png`. Not flushed: a picture that a power cut takes is no loss. */
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { isErrno } from '../../domain/errors.ts';
import type { ContainerId } from '../../domain/ids.ts';
import type { Pictures } from '../../ports/pictures.ts';

export function pictureFiles(directory: string): Pictures {
  const fileOf = (id: ContainerId): string => `${directory}/${id}.png`;
  return {
    keep: async (id, png) => {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      await writeFile(`${fileOf(id)}.new`, png, { mode: 0o600 });
      await rename(`${fileOf(id)}.new`, fileOf(id));
    },
    find: async (id) => {
      try {
        const [png, { mtime }] = await Promise.all([readFile(fileOf(id)), stat(fileOf(id))]);
        return { png, takenAt: mtime.toISOString() };
      } catch (error) {
        if (isErrno(error, 'ENOENT')) return undefined;
        throw error;
      }
    },
    remove: async (id) => {
      await Promise.all([rm(fileOf(id), { force: true }), rm(`${fileOf(id)}.new`, { force: true })]);
    },
  };
}
