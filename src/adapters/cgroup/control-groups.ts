/** The control groups of our containers: all below parent groups that are this daemon's alone. */
import { RuntimeError } from '../../domain/errors.ts';
import type { ContainerId } from '../../domain/ids.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ControlGroups } from '../../ports/control-groups.ts';
import type { Wait } from '../../ports/wait.ts';
import { readIfThere } from '../files/kernel-file.ts';
import { bindFreezer, FREEZERS, reach, type BoundFreezer } from './freezer.ts';
import { childGroups, groupParents, removeGroup, type Parents } from './group-parents.ts';
import { findHierarchies, type Controller, type Hierarchies, type Place } from './hierarchies.ts';
import { blameLimit, enforce, refuseImpossible, setLimits } from './limits.ts';
import { CPU, MEMORY, OOM_KILLS, PIDS, type ReadFile } from './readings.ts';

export type GroupOptions = Parents & {
  readonly clock: Clock;
  /** Text of /proc/self/mountinfo. */
  readonly mountInfo: string;
  /** /sys/block. */
  readonly disks?: string;
};

export function controlGroups(options: GroupOptions): ControlGroups {
  const { parent, clock, mountInfo, disks = '/sys/block' } = options;
  const hierarchies = findHierarchies(mountInfo);
  const { pathOf, known, close } = groupParents(options, hierarchies.all);
  const groupIn = (place: Place, id: ContainerId): string => `${place.mountPoint}${pathOf(id)}`;

  function read<Value>(
    id: ContainerId,
    controller: Controller,
    forms: Readonly<Record<1 | 2, (r: ReadFile) => Value>>,
  ) {
    const place = hierarchies.of(controller);
    if (place === undefined) return undefined;
    const group = groupIn(place, id);
    return forms[place.version]((name) => readIfThere(`${group}/${name}`));
  }

  const freezerOf = (id: ContainerId): BoundFreezer | undefined => {
    const place = hierarchies.of('freezer');
    return place && bindFreezer(FREEZERS[place.version], groupIn(place, id));
  };

  async function become(id: ContainerId, wanted: 'frozen' | 'thawed', wait: Wait): Promise<void> {
    const freezer = freezerOf(id);
    if (freezer === undefined) throw noFreezer();
    await reach(freezer, wanted, { ...wait, clock });
  }

  function readings(id: ContainerId) {
    const memory = read(id, 'memory', MEMORY);
    const cpu = read(id, 'cpuacct', CPU);
    const pids = read(id, 'pids', PIDS);
    const there = memory !== undefined && !Number.isNaN(memory.usageBytes);
    return there && cpu !== undefined && pids !== undefined ? { memory, cpu, pids } : undefined;
  }

  const groupsAt = (path: string) => ({ find: boundTo(hierarchies, path), disks });

  const each = (id: ContainerId): readonly string[] =>
    hierarchies.all.map((mountPoint) => `${mountPoint}${pathOf(id)}`);

  return {
    pathOf,
    freeze: (id, wait) => become(id, 'frozen', wait),
    thaw: (id, wait) => become(id, 'thawed', wait),
    frozen: (id) => freezerOf(id)?.state(),
    readings,
    enforce: (id, wanted) => enforce(groupsAt(pathOf(id)), wanted),
    blameLimit,
    setLimits: (id, change) => setLimits(groupsAt(pathOf(id)), change, readings(id)),
    refuseImpossible: (wanted) => refuseImpossible(groupsAt(parent), wanted),
    oomKills: (id) => read(id, 'memory', OOM_KILLS) ?? 0,
    members: (id) => [...new Set(each(id).flatMap(membersBelow))],
    remove: (id) => each(id).map(removeTree).every(Boolean),
    known,
    close: () => close(clock),
  };
}

/** A group by its path, in the hierarchy of each controller. */
const boundTo = (hierarchies: Hierarchies, path: string) => (controller: Controller) => {
  const place = hierarchies.of(controller);
  return place && { group: `${place.mountPoint}${path}`, root: place.mountPoint, version: place.version };
};

const noFreezer = (): RuntimeError =>
  new RuntimeError('NOT_SUPPORTED', {
    what: 'this machine has no cgroup freezer mounted',
    next: 'mount the cgroup v1 freezer or the cgroup v2 hierarchy at /sys/fs/cgroup',
  });

/** An app may have made groups of its own below. */
function membersBelow(group: string): readonly number[] {
  const own = (readIfThere(`${group}/cgroup.procs`) ?? '').split('\n').filter(Boolean).map(Number);
  return [...own, ...childGroups(group).flatMap((child) => membersBelow(`${group}/${child}`))];
}

function removeTree(group: string): boolean {
  const children = childGroups(group).map((child) => removeTree(`${group}/${child}`));
  return children.every(Boolean) && removeGroup(group);
}
