/** Mount namespaces of a test's own: the one that a daemon works in, and neighbours that have copies of its mounts. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readlinkSync } from 'node:fs';
import { until } from './until.ts';

/** What unshare(1) makes of the mounts: `private` is what a machine without systemd has, `shared` one with it. */
export type Propagation = 'private' | 'shared';

export type MountNamespace = AsyncDisposable & {
  readonly pid: number;
  /** Program and arguments that start another program in it, and become it. */
  readonly within: readonly string[];
  /** A process in a copy of it, private for ever, as `unshare --mount` makes it; it stands in this directory. */
  readonly neighbour: (directory?: string) => Promise<MountNamespace>;
};

const namespaceOf = (pid: number | 'self'): string => readlinkSync(`/proc/${pid}/ns/mnt`);

async function started(argv: readonly string[], from: string): Promise<{ child: ChildProcess; pid: number }> {
  const [command = '', ...args] = argv;
  const child = spawn(command, args, { stdio: 'ignore' });
  await once(child, 'spawn');
  const { pid = 0 } = child;
  await until(() => namespaceOf(pid) !== from && readlinkSync(`/proc/${pid}/exe`).includes('sleep'), {
    what: 'the process is in its mount namespace',
  });
  return { child, pid };
}

export async function mountNamespace(
  propagation: Propagation = 'private',
  before: readonly string[] = [],
  directory = '/',
): Promise<MountNamespace> {
  const argv = ['unshare', '--mount', '--propagation', propagation, 'env', '-C', directory, 'sleep', '1000'];
  const { child, pid } = await started([...before, ...argv], namespaceOf('self'));
  const within = ['nsenter', '--target', String(pid), '--mount', '--'];
  return {
    pid,
    within,
    neighbour: (place) => mountNamespace('private', within, place),
    [Symbol.asyncDispose]: async () => {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}
