/** `<directory>/<container>/` with `init`, a link to one copy for all, and `wake.json` after a wake. */
import { copyFile, link, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { isErrno, RuntimeError } from '../../domain/errors.ts';
import type { ContainerId } from '../../domain/ids.ts';
import { SET_UP } from '../../domain/set-up.ts';
import type { Insides } from '../../ports/insides.ts';

type Options = {
  /** Not below /run, which many systems mount noexec: then no app could start. */
  readonly directory: string;
  /** Statically linked program for process 1. */
  readonly init: string;
};

/**
 * Always the same size, filled up with spaces: an app that reads its last note in the moment it is hibernated has the file open,
 * and CRIU refuses to wake an app whose open file has another size than before.
 */
const NOTE_CHARACTERS = 255;

export function insideDirectories({ directory, init }: Options): Insides {
  const pathOf = (id: ContainerId): string => `${directory}/${id}`;
  const shared = `${directory}/.init`;
  // a copy of our own: an app asleep or alive needs this very file, also after the tools were upgraded
  let copied: Promise<void> | undefined;
  async function linkInit(id: ContainerId): Promise<void> {
    copied ??= copyInit(init, shared);
    await copied.catch((error: unknown) => {
      copied = undefined;
      throw error;
    });
    await link(shared, `${pathOf(id)}/init`).catch(ignoreExisting);
  }
  return {
    pathOf,
    prepare: async (id) => {
      await mkdir(pathOf(id), { recursive: true, mode: 0o755 });
      await linkInit(id).catch((error: unknown) => {
        if (!isErrno(error, 'ENOENT')) throw error;
        // somebody removed our copy
        copied = undefined;
        return linkInit(id);
      });
      return pathOf(id);
    },
    noteWake: async (id, note) => {
      const file = `${pathOf(id)}/wake.json`;
      await writeFile(`${file}.new`, `${JSON.stringify(note).padEnd(NOTE_CHARACTERS)}\n`, { mode: 0o644 });
      await rename(`${file}.new`, file);
    },
    remove: (id) => rm(pathOf(id), { recursive: true, force: true }),
  };
}

async function copyInit(init: string, shared: string): Promise<void> {
  await copyFile(init, `${shared}.new`).catch((error: unknown) => {
    throw isErrno(error, 'ENOENT') ? noInit(error) : error;
  });
  await rename(`${shared}.new`, shared);
}

/** `cause`: when it was looked for in vain. */
export const noInit = (cause?: Error): RuntimeError =>
  new RuntimeError('ENGINE_UNAVAILABLE', {
    what: 'tini-static, process 1 of every container, is not there',
    next: `install Debian's package tini (${SET_UP}), or name its directory as \`tools\` in the configuration`,
    cause,
  });

function ignoreExisting(error: unknown): void {
  if (!isErrno(error, 'EEXIST')) throw error;
}
