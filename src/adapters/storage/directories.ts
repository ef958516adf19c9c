/** Private directories of apps: `<base>/<name of the app>`, 0700, kept over runs. */
import { chmod, lchown, lstat, mkdir } from 'node:fs/promises';
import { isErrno, RuntimeError } from '../../domain/errors.ts';
import { plainName, type AppId } from '../../domain/ids.ts';
import type { Storage } from '../../ports/storage.ts';

export function directories(base: string): Storage {
  const pathOf = (appId: AppId): string => `${base}/${plainName(appId)}`;
  return {
    pathOf,
    locate: ({ appId }) => Promise.resolve(pathOf(appId)),
    prepare: async ({ appId, uid, gid }) => {
      const path = pathOf(appId);
      await mkdir(path, { mode: 0o700 }).catch((error: unknown) => {
        if (!isErrno(error, 'EEXIST')) throw noStorage(path, error);
      });
      const found = await lstat(path);
      if (!found.isDirectory()) throw noStorage(path, 'it is not a directory');
      if (found.uid !== uid || found.gid !== gid) await lchown(path, uid, gid);
      if ((found.mode & 0o7777) !== 0o700) await chmod(path, 0o700);
      return path;
    },
    exists: (appId) =>
      lstat(pathOf(appId)).then(
        () => true,
        () => false,
      ),
  };
}

const noStorage = (path: string, cause: unknown): RuntimeError =>
  new RuntimeError(isErrno(cause, 'ENOSPC', 'EDQUOT') ? 'NO_SPACE' : 'INTERNAL', {
    what: `the app's storage ${path} could not be made`,
    next: 'look at the free space and the permissions of its directory',
    cause,
  });
