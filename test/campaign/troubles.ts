/** What goes wrong around the daemon: helpers that die or hang, foreign mount namespaces, no descriptors, a full disk. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { closeSync, ftruncateSync, openSync, readFileSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestDaemon } from '../lib/daemon.ts';
import { commandLine, processesWith } from '../lib/machine.ts';
import type { Random } from '../lib/random-numbers.ts';

/** Told of each process that is killed or stopped: its command line. */
type Tell = (word: string, argv: readonly string[]) => void;

type Scene = {
  readonly daemon: TestDaemon;
  /** Of the daemon when the round began: it may be killed at any moment. */
  readonly pid: number;
  readonly random: Random;
  readonly tell: Tell;
  /** Holders of foreign mount namespaces, the oldest first. */
  readonly foreign: ChildProcess[];
};

export type Trouble = (scene: Scene) => Promise<void>;

const MAX_FOREIGN = 3;

/** Tools and compositors. No process of an app has the root directory among its arguments. */
const helpersOf = ({ daemon, pid: own }: Scene): readonly number[] =>
  processesWith(daemon.root).filter((pid) => pid !== own && basename(commandLine(pid)[0] ?? '') !== 'conmon');

const monitorsOf = (daemon: TestDaemon): readonly number[] =>
  processesWith(daemon.root).filter((pid) => basename(commandLine(pid)[0] ?? '') === 'conmon');

function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch {
    return false; // it has ended
  }
}

/** The first one that is found within a moment: most live for some milliseconds only. */
async function catchOne(find: () => readonly number[], random: Random): Promise<number | undefined> {
  for (let tries = 0; tries < 40; tries++) {
    const found = find();
    if (found.length > 0) return found[random(found.length)];
    await sleep(4);
  }
  return undefined;
}

const killHelper: Trouble = async (scene) => {
  const { random, tell } = scene;
  const pid = await catchOne(() => helpersOf(scene), random);
  if (pid === undefined) return;
  const argv = commandLine(pid);
  if (signal(pid, 'SIGKILL')) tell('helper-killed', argv);
};

/** A tool that hangs for a moment, as on a disk that is slow. */
const stopHelper: Trouble = async (scene) => {
  const { random, tell } = scene;
  const pid = await catchOne(() => helpersOf(scene), random);
  if (pid === undefined || !signal(pid, 'SIGSTOP')) return;
  tell('helper-stopped', commandLine(pid));
  await sleep(50 + random(400));
  signal(pid, 'SIGCONT');
};

const killMonitor: Trouble = async ({ daemon, random, tell }) => {
  const pid = await catchOne(() => monitorsOf(daemon), random);
  if (pid === undefined) return;
  const argv = commandLine(pid);
  if (signal(pid, 'SIGKILL')) tell('monitor-killed', argv);
};

/** Any service of the machine with a mount namespace of its own: it keeps a copy of each mount that there is now. */
const foreignNamespace: Trouble = ({ random, foreign, tell }) => {
  if (foreign.length >= MAX_FOREIGN) foreign.shift()?.kill('SIGKILL');
  const propagation = random(2) === 0 ? 'private' : 'slave';
  foreign.push(spawn('unshare', ['--mount', `--propagation=${propagation}`, 'sleep', '1000'], { stdio: 'ignore' }));
  tell(`foreign-namespace-${propagation}`, []);
  return Promise.resolve();
};

/** `soft:hard`; undefined when the process has ended. */
function limitOf(pid: number): string | undefined {
  try {
    const limits = readFileSync(`/proc/${pid}/limits`, 'utf8');
    return /^Max open files\s+(\d+)\s+(\d+)/m.exec(limits)?.slice(1, 3).join(':');
  } catch {
    return undefined;
  }
}

function setLimit(pid: number, limit: string): void {
  spawnSync('prlimit', ['--pid', String(pid), `--nofile=${limit}`], { stdio: 'ignore' });
}

/** The daemon is a few descriptors away from its limit. */
const fewDescriptors: Trouble = async ({ pid, random, tell }) => {
  const before = limitOf(pid);
  if (before === undefined) return;
  const soft = 30 + random(60);
  setLimit(pid, `${soft}:${before.split(':')[1] ?? ''}`);
  tell('few-descriptors', [String(soft)]);
  await sleep(50 + random(200));
  setLimit(pid, before);
};

const CHUNK = Buffer.alloc(2 ** 20, 1);

/** Only where the root directory is a disk of the test's own: all that is free there is taken for a moment. */
const fullDisk: Trouble = async ({ daemon, random, tell }) => {
  const file = join(daemon.root, 'ballast');
  const { bavail, bsize } = statfsSync(daemon.root);
  if (bavail * bsize > 2 ** 31) return;
  tell('full-disk', []);
  const descriptor = openSync(file, 'w');
  try {
    for (;;) writeSync(descriptor, CHUNK);
  } catch {
    // full; a last block for whatever fits
  }
  try {
    if (random(2) === 0) ftruncateSync(descriptor, 0);
    await sleep(50 + random(250));
  } finally {
    closeSync(descriptor);
    rmSync(file, { force: true });
  }
};

/** What goes wrong, and how often beside the others. */
const TROUBLES: readonly (readonly [weight: number, trouble: Trouble])[] = [
  [5, killHelper],
  [4, stopHelper],
  [1, killMonitor],
  [3, foreignNamespace],
  [1, fewDescriptors],
  [1, fullDisk],
];

export function pickTrouble(random: Random): Trouble {
  let at = random(TROUBLES.reduce((sum, [weight]) => sum + weight, 0));
  for (const [weight, trouble] of TROUBLES) {
    if (at < weight) return trouble;
    at -= weight;
  }
  return killHelper;
}
