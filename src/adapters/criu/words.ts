/** How processes and sizes are called in findings. */
import type { Finding } from '../../domain/hibernation.ts';

/** `perl (pid 4711, 6 in the app)`. */
export function who({ pid, innerPid, name }: NonNullable<Finding['process']>): string {
  const inside = innerPid === null ? '' : `, ${innerPid} in the app`;
  return `${name === '' ? 'a process' : name} (pid ${pid}${inside})`;
}

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

export function sizeWords(bytes: number): string {
  const step = Math.min(UNITS.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  const value = bytes / 1024 ** step;
  return `${Number(value.toFixed(value < 10 ? 1 : 0))} ${UNITS[step] ?? ''}`;
}
