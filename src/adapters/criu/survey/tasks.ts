/** The processes of the app as /proc shows them (proc(5)). A process that ends while we look is no longer there. */
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import type { Finding } from '../../../domain/hibernation.ts';

export type Task = {
  readonly pid: number;
  /** Pid in its own pid namespace. */
  readonly innerPid: number;
  readonly name: string;
  /** R, S, D, T, t, Z… */
  readonly state: string;
  readonly parent: number;
  /** Pid of the process that traces it; 0: none. */
  readonly tracer: number;
  readonly threads: number;
  /** By kind: `net` → `net:[4026531840]`. */
  readonly namespaces: Readonly<Record<NamespaceKind, string>>;
};

const KINDS = ['net', 'mnt', 'pid', 'ipc', 'uts', 'user'] as const;
export type NamespaceKind = (typeof KINDS)[number];

export function readTask(pid: number): Task | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const field = (name: string): string => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? '';
    return {
      pid,
      innerPid: Number(field('NSpid').split(/\s+/).at(-1)),
      name: field('Name'),
      state: field('State').charAt(0),
      parent: Number(field('PPid')),
      tracer: Number(field('TracerPid')),
      threads: Number(field('Threads')),
      namespaces: readNamespaces(pid),
    };
  } catch {
    return undefined;
  }
}

/** A zombie has left all but its pid namespace. */
function readNamespaces(pid: number): Task['namespaces'] {
  const link = (kind: NamespaceKind): string => {
    try {
      return readlinkSync(`/proc/${pid}/ns/${kind}`);
    } catch {
      return '';
    }
  };
  return {
    net: link('net'),
    mnt: link('mnt'),
    pid: link('pid'),
    ipc: link('ipc'),
    uts: link('uts'),
    user: link('user'),
  };
}

export const namespaceKinds = KINDS;

export type Descriptor = {
  readonly task: Task;
  readonly fd: number;
  /** What the link in /proc/PID/fd says: a path, `socket:[123]`, `anon_inode:[io_uring]`. */
  readonly target: string;
};

export function readDescriptors(task: Task): readonly Descriptor[] {
  const directory = `/proc/${task.pid}/fd`;
  return namesIn(directory).flatMap((name) => {
    try {
      return [{ task, fd: Number(name), target: readlinkSync(`${directory}/${name}`) }];
    } catch {
      return [];
    }
  });
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

export const processOf = ({ pid, innerPid, name }: Task): NonNullable<Finding['process']> => ({ pid, innerPid, name });
