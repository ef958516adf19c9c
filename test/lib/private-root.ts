/**
 * The machine's root file system as it is, under a layer of our own, in a mount namespace of its own: what is installed there
 * is not on the machine, and all of it is gone with the last process in there. /run is empty; processes, control groups and devices
 * are the machine's.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { until } from './until.ts';

/** The layer is memory, as the upper layer of an overlay cannot be an overlay, which / may be. `$1`: a directory for it. */
const SET_UP = `set -e
mount -t tmpfs -o mode=755 layer "$1"; cd "$1"; mkdir upper work root
mount -t overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" overlay root
cd root
for top in proc sys dev; do mount --rbind "/$top" "$top"; done
mount -t tmpfs -o mode=755 run run
mkdir run/old; pivot_root . run/old; umount -l /run/old; rmdir /run/old
echo ready; exec cat`;

const LIMIT_MS = 120_000;

export type Outcome = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

export type PrivateRoot = AsyncDisposable & {
  /** Runs a program in there. What it leaves running stays until the end. */
  readonly run: (argv: readonly string[], env?: Readonly<Record<string, string>>) => Promise<Outcome>;
  /** Writes a file in there; its directory must exist. */
  readonly write: (path: string, content: string, mode?: number) => Promise<void>;
  /** Processes in there, besides the one that keeps it. */
  readonly processes: () => readonly number[];
};

const namespaceOf = (pid: number | string): string | undefined => {
  try {
    return readlinkSync(`/proc/${pid}/ns/mnt`);
  } catch {
    return undefined; // it has ended
  }
};

export async function privateRoot(): Promise<PrivateRoot> {
  const directory = await mkdtemp(join(await realpath(tmpdir()), 'rmt-'));
  const argv = ['--mount', '--propagation', 'private', 'sh', '-c', SET_UP, 'sh', directory];
  const keeper = spawn('unshare', argv, { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(keeper, 'exit');
  const [said] = (await Promise.race([once(keeper.stdout, 'data'), ended])) as [unknown];
  if (String(said) !== 'ready\n') throw new Error('the private root could not be made; the reason is on stderr');
  const pid = keeper.pid ?? 0;
  const namespace = namespaceOf(pid);

  const run: PrivateRoot['run'] = async (command, env = {}) => {
    const child = spawn('nsenter', ['--target', String(pid), '--mount', '--', ...command], {
      env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: LIMIT_MS,
    });
    const exit = once(child, 'exit') as Promise<[code: number | null]>;
    const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
    return { code, stdout, stderr };
  };
  const processes = (): readonly number[] =>
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && Number(name) !== pid && namespaceOf(name) === namespace)
      .map(Number);
  return {
    run,
    write: (path, content, mode = 0o644) => writeFile(`/proc/${pid}/root${path}`, content, { mode }),
    processes,
    [Symbol.asyncDispose]: async () => {
      for (const one of processes()) process.kill(one, 'SIGKILL');
      await until(() => processes().length === 0, {
        what: 'no process is left in the private root',
        timeoutMs: 30_000,
      });
      keeper.stdin.end();
      await ended;
      await rm(directory, { recursive: true });
    },
  };
}
