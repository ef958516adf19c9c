/**
 * Limits of a group that has processes, and what is in force, for v1 and v2.
 * Source: Documentation/admin-guide/cgroup-v1/memory.rst, scheduler/sched-bwc.rst, cgroup-v2.rst.
 */
import { writeFile } from 'node:fs/promises';
import { isErrno, RuntimeError } from '../../domain/errors.ts';
import type { Readings } from '../../domain/info.ts';
import type { Limits } from '../../domain/limits.ts';
import type { LimitSwitch } from '../../ports/control-groups.ts';
import type { Controller } from './hierarchies.ts';
import { readIfThere } from '../files/kernel-file.ts';

const PERIOD_US = 100_000;
/** The kernel rounds to pages, which have up to 64 KiB. */
const PAGE_BYTES = 65_536;
/** v1 writes "no limit" as the largest number of pages. */
const NO_LIMIT_BYTES = 2 ** 60;

type Knob = {
  readonly file: string;
  readonly text: (value: number | null) => string;
  /** In force, null when there is no limit. */
  readonly read: (text: string) => number | null;
};

const bytes = (none: string): Omit<Knob, 'file'> => ({
  text: (value) => (value === null ? none : String(value)),
  read: (text) => (text === 'max' || Number(text) >= NO_LIMIT_BYTES ? null : Number(text)),
});

/** The period is the one that the runtime has set: ours, from spec/limits. */
const quota = (value: number | null): number => Math.round((value ?? 0) * PERIOD_US);

const PIDS: Knob = { file: 'pids.max', ...bytes('max') };

type LimitName = keyof Limits;
const CONTROLLERS: Readonly<Record<LimitName, Controller>> = {
  memoryBytes: 'memory',
  cpus: 'cpu',
  pids: 'pids',
};

const KNOBS: Readonly<Record<LimitName, Readonly<Record<1 | 2, Knob>>>> = {
  memoryBytes: { 1: { file: 'memory.limit_in_bytes', ...bytes('-1') }, 2: { file: 'memory.max', ...bytes('max') } },
  cpus: {
    1: {
      file: 'cpu.cfs_quota_us',
      text: (value) => (value === null ? '-1' : String(quota(value))),
      read: (text) => (Number(text) < 0 ? null : Number(text) / PERIOD_US),
    },
    2: {
      file: 'cpu.max',
      text: (value) => `${value === null ? 'max' : quota(value)} ${PERIOD_US}`,
      read: (text) => (text.startsWith('max') ? null : Number(text.split(' ')[0]) / Number(text.split(' ')[1])),
    },
  },
  pids: { 1: PIDS, 2: PIDS },
};

type Bound = { readonly group: string; readonly version: 1 | 2 };
type Find = (controller: Controller) => Bound | undefined;

/** What differs, in order; less than the app uses is refused before anything is written. */
export async function setLimits(
  find: Find,
  { before, after }: LimitSwitch,
  readings: Readings | undefined,
): Promise<void> {
  refuseBelowUse(after, readings);
  const tried: LimitName[] = [];
  try {
    for (const name of LIMIT_NAMES.filter((one) => before?.[one] !== after[one])) {
      tried.unshift(name);
      await putInForce(find, name, after[name]);
    }
  } catch (error) {
    // they held a moment ago; the first error is the one to tell
    for (const name of before === undefined ? [] : tried) {
      await putInForce(find, name, before?.[name] ?? null).catch(() => undefined);
    }
    throw error;
  }
}

const LIMIT_NAMES = ['memoryBytes', 'cpus', 'pids'] as const;

/** v2 would end the app, and neither version ends processes that are too many. */
function refuseBelowUse({ memoryBytes, pids }: Limits, readings: Readings | undefined): void {
  const memory = readings?.memory.usageBytes ?? 0;
  const processes = readings?.pids.current ?? 0;
  const [asked, used] =
    memoryBytes !== null && memoryBytes < memory
      ? [`${memoryBytes} bytes of memory`, `${memory}`]
      : pids < processes
        ? [`${pids} processes`, `${processes}`]
        : [];
  if (asked === undefined) return;
  throw new RuntimeError('LIMIT_FAILED', {
    what: `a limit of ${asked} would not be in force: the app uses ${used ?? ''}`,
    next: 'give it more, or end some of it first',
  });
}

const noController = (name: string): RuntimeError =>
  new RuntimeError('NOT_SUPPORTED', {
    what: `${name} cannot be limited: its control group controller is not there`,
    next: 'mount it, or in a cgroup v2 hierarchy enable it (cgroup.subtree_control)',
  });

/** Writes one limit and reads it back. Off the event loop: for less memory the kernel has to make room first. */
async function putInForce(find: Find, name: LimitName, value: number | null): Promise<void> {
  const bound = find(CONTROLLERS[name]);
  if (bound === undefined) throw noController(name);
  const { group, version } = bound;
  const knob = KNOBS[name][version];
  try {
    await writeFile(`${group}/${knob.file}`, knob.text(value), { flag: 'r+' });
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENODEV')) throw gone(group, knob.file);
    throw notInForce(name, value, error);
  }
  const text = readIfThere(`${group}/${knob.file}`);
  if (text === undefined) throw gone(group, knob.file);
  const found = knob.read(text);
  const rounding = name === 'memoryBytes' ? PAGE_BYTES : 0.001;
  const isSo = found === value || (found !== null && value !== null && Math.abs(found - value) < rounding);
  if (!isSo) throw notInForce(name, value, `the kernel has ${text} in ${knob.file}`);
}

const gone = (group: string, file: string): RuntimeError =>
  new RuntimeError('ABORTED', { what: `${group} has no ${file} (any more)` });

const notInForce = (name: LimitName, value: number | null, cause: unknown): RuntimeError =>
  new RuntimeError('LIMIT_FAILED', {
    what: `${name} ${value === null ? 'could not be lifted' : `${value} could not be put in force`}`,
    next: isErrno(cause, 'EBUSY') ? 'the app uses more than that: give it more, or end some of it' : undefined,
    cause,
  });
