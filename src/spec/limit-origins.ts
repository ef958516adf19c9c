/** Which member of the app each limit of the configuration comes from, and the device's word on cores. */
import type { App } from '../domain/app.ts';
import { RuntimeError } from '../domain/errors.ts';
import type { AppDefaults } from './defaults.ts';
import { originIn } from './described.ts';
import type { OciResources } from './oci-types.ts';
import type { Origins } from './origins.ts';
import { coresIn } from './platform/cores.ts';
import type { Platform } from './platform/platform.ts';

/** The machine that the app is to run on. */
export type Device = {
  /** Cores for apps. */
  readonly cores: Platform['cores'];
  /** How many cores it has; 0: not known. */
  readonly count: number;
  /** Whether its kernel can hold an app to its swap. */
  readonly countsSwap: boolean;
  /** Of its apps. */
  readonly defaults?: AppDefaults;
};

const ROWS: readonly (readonly [path: string, limit: keyof App['limits']])[] = [
  ['linux.resources.memory', 'memoryBytes'],
  ['linux.resources.memory.swap', 'swapBytes'],
  ['linux.resources.cpu.quota', 'cpus'],
  ['linux.resources.cpu.period', 'cpus'],
  ['linux.resources.cpu.shares', 'cpuShares'],
  ['linux.resources.pids', 'pids'],
  ['linux.resources.blockIO', 'ioWeight'],
  ['process.rlimits[RLIMIT_NOFILE]', 'openFiles'],
];

export function noteLimits(app: App, said: Origins, trace: Origins): void {
  for (const [path, limit] of ROWS) {
    if (app.limits[limit] !== undefined) trace.set(path, originIn({ app, origins: said }, `limits.${limit}`));
  }
}

type Marks = { readonly said: Origins; readonly device: Device; readonly trace: Origins };

/** With the cores of {@link coresOfApp}. */
export function withCores(resources: OciResources, app: App, { said, device, trace }: Marks): OciResources {
  const asked = app.limits.cores;
  const cpus = coresOfApp(asked, device);
  if (cpus === null) return resources;
  const origin = asked === undefined ? device.cores.origin : originIn({ app, origins: said }, 'limits.cores');
  trace.set('linux.resources.cpu.cpus', origin);
  return { ...resources, cpu: { cpus, ...resources.cpu } };
}

/**
 * The cores that an app asks for, of those that the device has for apps; a set of the device's without a core of this machine is none, as
 * upstream has it. Null: every core. Throws INVALID_ARGUMENT when none is left.
 */
export function coresOfApp(
  asked: string | undefined,
  { cores, count }: Pick<Device, 'cores' | 'count'>,
): string | null {
  const there = Array.from({ length: count }, (_, core) => core);
  const allowed = there.filter((core) => cores.value?.includes(core) ?? true);
  const usable = allowed.length === 0 ? there : allowed;
  if (asked !== undefined) return coresFor(asked, usable, count);
  return usable.length === count ? null : usable.join(',');
}

/** One that the machine does not have is refused, one that the device keeps from apps is left out, unless it is the only one. */
function coresFor(asked: string, usable: readonly number[], count: number): string {
  if (count === 0) return asked;
  const wanted = coresIn(asked);
  const chosen = usable.filter((core) => wanted.includes(core));
  if (chosen.length > 0 && Math.max(...wanted) < count) return chosen.join(',');
  throw new RuntimeError('INVALID_ARGUMENT', {
    what: `app.limits.cores ${asked} is not of the cores that apps have here`,
    next: `name some of ${usable.join(',')}`,
    details: { member: 'app.limits.cores' },
  });
}
