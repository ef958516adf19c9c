/** A mount namespace for programs that write to the machine's own places whatever they are told; a network namespace for those that set up networks. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { call } from './command-line.ts';

/** Places of the machine that such a program would use. */
const HIDDEN = ['/run', '/var/lib'];

export type MountSpace = AsyncDisposable & {
  /** Stands before a program that is to run in there. */
  readonly enter: readonly string[];
};

/** Held by a process that does nothing else, and ends with this one, whatever ends this one. */
export async function mountSpace(directory: string, spaces: readonly ('mount' | 'net')[]): Promise<MountSpace> {
  const own = readlinkSync('/proc/self/ns/mnt');
  const options = [...spaces.map((name) => `--${name}`), '--propagation', 'private'];
  const child = spawn('unshare', [...options, 'sh', '-c', 'read nothing', directory], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  const gone = once(child, 'exit');
  const pid = child.pid ?? 0;
  while (readlinkSync(`/proc/${pid}/ns/mnt`) === own) await sleep(5);
  const enter = ['nsenter', ...spaces.map((name) => `--${name}=/proc/${pid}/ns/${name === 'mount' ? 'mnt' : name}`)];
  const end = async (): Promise<void> => {
    child.kill('SIGKILL');
    await gone;
  };
  try {
    for (const path of HIDDEN) {
      await call([...enter, 'mount', '-t', 'tmpfs', '-o', 'mode=0755', 'tmpfs', path], process.env);
    }
  } catch (error) {
    await end();
    throw error;
  }
  return { enter, [Symbol.asyncDispose]: end };
}
