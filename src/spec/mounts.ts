/** What the app sees where. */
import type { App } from '../domain/app.ts';
import { RuntimeError } from '../domain/errors.ts';
import {
  depthOf,
  DISPLAY_DIRECTORY,
  DISPLAY_NAME,
  DISPLAY_TOOLS_POINT,
  INSIDE_POINT,
  isReserved,
  notCovered,
  plainPath,
  STORAGE_POINT,
  type Bind,
  type BundleMount,
  type DisplaySocket,
  type RootFilesystem,
} from '../domain/rootfs.ts';
import { NO_DEFAULTS, type AppDefaults } from './defaults.ts';
import { originIn } from './described.ts';
import type { OciMount } from './oci-types.ts';
import { from, leased, type Origins } from './origins.ts';

/**
 * `r…`: for what is mounted below the source, too. A bind that leaves mounts below it out is refused by the kernel in a
 * user namespace (EINVAL), and a plain `ro` does not reach them (mount_setattr(2), Linux 5.12).
 * rprivate: what the host mounts later must not turn up in an app, nor stand in the way of its hibernation.
 */
const BIND = ['rbind', 'rprivate', 'nosuid', 'rnosuid', 'nodev', 'rnodev'];
const READ_ONLY = ['ro', 'rro'];

const bind = ({ source, destination }: Bind, readOnly: boolean): OciMount => ({
  destination,
  type: 'bind',
  source,
  options: readOnly ? [...BIND, ...READ_ONLY] : BIND,
});

const kernelMount = (destination: string, type: string, options: readonly string[]): OciMount => ({
  destination,
  type,
  source: type,
  options: ['nosuid', ...options],
});

/** Devpts without the usual `gid=5`: that group is not mapped in the app's user namespace. */
const KERNEL_MOUNTS: readonly OciMount[] = [
  kernelMount('/proc', 'proc', ['noexec', 'nodev']),
  kernelMount('/dev', 'tmpfs', ['strictatime', 'mode=755', 'size=65536k']),
  kernelMount('/dev/pts', 'devpts', ['noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620']),
  kernelMount('/dev/shm', 'tmpfs', ['noexec', 'nodev', 'mode=1777', 'size=65536k']),
  kernelMount('/dev/mqueue', 'mqueue', ['noexec', 'nodev']),
  kernelMount('/sys', 'sysfs', ['noexec', 'nodev', 'ro']),
  kernelMount('/run', 'tmpfs', ['nodev', 'mode=755']),
  kernelMount('/tmp', 'tmpfs', ['nodev', 'mode=1777']),
];

/**
 * Sysfs shows the devices of a network namespace, and may be mounted only by who owns that. In the machine's own one the app gets
 * the machine's, read-only; what is to be hidden is hidden in it, too.
 */
function kernelMounts({ network }: App, bounds: readonly string[]): readonly OciMount[] {
  return KERNEL_MOUNTS.map((mount) => {
    if (mount.destination === '/tmp') return { ...mount, options: [...mount.options, ...bounds] };
    return network === 'host' && mount.destination === '/sys'
      ? bind({ source: '/sys', destination: '/sys' }, true)
      : mount;
  });
}

/** As containerd and podman hide them: what tells of the machine, or changes it. */
export const MASKED_PATHS = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
] as const;
export const READONLY_PATHS = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'] as const;

type MountOrder = {
  readonly app: App;
  readonly rootfs: Pick<RootFilesystem, 'binds' | 'bundle'>;
  readonly storage: string;
  readonly inside: string;
  readonly identity: { readonly uid: number; readonly gid: number };
  /** Who said what of `app`, and where it is noted who set which mount. */
  readonly said: Origins;
  readonly trace: Origins;
  readonly display: DisplaySocket | null;
  readonly defaults?: AppDefaults;
};

/** In the order in which they are made. Throws INVALID_ARGUMENT for a mount of the app that cannot be. */
export function mounts(order: MountOrder): readonly OciMount[] {
  const { app, rootfs, storage, inside, identity, display, defaults = NO_DEFAULTS } = order;
  const execution = (app.noExec ?? defaults.noExec) ? ['noexec'] : [];
  const size = defaults.tmpBytes === null ? [] : [`size=${defaults.tmpBytes}`];
  const memory = (app.tmpfs ?? []).map((one) => tmpfsMount(one, { identity, size, execution }));
  const asked = [...app.mounts.map(appMount), ...memory];
  const taken = asked.map(({ destination }) => destination);
  const bundled = notCovered(rootfs.bundle?.mounts ?? [], taken).map((mount) =>
    bundleMount(mount, { ...order, size, execution }),
  );
  refuseTwice(asked);
  noteOrigins(order, { bundled, asked });
  const own = [...bundled, ...asked].toSorted((one, other) => depthOf(one.destination) - depthOf(other.destination));
  const replaced = new Set(own.map(({ destination }) => destination));
  return [
    ...rootfs.binds.map((part) => bind(part, true)),
    ...kernelMounts(app, [...size, ...execution]).filter(({ destination }) => !replaced.has(destination)),
    withOptions(bind({ source: storage, destination: STORAGE_POINT }, false), execution),
    ...own,
    ...displayMounts(display, identity),
    // Last, so that nothing the app mounts can hide its pid 1.
    bind({ source: inside, destination: INSIDE_POINT }, true),
  ];
}

/** The places of kernel file systems are everybody's, so nobody is noted for them. */
function noteOrigins(
  { app, rootfs, display, said, trace }: MountOrder,
  { bundled, asked }: { bundled: readonly OciMount[]; asked: readonly OciMount[] },
): void {
  for (const { destination } of rootfs.binds) trace.set(`mounts[${destination}]`, from('package', 'root file system'));
  for (const { destination } of bundled) trace.set(`mounts[${destination}]`, from('package', 'mounts'));
  for (const { destination } of asked) {
    trace.set(`mounts[${destination}]`, originIn({ app, origins: said }, `mounts[${destination}]`));
  }
  trace.set(`mounts[${STORAGE_POINT}]`, leased('storage'));
  trace.set(`mounts[${INSIDE_POINT}]`, leased('files of the instance'));
  if (display !== null) trace.set(`mounts[${DISPLAY_DIRECTORY}]`, leased('display'));
  trace.set(`mounts[${DISPLAY_DIRECTORY}/${DISPLAY_NAME}]`, leased('display'));
}

/** The directory is the app's own and nobody else's, as the XDG base directory specification wants it. */
function displayMounts(display: DisplaySocket | null, { uid, gid }: MountOrder['identity']): readonly OciMount[] {
  if (display === null) return [];
  if (display.inside !== null) {
    return [
      bind({ source: display.inside.directory, destination: DISPLAY_DIRECTORY }, false),
      bind({ source: display.inside.bundle, destination: DISPLAY_TOOLS_POINT }, true),
    ];
  }
  const directory = kernelMount(DISPLAY_DIRECTORY, 'tmpfs', [
    'nodev',
    'noexec',
    'mode=700',
    `uid=${uid}`,
    `gid=${gid}`,
  ]);
  return [directory, bind({ source: display.socket, destination: `${DISPLAY_DIRECTORY}/${DISPLAY_NAME}` }, false)];
}

/** Throws INVALID_ARGUMENT for a place of ours. */
export const appMount = ({ source, destination, readOnly }: App['mounts'][number]): OciMount =>
  bind({ source: plainPath(source), destination: freePlace(destination) }, readOnly);

function freePlace(destination: string): string {
  const plain = plainPath(destination);
  if (isReserved(plain)) {
    throw new RuntimeError('INVALID_ARGUMENT', {
      what: `mounts: nothing can be mounted on ${plain}: this place has a mount of Runtime Manager's own`,
      next: `choose a destination outside /proc, /dev, /sys, /run and ${STORAGE_POINT}; directories in /run/ and ${STORAGE_POINT}/ are possible`,
    });
  }
  return plain;
}

function refuseTwice(list: readonly OciMount[]): void {
  const seen = new Set<string>();
  for (const { destination } of list) {
    if (seen.has(destination)) {
      throw new RuntimeError('INVALID_ARGUMENT', {
        what: `mounts: ${destination} is the destination of two mounts`,
        next: 'give every mount a destination of its own',
      });
    }
    seen.add(destination);
  }
}

function tmpfsMount(
  { destination, sizeBytes, noExec }: NonNullable<App['tmpfs']>[number],
  { identity: { uid, gid }, size, execution }: Bounds,
): OciMount {
  const bound = sizeBytes === undefined ? size : [`size=${sizeBytes}`];
  const locked = noExec ? ['noexec'] : execution;
  const options = ['nosuid', 'nodev', 'mode=755', ...bound, ...locked, `uid=${uid}`, `gid=${gid}`];
  return { destination: freePlace(destination), type: 'tmpfs', source: 'tmpfs', options };
}

const withOptions = (mount: OciMount, more: readonly string[]): OciMount => ({
  ...mount,
  options: [...mount.options, ...more.filter((option) => !mount.options.includes(option))],
});

type Bounds = Pick<MountOrder, 'identity'> & {
  readonly size: readonly string[];
  readonly execution: readonly string[];
};

/** A tmpfs of a bundle belongs to the app: the user that the bundle meant does not exist here. */
function bundleMount(mount: BundleMount, { identity: { uid, gid }, size, execution }: Bounds): OciMount {
  const { destination, type, source, readOnly, options } = mount;
  if (type === 'bind') return withOptions(bind({ source, destination }, readOnly), options);
  const access = readOnly ? ['ro'] : [];
  const bound = options.some((option) => option.startsWith('size=')) ? [] : size;
  const made = { destination, type, source, options: ['nosuid', 'nodev', ...access, ...options, ...bound] };
  return withOptions(made, [...execution, `uid=${uid}`, `gid=${gid}`]);
}
