/**
 * The kernel's files for each limit, for v1 and v2.
 * Source: Documentation/admin-guide/cgroup-v1/memory.rst, cpusets.rst, scheduler/sched-bwc.rst, block/bfq-iosched.rst, cgroup-v2.rst.
 */
import type { Limits } from '../../domain/limits.ts';
import type { Controller } from './hierarchies.ts';

const PERIOD_US = 100_000;
/** The kernel rounds to pages, which have up to 64 KiB. */
const PAGE_BYTES = 65_536;
/** v1 writes "no limit" as the largest number of pages. */
const NO_LIMIT_BYTES = 2 ** 60;
const DEFAULT_SHARES = 1024;
const DEFAULT_WEIGHT = 100;
const MOST_WEIGHT = 10_000;

export type LimitName = keyof Limits;
/** What the same file has in the group above. */
type Above = () => string;

export type Knob = {
  /** Kernels have one or the other. */
  readonly files: readonly string[];
  /** Written into it before, if it is there. */
  readonly first?: { readonly file: string; readonly text: string };
  readonly text: (wanted: Limits, above: Above) => string;
  /** Whether this text of the file is what is wanted. */
  readonly holds: (found: string, wanted: Limits, above: Above) => boolean;
};

type Amount = {
  readonly of: (wanted: Limits) => number | null;
  readonly write: (value: number | null) => string;
  /** In force, null when there is no limit. */
  readonly read: (text: string) => number | null;
  readonly rounding: number;
};

const amount = (files: readonly string[], { of, write, read, rounding }: Amount): Knob => ({
  files,
  text: (wanted) => write(of(wanted)),
  holds: (text, wanted) => {
    const [found, asked] = [read(text), of(wanted)];
    return found === asked || (found !== null && asked !== null && Math.abs(found - asked) < rounding);
  },
});

const count = (file: string, none: string, rest: Pick<Amount, 'of' | 'rounding'>): Knob =>
  amount([file], {
    ...rest,
    write: (value) => (value === null ? none : String(value)),
    read: (text) => (text === 'max' || Number(text) >= NO_LIMIT_BYTES ? null : Number(text)),
  });

const bytes = (file: string, none: string, of: Amount['of']): Knob => count(file, none, { of, rounding: PAGE_BYTES });

/** The period is the one that the runtime has set: ours, from spec/limits. */
const quota = (cpus: number | null): number => Math.round((cpus ?? 0) * PERIOD_US);
const time = { of: ({ cpus }: Limits) => cpus, rounding: 0.001 };

/** `default 100` in some of the files. */
const weight = (files: readonly string[], of: Amount['of']): Knob =>
  amount(files, { of, rounding: 0, write: String, read: (text) => Number(/\d+/.exec(text)?.[0]) });

/** 1024 of one hundred are the default of both versions; the runtime has changed its mind on what lies between. */
const cpuWeight = (shares: number): number =>
  Math.min(MOST_WEIGHT, Math.max(1, Math.round((shares * DEFAULT_WEIGHT) / DEFAULT_SHARES)));

/** `0,1` and `0-1` are one set. */
function coresIn(text: string): string {
  const parts = text
    .split(',')
    .filter(Boolean)
    .map((part) => part.split('-').map(Number));
  const all = parts.flatMap(([from = 0, to = from]) => Array.from({ length: to - from + 1 }, (_, i) => from + i));
  return [...new Set(all)].sort((one, other) => one - other).join(',');
}

/** `all`: what a group has in its file that may run everywhere. */
const coreSet = (all: (above: Above) => string): Knob => ({
  files: ['cpuset.cpus'],
  // nothing at all would not be written
  text: ({ cores }, above) => `${cores ?? all(above)}\n`,
  holds: (found, { cores }, above) => coresIn(found) === coresIn(cores ?? all(above)),
});
const PIDS = count('pids.max', 'max', { of: ({ pids }) => pids, rounding: 0 });
const MEMORY_AND_SWAP = 'memory.memsw.limit_in_bytes';
const ioWeight = ({ ioWeight: one }: Limits): number => one ?? DEFAULT_WEIGHT;

type Row = { readonly controller: Controller; readonly knobs: Readonly<Record<1 | 2, Knob>> };

/** In the order in which they are put in force. */
export const LIMITS: Readonly<Record<LimitName, Row>> = {
  memoryBytes: {
    controller: 'memory',
    knobs: {
      // never above the limit of both together, so that one is lifted; it is the next to be written
      1: {
        ...bytes('memory.limit_in_bytes', '-1', ({ memoryBytes }) => memoryBytes),
        first: { file: MEMORY_AND_SWAP, text: '-1' },
      },
      2: bytes('memory.max', 'max', ({ memoryBytes }) => memoryBytes),
    },
  },
  swapBytes: {
    controller: 'memory',
    knobs: {
      1: bytes(MEMORY_AND_SWAP, '-1', ({ memoryBytes, swapBytes }) =>
        memoryBytes === null || swapBytes === null ? null : memoryBytes + swapBytes,
      ),
      2: bytes('memory.swap.max', 'max', ({ swapBytes }) => swapBytes),
    },
  },
  cpus: {
    controller: 'cpu',
    knobs: {
      1: amount(['cpu.cfs_quota_us'], {
        ...time,
        write: (value) => (value === null ? '-1' : String(quota(value))),
        read: (text) => (Number(text) < 0 ? null : Number(text) / PERIOD_US),
      }),
      2: amount(['cpu.max'], {
        ...time,
        write: (value) => `${value === null ? 'max' : quota(value)} ${PERIOD_US}`,
        read: (text) => (text.startsWith('max') ? null : Number(text.split(' ')[0]) / Number(text.split(' ')[1])),
      }),
    },
  },
  pids: { controller: 'pids', knobs: { 1: PIDS, 2: PIDS } },
  cpuShares: {
    controller: 'cpu',
    knobs: {
      1: weight(['cpu.shares'], ({ cpuShares }) => cpuShares ?? DEFAULT_SHARES),
      2: weight(['cpu.weight'], ({ cpuShares }) => cpuWeight(cpuShares ?? DEFAULT_SHARES)),
    },
  },
  cores: { controller: 'cpuset', knobs: { 1: coreSet((above) => above()), 2: coreSet(() => '') } },
  ioWeight: {
    controller: 'blkio',
    knobs: {
      1: weight(['blkio.bfq.weight', 'blkio.weight'], ioWeight),
      2: weight(['io.bfq.weight', 'io.weight'], ioWeight),
    },
  },
};
