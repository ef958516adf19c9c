/** What CRIU writes besides the memory that a control group counts: files without a name, and what is swapped out. */
import { readFile, stat, statfs } from 'node:fs/promises';
import { mappedFile } from './maps.ts';
import { readDescriptors, readTask } from './tasks.ts';

/** statfs(2), linux/magic.h: memory, and counted as such. */
const TMPFS_MAGIC = 0x0102_1994;
const BLOCK_BYTES = 512;
const DELETED = ' (deleted)';
/** `7f..-7f.. rw-s 00000000 fe:00 123   /path (deleted)` */
const DELETED_MAPPING = /^([0-9a-f]+-[0-9a-f]+) .* \/.* \(deleted\)$/gm;

/** In bytes, of all processes together. Each file once, and without its holes (CRIU: files-reg.c, dump_ghost_file). */
export async function savedBesidesMemory(pids: readonly number[]): Promise<number> {
  const files = new Map<string, number>();
  let swappedBytes = 0;
  for (const task of pids.map(readTask)) {
    if (task === undefined) continue;
    const open = readDescriptors(task).filter(({ target }) => target.startsWith('/') && target.endsWith(DELETED));
    const links = open.map(({ fd }) => `/proc/${task.pid}/fd/${fd}`);
    for (const link of [...links, ...(await deletedMappings(task.pid))]) {
      const found = await fileWithoutName(link);
      if (found !== undefined) files.set(found.key, found.bytes);
    }
    swappedBytes += await swapOf(task.pid);
  }
  return [...files.values()].reduce((sum, one) => sum + one, swappedBytes);
}

async function deletedMappings(pid: number): Promise<readonly string[]> {
  // it has ended, and saves nothing
  const text = await readFile(`/proc/${pid}/maps`, 'latin1').catch(() => '');
  return [...text.matchAll(DELETED_MAPPING)].map(([, range = '']) => mappedFile(pid, range));
}

/** One that ends in the meantime has none. */
async function fileWithoutName(link: string): Promise<{ readonly key: string; readonly bytes: number } | undefined> {
  const found = await stat(link).catch(() => undefined);
  if (found?.isFile() !== true || found.nlink > 0) return undefined;
  // closed since the look above
  const { type } = await statfs(link).catch(() => ({ type: TMPFS_MAGIC }));
  return type === TMPFS_MAGIC ? undefined : { key: `${found.dev}:${found.ino}`, bytes: found.blocks * BLOCK_BYTES };
}

async function swapOf(pid: number): Promise<number> {
  // as above
  const status = await readFile(`/proc/${pid}/status`, 'latin1').catch(() => '');
  return Number(/^VmSwap:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}
