/** What can be wrong with a process itself: held by a debugger, stopped, come in from outside, in a sandbox of its own. */
import type { Finding } from '../../../domain/hibernation.ts';
import { who } from '../words.ts';
import { namespaceKinds, processOf, type Task } from './tasks.ts';

type Told = Pick<Finding, 'code' | 'blocks' | 'what' | 'why' | 'next'>;
type Check = (task: Task, init: Task, all: ReadonlyMap<number, Task>) => Told | undefined;

export function stateFindings(tasks: readonly Task[]): readonly Finding[] {
  const all = new Map(tasks.map((task) => [task.pid, task]));
  const init = firstProcess(tasks);
  if (init === undefined) return [];
  return tasks.flatMap((task) =>
    CHECKS.flatMap((check) => {
      const told = check(task, init, all);
      return told === undefined ? [] : [{ ...told, process: processOf(task) }];
    }),
  );
}

/** Pid 1 of the container, which is not the child of another (that is pid 1 of a sandbox); with the host's pids there is none. */
export function firstProcess(tasks: readonly Task[]): Task | undefined {
  const pids = new Set(tasks.map(({ pid }) => pid));
  const roots = tasks.filter(({ parent }) => !pids.has(parent));
  return roots.find(({ innerPid }) => innerPid === 1) ?? roots[0];
}

const name = (task: Task): string => who(processOf(task));

const traced: Check = (task) =>
  task.tracer === 0
    ? undefined
    : {
        code: 'PTRACED',
        blocks: true,
        what: `${name(task)} is held by a debugger or tracer (pid ${task.tracer})`,
        why: 'CRIU must attach to every process itself, and only one can be attached',
        next: 'end the debugger (gdb, strace, a crash handler of the app) and try again',
      };

const stopped: Check = (task) =>
  task.state !== 'T'
    ? undefined
    : {
        code: 'STOPPED',
        blocks: true,
        what: `${name(task)} is stopped (SIGSTOP or SIGTSTP)`,
        why: 'CRIU waits for a stopped process of a frozen app without end',
        next: 'let it go on (SIGCONT) or end it, and try again',
      };

const waiting: Check = (task) =>
  task.state !== 'D'
    ? undefined
    : {
        code: 'WAITS_IN_KERNEL',
        blocks: false,
        what: `${name(task)} waits in the kernel for a disk, a network file system, a device, or a child it made by vfork`,
        why: 'if it goes on waiting, the app cannot be held still, and the hibernation runs out of time',
        next: 'try again if the hibernation fails',
      };

const headless: Check = (task) =>
  task.state !== 'Z' || task.threads <= 1
    ? undefined
    : {
        code: 'ZOMBIE_LEADER',
        blocks: true,
        what: `the main thread of ${name(task)} has ended while other threads go on`,
        why: 'CRIU cannot rebuild such a process',
        next: 'this is how the app is made: its main thread must live as long as the others',
      };

const fromOutside: Check = (task, init, all) =>
  descends(task, init, all)
    ? undefined
    : {
        code: 'EXEC_PROCESS',
        blocks: true,
        what: `${name(task)} came in from outside (\`exec\`)`,
        why: 'CRIU saves the first process of the app and its descendants only; this one would be lost',
        next: 'end it, or wait for its end, before the app hibernates',
      };

function descends(task: Task, init: Task, all: ReadonlyMap<number, Task>): boolean {
  let current: Task | undefined = task;
  // a tree cannot be deeper than it has members; parents change while we read
  for (let depth = 0; depth <= all.size && current !== undefined; depth++) {
    if (current.pid === init.pid) return true;
    current = all.get(current.parent);
  }
  return false;
}

const nested: Check = (task, init) => {
  // CRIU knows several network and mount namespaces in one app
  const kind = namespaceKinds
    .filter((one) => one !== 'net' && one !== 'mnt')
    .find((one) => task.namespaces[one] !== '' && task.namespaces[one] !== init.namespaces[one]);
  if (kind === undefined || init.namespaces[kind] === '') return undefined;
  return {
    code: 'NESTED_NAMESPACE',
    blocks: true,
    what: `${name(task)} has made a ${WORDS[kind]} namespace of its own`,
    why: `CRIU saves one ${WORDS[kind]} namespace for each app, that of its first process`,
    next: 'switch off the sandbox of the app (Chromium: --no-sandbox), or run it without a container inside the container',
  };
};

const WORDS = { net: 'network', mnt: 'mount', pid: 'pid', ipc: 'ipc', uts: 'uts', user: 'user' } as const;

const CHECKS: readonly Check[] = [traced, stopped, waiting, headless, fromOutside, nested];
