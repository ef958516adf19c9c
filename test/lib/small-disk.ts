/** A daemon on a small disk of its own, a tmpfs, that can be filled up. */
import { execFileSync } from 'node:child_process';
import { statfsSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startDaemon, type DaemonOptions } from './daemon.ts';
import { until } from './until.ts';

const SIZE_BYTES = 16 * 2 ** 20;

/** False while a monitor that is ending still has a file open in it. */
function unmounted(point: string): boolean {
  execFileSync('umount', [point], { stdio: 'ignore' });
  return true;
}

type Disk = Partial<DaemonOptions> & { readonly files?: number };

/** `files`: inodes; as many as fit when absent. */
export const onSmallDisk = ({ files = 0, ...options }: Disk = {}) =>
  startDaemon({
    config: { userIds: { first: 43_001, last: 43_003 } },
    ...options,
    prepare: async (root) => {
      const size = `size=${SIZE_BYTES},nr_inodes=${files},mode=755`;
      execFileSync('mount', ['-t', 'tmpfs', '-o', size, 'tmpfs', root]);
      return async () => {
        await until(() => unmounted(root), { what: 'its disk can be unmounted' });
      };
    },
  });

/** Every byte; what it takes away again is the file's name. */
export async function fill(root: string): Promise<string> {
  const file = join(root, 'filling');
  // also what the daemon and its tools give up in the meantime
  const isFull = async (): Promise<boolean> => {
    const { bavail, bsize } = statfsSync(root);
    await appendFile(file, Buffer.alloc(bavail * bsize)).catch(() => undefined);
    return statfsSync(root).bavail === 0;
  };
  await until(isFull, { what: 'the disk is full' });
  return file;
}
