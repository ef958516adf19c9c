/** What tests look at on the machine itself: processes, mounts, control groups. */
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { MONITORS } from '../../src/adapters/cgroup/monitor-groups.ts';
import { mountsBelow } from '../../src/adapters/files/mount-table.ts';

function readOr(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // it went while we looked
  }
}

const allPids = (): readonly number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);

export const commandLine = (pid: number): readonly string[] => readOr(`/proc/${pid}/cmdline`).split('\0').slice(0, -1);

/** Every process with this text anywhere in its arguments, but this one. */
export const processesWith = (text: string): readonly number[] =>
  allPids().filter((pid) => pid !== process.pid && commandLine(pid).join(' ').includes(text));

/** Every process of a user id that lives; a zombie does not. */
export const processesOfUser = (uid: number): readonly number[] =>
  allPids().filter((pid) => {
    const status = readOr(`/proc/${pid}/status`);
    return status.includes(`\nUid:\t${uid}\t`) && !/^State:\tZ/m.test(status);
  });

/** Every process in the same pid namespace; of a container's first process, all of the container. */
export function processesBesides(pid: number): readonly number[] {
  const namespace = readlinkSync(`/proc/${pid}/ns/pid`);
  return allPids().filter((other) => {
    try {
      return readlinkSync(`/proc/${other}/ns/pid`) === namespace;
    } catch {
      return false;
    }
  });
}

export const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`) && !isZombie(pid);
const isZombie = (pid: number): boolean => /^State:\tZ/m.test(readOr(`/proc/${pid}/status`));

export const mountsUnder = (directory: string): readonly string[] =>
  mountsBelow(directory, readFileSync('/proc/self/mountinfo', 'utf8'));

/** Where cgroup hierarchies are mounted. */
const hierarchies = (): readonly string[] =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => / - cgroup2? /.test(line))
    .map((line) => line.split(' ')[4] ?? '');

/** The directories of a control group, in each hierarchy where it exists. */
export const groupDirectories = (group: string): readonly string[] =>
  hierarchies()
    .map((mountPoint) => join(mountPoint, group))
    .filter((path) => existsSync(path));

/** The groups of containers and displays directly below one, in any hierarchy. */
export const groupsBelow = (group: string): readonly string[] =>
  groupDirectories(group).flatMap((directory) =>
    readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && entry.name !== MONITORS)
      .map(({ name }) => join(directory, name)),
  );

/** A file of a control group, from whichever hierarchy has it; undefined when none has. */
export function groupFile(group: string, name: string): string | undefined {
  const path = groupDirectories(group)
    .map((directory) => join(directory, name))
    .find((file) => existsSync(file));
  return path === undefined ? undefined : readFileSync(path, 'utf8').trim();
}

/** Whether a disk of this machine uses a scheduler that heeds weights. */
export const disksAreShared = (): boolean =>
  readdirSync('/sys/block').some((disk) => {
    const file = `/sys/block/${disk}/queue/scheduler`;
    return existsSync(file) && readFileSync(file, 'utf8').includes('[bfq]');
  });
