/** Processes by /proc (proc(5)): a pid counts only together with its start time. */
import { readdirSync, readFileSync } from 'node:fs';
import { readdir, readlink } from 'node:fs/promises';
import { isErrno } from '../../domain/errors.ts';
import type { Processes, ProcessId, Standstill } from '../../ports/processes.ts';
import { readIfThere } from '../files/kernel-file.ts';
import { ProcessTable, unlessEnded } from './process-table.ts';

/** Fields after the command's name, which may hold spaces and brackets itself: [0] is the state, [19] the start time. */
function statFields(pid: number | string): readonly string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESRCH')) return undefined;
    throw error;
  }
}

const DEAD = new Set(['Z', 'X', 'x']);

function identify(pid: number): ProcessId | undefined {
  const fields = statFields(pid);
  const [state, startTime] = [fields?.[0], fields?.[19]];
  if (state === undefined || startTime === undefined || DEAD.has(state)) return undefined;
  return { pid, startTime };
}

const isAlive = (process: ProcessId): boolean => identify(process.pid)?.startTime === process.startTime;

/** PF_EXITING and PF_SIGNALED of the kernel's include/linux/sched.h, in the flags of the process. */
const EXITING = 0x4 | 0x400;
const FLAGS = 6;
const START_TIME = 19;

function isEnding(process: ProcessId): boolean {
  const fields = statFields(process.pid);
  return fields?.[19] !== process.startTime || (Number(fields[FLAGS]) & EXITING) !== 0;
}

const signal = (target: ProcessId, name: NodeJS.Signals | number): boolean => isAlive(target) && send(target.pid, name);

/** Who leads no group is meant alone. Source: kill(2), a negative pid. */
const signalGroup = (leader: ProcessId, name: NodeJS.Signals): boolean =>
  isAlive(leader) && (send(-leader.pid, name) || send(leader.pid, name));

function send(pid: number, name: NodeJS.Signals | number): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch (error) {
    if (isErrno(error, 'ESRCH')) return false;
    throw error;
  }
}

const table = new ProcessTable();

async function withArguments(wanted: readonly string[]): Promise<readonly ProcessId[]> {
  const found = (await table.now()).filter(({ args }) => wanted.every((one) => args.includes(one)));
  return found.flatMap(({ pid }) => identify(pid) ?? []);
}

async function holding(name: string, directory: string): Promise<readonly ProcessId[]> {
  const found: ProcessId[] = [];
  // one after the other: seldom is there any
  for (const { pid } of (await table.now()).filter((one) => one.name === name)) {
    if (await holdsBelow(pid, directory)) found.push(...[identify(pid)].filter((one) => one !== undefined));
  }
  return found;
}

async function holdsBelow(pid: number, directory: string): Promise<boolean> {
  for (const fd of (await unlessEnded(readdir(`/proc/${pid}/fd`))) ?? []) {
    const target = (await unlessEnded(readlink(`/proc/${pid}/fd/${fd}`))) ?? '';
    if (target === directory || target.startsWith(`${directory}/`)) return true;
  }
  return false;
}

function tracerOf(target: ProcessId): number {
  if (!isAlive(target)) return 0;
  return Number(/^TracerPid:\s+(\d+)/m.exec(readIfThere(`/proc/${target.pid}/status`) ?? '')?.[1] ?? 0);
}

/** proc(5), the state in stat. A tracer gets to know of an end before the parent does, ptrace(2). */
const STANDSTILLS: Readonly<Record<string, Standstill>> = { T: 'stopped', t: 'traced', Z: 'ended' };

function standstill({ pid, startTime }: ProcessId): Standstill | undefined {
  const fields = statFields(pid);
  return fields?.[START_TIME] === startTime ? STANDSTILLS[fields[0] ?? ''] : undefined;
}

const PARENT = 1;
const parentOf = (pid: number): number => Number(statFields(pid)?.[PARENT] ?? 0);

/** Where the kernel lets a vfork wait (kernel/fork.c): wait_for_vfork_done() is a part of these. */
const VFORK_WAITS = new Set(['kernel_clone', '_do_fork', 'do_fork', 'wait_for_vfork_done']);

/** Any thread can make a child: of a JVM, or of a Go program, seldom the first. */
const areInVfork = (pids: readonly number[]): boolean =>
  pids.some((pid) =>
    threadsOf(pid).some((tid) => VFORK_WAITS.has(readIfThere(`/proc/${pid}/task/${tid}/wchan`) ?? '')),
  );

/** R in the third field of stat. A thread that ends meanwhile wants nothing any more. */
function runnable(pids: readonly number[]): ReadonlyMap<string, string> {
  const threads = pids.flatMap((pid) => threadsOf(pid).map((tid) => `${pid}/task/${tid}`));
  return new Map(
    threads.flatMap((thread) => {
      if (statFields(thread)?.[0] !== 'R') return [];
      const [ran = ''] = (readIfThere(`/proc/${thread}/schedstat`) ?? '').split(' ');
      return [[thread, ran]];
    }),
  );
}

function threadsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESRCH')) return [];
    throw error;
  }
}

export const linuxProcesses: Processes = {
  ...{ identify, isAlive, isEnding, signal, signalGroup },
  ...{ standstill, parentOf, withArguments, holding, tracerOf, areInVfork, runnable },
};
