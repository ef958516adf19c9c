/** Who on the machine holds a socket: slow (every descriptor of every process), so only asked when there is something to tell. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export type Owner = { readonly pid: number; readonly name: string };

export function findOwner(target: string): Owner | undefined {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const pid = pids.find((one) => holds(one, target));
  if (pid === undefined) return undefined;
  try {
    return { pid: Number(pid), name: readFileSync(`/proc/${pid}/comm`, 'utf8').trimEnd() };
  } catch {
    return undefined;
  }
}

function holds(pid: string, target: string): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => linkOf(`/proc/${pid}/fd/${fd}`) === target);
  } catch {
    return false; // it ended
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
