/** The groups that hold those of our containers: today's, and those of daemons before, whose containers keep theirs. */
import { existsSync, readdirSync, rmdirSync } from 'node:fs';
import { isErrno } from '../../domain/errors.ts';
import type { ContainerId } from '../../domain/ids.ts';
import type { Clock } from '../../ports/clock.ts';
import { MONITORS } from './monitor-groups.ts';

export type Parents = {
  /** Absolute path inside the hierarchies, for instance `/runtime-manager`. */
  readonly parent: string;
  /** Other parents: a container that has its group there keeps it. */
  readonly earlier?: readonly string[];
  /** The parent is removed by somebody else (systemd), who would miss it. */
  readonly isManaged?: boolean;
  /** Of each group's name: an app may be called `tasks`, and so is a file in every group. */
  readonly prefix: string;
};

const LAST_WORDS_MS = 10_000;
const POLL_MS = 5;

export function groupParents({ parent, earlier = [], isManaged = false, prefix }: Parents, all: readonly string[]) {
  const isGroup = (path: string): boolean => all.some((mountPoint) => existsSync(`${mountPoint}${path}`));
  // nobody makes one any more
  const before = earlier.filter(isGroup);
  const below = (path: string, id: ContainerId): string => `${path}/${prefix}${id}`;
  const everywhere = (paths: readonly string[]): readonly string[] =>
    paths.flatMap((path) => all.map((mountPoint) => `${mountPoint}${path}`));
  return {
    pathOf: (id: ContainerId): string => below(before.find((path) => isGroup(below(path, id))) ?? parent, id),
    known: (): readonly ContainerId[] => {
      const names = everywhere([parent, ...before]).flatMap(childGroups);
      const own = names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
      return [...new Set(own)] as ContainerId[];
    },
    /** The last monitors end a moment after what they have watched; where apps run on, so do their monitors. */
    close: async (clock: Clock): Promise<void> => {
      const ours = everywhere(isManaged ? before : [parent, ...before]);
      const hasMonitors = (): boolean => !ours.map((group) => removeGroup(`${group}/${MONITORS}`)).every(Boolean);
      const apps = ours.flatMap(childGroups).filter((name) => name.startsWith(prefix));
      const deadline = performance.now() + LAST_WORDS_MS;
      while (hasMonitors() && apps.length === 0 && performance.now() < deadline) await clock.sleep(POLL_MS);
      for (const group of ours) removeGroup(group);
    },
  };
}

export function childGroups(group: string): readonly string[] {
  try {
    return readdirSync(group, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENODEV', 'ENOTDIR')) return [];
    throw error;
  }
}

/** False when something is in it. */
export function removeGroup(group: string): boolean {
  try {
    rmdirSync(group);
    return true;
  } catch (error) {
    if (isErrno(error, 'EBUSY', 'ENOTEMPTY')) return false;
    if (isErrno(error, 'ENOENT', 'ENODEV')) return true;
    throw error;
  }
}
