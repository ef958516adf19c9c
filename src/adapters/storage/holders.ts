/** The processes that keep a file system: those in a mount namespace that has it, those with something of it or its device open. */
import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { deviceNumber } from './loop-devices.ts';

const NAMED = 5;

// Each read of a process here gives nothing when it ends in the meantime: then it holds nothing.

/** As `sleep (pid 4711)`, one a mount namespace; at most five. Empty when no process holds it. `number`: `major:minor`. */
export async function holdersOf(number: string): Promise<readonly string[]> {
  const found: string[] = [];
  const namespaces = new Set<string>();
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    if (found.length === NAMED) break;
    const namespace = await readlink(`/proc/${pid}/ns/mnt`).catch(() => undefined);
    if (namespace === undefined) continue;
    const isNew = !namespaces.has(namespace);
    namespaces.add(namespace);
    if ((isNew && (await sees(pid, number))) || (await uses(pid, number))) found.push(await named(pid));
  }
  return found;
}

/** Third field of proc(5), mountinfo. */
const sees = async (pid: string, number: string): Promise<boolean> =>
  (await readFile(`/proc/${pid}/mountinfo`, 'utf8').catch(() => ''))
    .split('\n')
    .some((line) => line.split(' ')[2] === number);

async function uses(pid: string, number: string): Promise<boolean> {
  const open = await readdir(`/proc/${pid}/fd`).catch(() => []);
  for (const link of ['cwd', 'root', ...open.map((fd) => `fd/${fd}`)]) {
    const found = await stat(`/proc/${pid}/${link}`, { bigint: true }).catch(() => undefined);
    if (found === undefined) continue;
    if (deviceNumber(found.dev) === number) return true;
    // the device itself
    if (found.isBlockDevice() && deviceNumber(found.rdev) === number) return true;
  }
  return false;
}

async function named(pid: string): Promise<string> {
  const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
  return `${name.trim()} (pid ${pid})`;
}
