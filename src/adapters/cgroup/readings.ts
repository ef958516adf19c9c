/** What a control group says of its use, in one form for v1 and v2. */
import type { Readings } from '../../domain/info.ts';

/** Reads a file of the group in the hierarchy of a controller. */
export type ReadFile = (name: string) => string | undefined;
type Read<Value> = (read: ReadFile) => Value;

/** v1 writes "no limit" as the largest number of pages, v2 as "max". */
const NO_LIMIT_BYTES = 2 ** 60;

function limit(text: string | undefined): number | null {
  const value = Number(text);
  return text === undefined || text === 'max' || value >= NO_LIMIT_BYTES ? null : value;
}

/** The number after a key in a flat-keyed file ("inactive_file 4096"). */
export function keyed(text: string | undefined, key: string): number {
  const line = text?.split('\n').find((one) => one.startsWith(`${key} `));
  return line === undefined ? 0 : Number(line.slice(key.length + 1));
}

/** Usage without page cache that the kernel can drop at once, as `docker stats` and kubelet count it. */
export const MEMORY: Readonly<Record<1 | 2, Read<Readings['memory']>>> = {
  1: (read) => ({
    usageBytes: Math.max(0, Number(read('memory.usage_in_bytes')) - keyed(read('memory.stat'), 'total_inactive_file')),
    limitBytes: limit(read('memory.limit_in_bytes')),
  }),
  2: (read) => ({
    usageBytes: Math.max(0, Number(read('memory.current')) - keyed(read('memory.stat'), 'inactive_file')),
    limitBytes: limit(read('memory.max')),
  }),
};

export const CPU: Readonly<Record<1 | 2, Read<Readings['cpu']>>> = {
  1: (read) => ({ usageNs: Number(read('cpuacct.usage')) }),
  2: (read) => ({ usageNs: keyed(read('cpu.stat'), 'usage_usec') * 1000 }),
};

const pids: Read<Readings['pids']> = (read) => ({
  current: Number(read('pids.current')),
  limit: limit(read('pids.max')),
});
export const PIDS: Readonly<Record<1 | 2, Read<Readings['pids']>>> = { 1: pids, 2: pids };

export const OOM_KILLS: Readonly<Record<1 | 2, Read<number>>> = {
  1: (read) => keyed(read('memory.oom_control'), 'oom_kill'),
  2: (read) => keyed(read('memory.events'), 'oom_kill'),
};
