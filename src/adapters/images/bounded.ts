/** A dump that grows beyond its room: its directory is taken away under CRIU, which then fails as on a full disk, and lets the app go on. */
import { mkdir, readdir, rename, rmdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { isErrno } from '../../domain/errors.ts';
import { look, orAbsent, sizeOfDirectory } from './disk.ts';

const LOOK_MS = 20;

type Bounds = {
  readonly directory: string;
  /** Where its files are put when they are too much. */
  readonly aside: string;
  readonly limitBytes: number;
  readonly refuse: (sizeBytes: number, cause: unknown) => Error;
};

/**
 * Not by a kill: CRIU has code of its own in the app at that time, and a kill could be the app's end. In a directory that was removed no
 * file can be made (open(2), ENOENT), an error like any other. Its files are moved, not deleted: a dump that was over at this moment has
 * ended the app, and is put back. What CRIU has open can still grow: a deleted file up to ghost-limit.
 */
export async function bounded<Result>(dump: () => Promise<Result>, bounds: Bounds): Promise<Result> {
  const { directory, aside, limitBytes, refuse } = bounds;
  const done = new AbortController();
  let tooLargeBytes = 0;
  const watch = async (): Promise<void> => {
    while (!done.signal.aborted) {
      const sizeBytes = await sizeOfDirectory(directory);
      if (sizeBytes > limitBytes) {
        tooLargeBytes = sizeBytes;
        await takeAway(directory, aside);
        return;
      }
      // aborted: the loop sees it
      await sleep(LOOK_MS, undefined, { signal: done.signal }).catch(() => undefined);
    }
  };
  // where nobody can look the disk is the limit
  const watching = watch().catch(() => undefined);
  try {
    return await dump();
  } catch (error) {
    throw tooLargeBytes === 0 ? error : refuse(tooLargeBytes, error);
  } finally {
    done.abort();
    await watching;
  }
}

/** Again for what is made in it in the meantime. */
async function takeAway(directory: string, aside: string): Promise<void> {
  await mkdir(aside, { recursive: true, mode: 0o700 });
  for (;;) {
    for (const name of await readdir(directory)) await orAbsent(rename(`${directory}/${name}`, `${aside}/${name}`));
    try {
      await rmdir(directory);
      return;
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return;
      if (!isErrno(error, 'ENOTEMPTY')) throw error;
    }
  }
}

/** The dump was whole before its directory was taken away. Repeatable. */
export async function putBack(directory: string, aside: string): Promise<void> {
  if ((await look(aside)) === undefined) return;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  for (const name of await readdir(aside)) await rename(`${aside}/${name}`, `${directory}/${name}`);
  await rmdir(aside);
}
