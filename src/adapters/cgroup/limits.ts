/** Limits are put in force by writing them and reading them back, at the start of an app and while it lives. */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isErrno, RuntimeError } from '../../domain/errors.ts';
import type { Readings } from '../../domain/info.ts';
import type { Limits } from '../../domain/limits.ts';
import type { LimitSwitch } from '../../ports/control-groups.ts';
import { readIfThere, writeIfThere } from '../files/kernel-file.ts';
import { refuseIdleWeight } from './disks.ts';
import type { Controller } from './hierarchies.ts';
import { LIMITS, type Knob, type LimitName } from './knobs.ts';

type Bound = {
  readonly group: string;
  /** Mount point of its hierarchy. */
  readonly root: string;
  readonly version: 1 | 2;
};
type Find = (controller: Controller) => Bound | undefined;

const ALL = Object.keys(LIMITS) as readonly LimitName[];

/** `disks`: /sys/block. */
type Machine = { readonly find: Find; readonly disks: string };

/** What differs, in order; less than the app uses is refused before anything is written. */
export async function setLimits(
  machine: Machine,
  { before, after }: LimitSwitch,
  readings: Readings | undefined,
): Promise<void> {
  refuseBelowUse(after, readings);
  const differs = (name: LimitName): boolean => before?.[name] !== after[name];
  // in v1 swap is counted together with memory
  const names = ALL.filter((name) => differs(name) || (name === 'swapBytes' && differs('memoryBytes')));
  try {
    for (const name of names) await putInForce(machine, name, after);
  } catch (error) {
    // they held a moment ago; the first error is the one to tell
    for (const name of before === undefined ? [] : names) {
      await putInForce(machine, name, before ?? after).catch(() => undefined);
    }
    throw error;
  }
}

/** Every limit that was asked for, of a group that the runtime has just made. Throws LIMIT_FAILED. */
export async function enforce(machine: Machine, wanted: Limits): Promise<void> {
  endTogether(machine.find);
  for (const name of ALL.filter((one) => wanted[one] !== null)) await putInForce(machine, name, wanted);
}

/** `find`: of any group that could be an app's. Throws LIMIT_FAILED for what no app could be held to here. */
export function refuseImpossible({ find, disks }: Machine, wanted: Limits): void {
  for (const name of ALL.filter((one) => wanted[one] !== null && one !== 'swapBytes')) {
    const knob = knobOf(find, name);
    if (knob === undefined) throw noController(name);
    if (name === 'ioWeight') refuseIdleWeight(fileOf(knob) ?? knob.files[0] ?? '', { root: knob.root, disks });
  }
}

/** The kernel ends all of an app that runs out of memory; v1 has no such thing (there the keeper does it). */
function endTogether(find: Find): void {
  const bound = find('memory');
  if (bound?.version === 2) writeIfThere(`${bound.group}/memory.oom.group`, '1');
}

/** The runtime's failure at a limit, in our words; any other as it is. */
export function blameLimit(error: unknown, wanted: Limits): unknown {
  const words = error instanceof RuntimeError ? String(error.cause) : '';
  const name = ALL.find((one) => wanted[one] !== null && filesOf(one).some((file) => words.includes(`/${file}`)));
  return name === undefined ? error : notInForce(name, wanted, words);
}

const filesOf = (name: LimitName): readonly string[] => Object.values(LIMITS[name].knobs).flatMap(({ files }) => files);

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

const knobOf = (find: Find, name: LimitName): (Knob & Bound) | undefined => {
  const bound = find(LIMITS[name].controller);
  return bound && { ...LIMITS[name].knobs[bound.version], ...bound };
};

const fileOf = ({ files, group }: Knob & Bound): string | undefined =>
  files.find((file) => existsSync(`${group}/${file}`));

/**
 * One limit: read, and where it is otherwise, written and read back. Off the event loop: for less memory the kernel has to make room first.
 */
async function putInForce({ find, disks }: Machine, name: LimitName, wanted: Limits): Promise<void> {
  const knob = knobOf(find, name);
  const isLifted = wanted[name] === null;
  if (knob === undefined) {
    if (isLifted || name === 'swapBytes') return;
    throw noController(name);
  }
  const { group, first } = knob;
  const file = fileOf(knob);
  if (file === undefined) {
    if (!existsSync(group)) throw gone(group);
    // the kernel does not count swap: what nobody asked for is not missed
    if (isLifted || (name === 'swapBytes' && wanted.swapBytes === 0)) return;
    throw notInForce(name, wanted, `the kernel has no ${knob.files.join(' or ')}`);
  }
  if (name === 'ioWeight' && !isLifted) refuseIdleWeight(file, { root: knob.root, disks });
  const above = (): string => readIfThere(`${dirname(group)}/${file}`) ?? '';
  const found = () => readIfThere(`${group}/${file}`);
  if (knob.holds(found() ?? '', wanted, above)) return;
  if (first !== undefined) writeIfThere(`${group}/${first.file}`, first.text);
  try {
    await writeFile(`${group}/${file}`, knob.text(wanted, above), { flag: 'r+' });
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENODEV')) throw gone(group);
    throw notInForce(name, wanted, error);
  }
  const now = found();
  if (now === undefined) throw gone(group);
  if (!knob.holds(now, wanted, above)) throw notInForce(name, wanted, `the kernel has ${now} in ${file}`);
}

const noController = (name: LimitName): RuntimeError =>
  new RuntimeError('LIMIT_FAILED', {
    what: `${name} cannot be limited: the control group controller ${LIMITS[name].controller} is not there`,
    next: 'mount it, or in a cgroup v2 hierarchy enable it (cgroup.subtree_control)',
  });

const gone = (group: string): RuntimeError => new RuntimeError('ABORTED', { what: `${group} is not there (any more)` });

/** What the machine may lack. */
const NEXT: Partial<Readonly<Record<LimitName, string>>> = {
  swapBytes: 'leave swapBytes out, or use a kernel that counts swap (CONFIG_MEMCG, not booted with swapaccount=0)',
  cores: 'name cores that this machine has and that are online (/sys/devices/system/cpu/online)',
  ioWeight: 'leave ioWeight out, or use a kernel with the BFQ scheduler',
};

function notInForce(name: LimitName, wanted: Limits, cause: unknown): RuntimeError {
  const value = wanted[name];
  return new RuntimeError('LIMIT_FAILED', {
    what: `${name} ${value === null ? 'could not be lifted' : `${value} could not be put in force`}`,
    next: isErrno(cause, 'EBUSY') ? 'the app uses more than that: give it more, or end some of it' : NEXT[name],
    details: { limit: name },
    cause,
  });
}
