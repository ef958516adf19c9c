/**
 * Ways past closed directories. CRIU mounts an app's binds again from inside the app's user namespace, where the container's root
 * is nobody out here: a source below a private directory (0700, /root, a temporary directory) cannot be reached by it
 * (`open_tree …: Permission denied`). For the moment of the wake such a source is bound to a place that anybody may reach.
 */
import { existsSync, statSync } from 'node:fs';
import { chmod, chown, mkdir, readFile, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ContainerId } from '../../domain/ids.ts';
import type { Wait } from '../../ports/wait.ts';
import { listDirectory } from '../files/list-directory.ts';
import { mountsBelow } from '../files/mount-table.ts';
import type { RunTool } from '../process/run-tool.ts';

export type DoorOrder = {
  readonly sources: readonly string[];
  /** Group on the host of the container's root. */
  readonly gid: number;
};

export type Doors = {
  /** The place of each source that needed one; the others are absent. */
  readonly open: (id: ContainerId, order: DoorOrder, wait: Wait) => Promise<ReadonlyMap<string, string>>;
  /** Closes every door of a container, those of a daemon that was killed included. */
  readonly close: (id: ContainerId, wait: Wait) => Promise<void>;
};

const OTHERS_MAY_ENTER = 0o001;

/** Whether anybody may pass every directory down to this path. */
export function isReachable(path: string): boolean {
  const parent = dirname(path);
  const enters = (statSync(parent).mode & OTHERS_MAY_ENTER) !== 0;
  return enters && (parent === '/' || isReachable(parent));
}

/** `directory` and everything above it must let others enter. */
export function doors(runTool: RunTool, directory: string): Doors {
  return {
    open: async (id, { sources, gid }, wait) => {
      const closed = [...new Set(sources)].filter((source) => !isReachable(source));
      if (closed.length === 0) return new Map();
      // nobody but the root of this container may pass: the directories are private, after all
      await mkdir(`${directory}/${id}`, { recursive: true, mode: 0o711 });
      await chown(`${directory}/${id}`, 0, gid);
      await chmod(`${directory}/${id}`, 0o710);
      const opened = await Promise.all(
        closed.map(async (source, index) => {
          const place = `${directory}/${id}/${index}`;
          await makePlace(place, (await stat(source)).isDirectory());
          await runTool(['mount', '--bind', '--make-private', source, place], wait);
          return [source, place] as const;
        }),
      );
      return new Map(opened);
    },
    close: async (id, wait) => {
      const own = `${directory}/${id}`;
      // also an empty one: who was killed in between left it
      if (!existsSync(own)) return;
      const mounted = mountsBelow(own, await readFile('/proc/self/mountinfo', 'utf8'));
      await Promise.all(mounted.map((place) => runTool(['umount', '-l', place], wait)));
      // one by one and never recursively: what is still mounted must not be emptied
      for (const name of await listDirectory(own)) {
        const place = `${own}/${name}`;
        await ((await stat(place)).isDirectory() ? rmdir(place) : rm(place));
      }
      await rmdir(own);
    },
  };
}

async function makePlace(place: string, directory: boolean): Promise<void> {
  await mkdir(directory ? place : dirname(place), { recursive: true, mode: 0o711 });
  if (!directory) await writeFile(place, '');
}
