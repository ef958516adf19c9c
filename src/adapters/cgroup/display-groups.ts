/** Control groups of the displays, whose processes we start ourselves; those of containers are made by the OCI runtime. */
import { mkdirSync } from 'node:fs';
import { isErrno } from '../../domain/errors.ts';
import type { ContainerId } from '../../domain/ids.ts';
import type { ControlGroups } from '../../ports/control-groups.ts';
import { writeIfThere } from '../files/kernel-file.ts';
import { controlGroups, type GroupOptions } from './control-groups.ts';
import { countingHierarchies, findHierarchies, type Controller, type Place } from './hierarchies.ts';
import { join } from './monitor-groups.ts';

export type GroupLimits = { readonly memoryBytes: number; readonly pids: number };

/** Not cpuset: a new group of it has no processor (v1). */
const CONTROLLERS: readonly Controller[] = ['memory', 'pids', 'cpuacct', 'freezer'];

export type DisplayGroups = Pick<ControlGroups, 'members' | 'remove' | 'known' | 'close'> & {
  /** Into the group of this name, in every hierarchy that counts or ends something, or by which processes are known. */
  readonly enter: (name: ContainerId, pid: number, limits: GroupLimits) => void;
  /** Makes the group; a process that is not there yet joins it by these files. */
  readonly prepare: (name: ContainerId, limits: GroupLimits) => readonly string[];
};

export function displayGroups(options: Omit<GroupOptions, 'prefix'>): DisplayGroups {
  const { pathOf, members, remove, known, close } = controlGroups({ ...options, prefix: 'display-' });
  const hierarchies = findHierarchies(options.mountInfo);
  const places = new Map<string, 1 | 2>([
    ...countingHierarchies(options.mountInfo).map((mountPoint) => [mountPoint, 1] as const),
    ...CONTROLLERS.flatMap((one) => byMountPoint(hierarchies.of(one))),
  ]);
  const prepare = (name: ContainerId, limits: GroupLimits): readonly string[] =>
    [...places].map(([mountPoint, version]) => {
      const group = `${mountPoint}${pathOf(name)}`;
      makeGroup(mountPoint, pathOf(name), version);
      limit(version, group, limits);
      return `${group}/cgroup.procs`;
    });
  return {
    members,
    remove,
    known,
    close,
    prepare,
    enter: (name, pid, limits) => {
      for (const file of prepare(name, limits)) join(file, pid);
    },
  };
}

const byMountPoint = (place: Place | undefined): readonly (readonly [string, 1 | 2])[] =>
  place === undefined ? [] : [[place.mountPoint, place.version]];

const MEMORY_LIMIT: Readonly<Record<1 | 2, string>> = { 1: 'memory.limit_in_bytes', 2: 'memory.max' };

/** A controller that is not handed down sets no limit: that is no reason to show nothing. */
function limit(version: 1 | 2, group: string, { memoryBytes, pids }: GroupLimits): void {
  setUnlessInUse(`${group}/${MEMORY_LIMIT[version]}`, memoryBytes);
  if (version === 2) writeIfThere(`${group}/memory.swap.max`, '0');
  writeIfThere(`${group}/pids.max`, String(pids));
}

/** v1 takes no limit below what is in use; then the one before stays. */
function setUnlessInUse(file: string, bytes: number): void {
  try {
    writeIfThere(file, String(bytes));
  } catch (error) {
    if (!isErrno(error, 'EBUSY')) throw error;
  }
}

/** In v2 each group says what those below it may limit (cgroup-v2.rst, "Enabling and Disabling"). */
function makeGroup(mountPoint: string, path: string, version: 1 | 2): void {
  let group = mountPoint;
  for (const name of path.split('/').filter(Boolean)) {
    if (version === 2) {
      for (const controller of ['memory', 'pids']) handDown(group, controller);
    }
    group = `${group}/${name}`;
    mkdirSync(group, { recursive: true });
  }
}

function handDown(group: string, controller: string): void {
  try {
    writeIfThere(`${group}/cgroup.subtree_control`, `+${controller}`);
  } catch (error) {
    // the controller is in v1, or somebody above does not hand it down
    if (!isErrno(error, 'ENOENT', 'EINVAL', 'EBUSY', 'EOPNOTSUPP')) throw error;
  }
}
