/** Whether a program is connected to a compositor. Sway tells of windows only; of connections the kernel knows. Source: proc(5). */
import { readdir, readFile, readlink } from 'node:fs/promises';
import { SOCKET } from './places.ts';

/** Of /proc/PID/net/unix; a connection that was accepted has the path of the socket that listened. */
const CONNECTED = new RegExp(`^\\S+ \\S+ \\S+ \\S+ \\S+ 03 +(\\d+) .*/${SOCKET}$`, 'gm');

/** `pid`: of the compositor. False, too, when it is gone. */
export async function hasClient(pid: number): Promise<boolean> {
  // in its network namespace, which may be the machine's: then there are those of others, too
  const table = await readFile(`/proc/${pid}/net/unix`, 'latin1').catch(() => '');
  const connected = new Set(Array.from(table.matchAll(CONNECTED), ([, inode]) => `socket:[${inode ?? ''}]`));
  if (connected.size === 0) return false;
  const fds = await readdir(`/proc/${pid}/fd`).catch(() => []);
  const targets = await Promise.all(fds.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')));
  return targets.some((target) => connected.has(target));
}
