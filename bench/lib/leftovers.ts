/**
 * What a benchmark that was killed has left: the next one takes it away. Each directory of a benchmark names the process that it
 * belongs to; what is to go is found by that directory's path, by its daemon's control group and by the benchmark's own.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { layout } from '../../src/domain/layout.ts';
import { tagOf } from '../../src/start/open-place.ts';
import { groupDirectories, mountsUnder, processesWith } from '../../test/lib/machine.ts';
import { call } from '../peers/command-line.ts';
import { removeTree } from './groups.ts';

const OURS = /^rmt-(?:bench|compare)-/;
const OWNER = 'bench-owner';
const LIMIT_MS = 20_000;

/** proc(5): with the pid it names a process for good. */
const startTime = (pid: number): string | undefined => {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[19];
  } catch {
    return undefined;
  }
};

/** Marks a directory as this process's. */
export function own(directory: string): void {
  writeFileSync(join(directory, OWNER), `${process.pid} ${startTime(process.pid) ?? ''}`);
}

/** The pid of the benchmark that made it, if that has ended; undefined for a directory that has no such mark. */
function deadOwner(directory: string): number | undefined {
  const file = join(directory, OWNER);
  if (!existsSync(file)) return undefined;
  const [pid = '', time = ''] = readFileSync(file, 'utf8').split(' ');
  return startTime(Number(pid)) === time ? undefined : Number(pid);
}

/** Takes away what benchmarks that have ended left. Returns the directories that were in the way. */
export async function sweep(): Promise<readonly string[]> {
  const found = readdirSync(tmpdir())
    .filter((name) => OURS.test(name))
    .map((name) => join(tmpdir(), name));
  const left: string[] = [];
  for (const directory of found) {
    const owner = deadOwner(directory);
    if (owner === undefined) continue;
    await clear(directory, owner);
    left.push(directory);
  }
  return left;
}

async function clear(directory: string, owner: number): Promise<void> {
  const tag = tagOf(layout(directory));
  const groups = [`/runtime-manager-bench-${owner}`, `/runtime-manager-${tag}`];
  const deadline = performance.now() + LIMIT_MS;
  // a daemon that is about to end may still start something: until nothing is left
  while (endAll(directory, groups) > 0 && performance.now() < deadline) await sleep(50);
  for (const group of groups.flatMap(groupDirectories)) removeTree(group);
  const places = [directory, `/run/runtime-manager-${tag}`];
  for (const mount of places.flatMap(mountsUnder).toReversed()) {
    await call(['umount', '--lazy', mount], process.env).catch(() => undefined);
  }
  if (places.flatMap(mountsUnder).length > 0) throw new Error(`${directory} has mounts that cannot be taken away`);
  for (const place of places) await rm(place, { recursive: true, force: true });
}

/** Returns how many there were. */
function endAll(directory: string, groups: readonly string[]): number {
  const pids = new Set([...processesWith(directory), ...groups.flatMap(groupDirectories).flatMap(membersOf)]);
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it has ended
    }
  }
  return pids.size;
}

/** Of the group and those below it; what is frozen must be thawed to die. */
function membersOf(group: string): readonly number[] {
  for (const [file, thawed] of [
    ['freezer.state', 'THAWED'],
    ['cgroup.freeze', '0'],
  ] as const) {
    if (existsSync(join(group, file))) writeFileSync(join(group, file), thawed);
  }
  const below = readdirSync(group, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const own = readFileSync(join(group, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number);
  return [...own, ...below.flatMap(({ name }) => membersOf(join(group, name)))];
}
