/** Whether the kernel runs programs that lie in a directory. The first program of every app lies in the state directory, and is bound into it. */
import { readFileSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { isErrno } from '../../domain/errors.ts';
import type { MachineFault } from '../../domain/health.ts';
import { mountOf } from './mount-table.ts';

/** One fault at most. A directory that does not exist yet counts as the one that it will be made in. */
export function closedToPrograms(directory: string): readonly MachineFault[] {
  const path = nearest(directory);
  const mount = mountOf(path, readFileSync('/proc/self/mountinfo', 'utf8'));
  if (mount?.options.includes('noexec') !== true) return [];
  const { mountPoint } = mount;
  return [
    {
      code: 'DISK_UNUSABLE',
      state: 'fail',
      what: `${path} is on ${mountPoint}, which is mounted noexec`,
      why: 'the program that each app starts with lies there, and the kernel does not run it',
      next: `mount -o remount,exec ${mountPoint} (and in /etc/fstab), or use a --root elsewhere`,
    },
  ];
}

function nearest(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR') && path !== '/') return nearest(dirname(path));
    throw error;
  }
}
