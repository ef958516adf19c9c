/** Where each controller lives on this machine: v1, v2 or one of each (hybrid). */
import { readIfThere } from '../files/kernel-file.ts';

export type Controller = 'memory' | 'cpu' | 'cpuacct' | 'cpuset' | 'blkio' | 'pids' | 'freezer';
export type Place = { readonly version: 1 | 2; readonly mountPoint: string };
export type Hierarchies = {
  readonly of: (controller: Controller) => Place | undefined;
  /** Every hierarchy that containers get a group in, once each. */
  readonly all: readonly string[];
};

type Mount = { readonly type: string; readonly mountPoint: string; readonly options: readonly string[] };

/** Fields of /proc/self/mountinfo: `… 4: mount point, 5: options … - type source super-options` (proc(5)). */
function parseMountInfo(text: string): readonly Mount[] {
  return text.split('\n').flatMap((line) => {
    const [front = '', back = ''] = line.split(' - ');
    const [type = '', , options = ''] = back.split(' ');
    const mountPoint = front.split(' ')[4]?.replaceAll('\\040', ' ');
    return type.startsWith('cgroup') && mountPoint !== undefined
      ? [{ type, mountPoint, options: options.split(',') }]
      : [];
  });
}

const NAME_IN_V2: Partial<Readonly<Record<Controller, string>>> = { blkio: 'io' };

/** The v2 hierarchy has a freezer and cpu.stat in every group, whatever its controllers. */
const ALWAYS_IN_V2 = new Set<Controller>(['freezer', 'cpuacct']);

export function findHierarchies(mountInfo: string): Hierarchies {
  const mounts = parseMountInfo(mountInfo);
  const v2 = mounts.find((mount) => mount.type === 'cgroup2');
  const v1 = mounts.filter((mount) => mount.type === 'cgroup');
  const v2Controllers = new Set(v2 && (readIfThere(`${v2.mountPoint}/cgroup.controllers`) ?? '').split(' '));
  return {
    of: (controller) => {
      const old = v1.find((mount) => mount.options.includes(controller));
      if (old !== undefined) return { version: 1, mountPoint: old.mountPoint };
      if (
        v2 === undefined ||
        !(ALWAYS_IN_V2.has(controller) || v2Controllers.has(NAME_IN_V2[controller] ?? controller))
      ) {
        return undefined;
      }
      return { version: 2, mountPoint: v2.mountPoint };
    },
    all: [...new Set(mounts.map((mount) => mount.mountPoint))],
  };
}

/** Mount points of those by which a service manager knows its processes: v2, and the one of v1 that has no controller but a name. */
export const countingHierarchies = (mountInfo: string): readonly string[] =>
  parseMountInfo(mountInfo)
    .filter(({ type, options }) => type === 'cgroup2' || options.includes('name=systemd'))
    .map(({ mountPoint }) => mountPoint);

/**
 * Whether the kernel counts swap of groups. v1 has a file for it then; v2 has one in every group but the root, unless it was built without swap or
 * booted with swapaccount=0.
 */
export function countsSwap(mountInfo: string): boolean {
  const place = findHierarchies(mountInfo).of('memory');
  if (place === undefined) return false;
  if (place.version === 1) return readIfThere(`${place.mountPoint}/memory.memsw.limit_in_bytes`) !== undefined;
  return readIfThere('/proc/swaps') !== undefined && !/\bswapaccount=0\b/.test(readIfThere('/proc/cmdline') ?? '');
}
