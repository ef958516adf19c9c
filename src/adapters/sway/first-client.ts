/** Whether a program is connected to a compositor. Sway tells of windows only; of connections the kernel knows. Source: proc(5). */
import { readdir, readFile, readlink } from 'node:fs/promises';
import { SOCKET } from './places.ts';

/** Of /proc/PID/net/unix; a connection that was accepted has the path of the socket that listened. */
const CONNECTED = new RegExp(`^\\S+ \\S+ \\S+ \\S+ \\S+ 03 +(\\d+) .*/${SOCKET}$`, 'gm');

/** `pid`: of the compositor. False, too, when it is gone. */
export async function hasClient(pid: number): Promise<boolean> {
  // an accepted connection is of its client's network namespace (net/unix/af_unix.c, unix_stream_connect): the compositor's, or ours
  const tables = await Promise.all(
    [pid, 'self'].map((one) => readFile(`/proc/${one}/net/unix`, 'latin1').catch(() => '')),
  );
  const found = tables.flatMap((table) => Array.from(table.matchAll(CONNECTED), ([, inode]) => inode ?? ''));
  const connected = new Set(found.map((inode) => `socket:[${inode}]`));
  if (connected.size === 0) return false;
  const fds = await readdir(`/proc/${pid}/fd`).catch(() => []);
  const targets = await Promise.all(fds.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')));
  return targets.some((target) => connected.has(target));
}
