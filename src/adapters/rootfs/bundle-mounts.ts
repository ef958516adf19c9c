/** The mounts of a bundle: kept, replaced by ours, or refused, each with its reason. */
import type { Stats } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { posix } from 'node:path';
import { isBelow, isReserved, plainPath, type BundleMount } from '../../domain/rootfs.ts';
import type { AllowedSources } from './allowed-sources.ts';
import type { RawMount } from './bundle-schema.ts';
import { faultsOfOptions, isOptional, keptOptions } from './mount-options.ts';

/** Of the kernel's own file systems there is one of each, ours, in the usual place. */
const KERNEL_TYPES = ['proc', 'sysfs', 'devpts', 'mqueue', 'cgroup', 'cgroup2'];
const KERNEL_PLACES = ['/proc', '/dev', '/sys'];
/** The name servers of an app come with its network. */
const RESOLVER = '/etc/resolv.conf';
/** Dobby's process 1; Runtime Manager brings its own. */
export const DOBBY_INIT = 'DobbyInit';

export type Place = {
  /** Without symbolic links. */
  readonly bundle: string;
  readonly isAllowed: AllowedSources;
};

/** `left`: not mounted, and why. `replaced`: ours is in its place. `faults`: cannot be. */
export type Judged =
  | { readonly kind: 'kept'; readonly mount: BundleMount }
  | { readonly kind: 'replaced' }
  | { readonly kind: 'left'; readonly why: string }
  | { readonly kind: 'refused'; readonly faults: readonly string[] };

const refused = (...faults: readonly string[]): Judged => ({ kind: 'refused', faults });
const left = (why: string): Judged => ({ kind: 'left', why });
const REPLACED: Judged = { kind: 'replaced' };

export async function judgeMount(raw: RawMount, place: Place): Promise<Judged> {
  const destination = plainPath(raw.destination);
  const options = raw.options ?? [];
  const type = typeOf(raw.type, options);
  if (KERNEL_TYPES.includes(type)) {
    return isKernelPlace(destination) ? REPLACED : refused(`a ${type} is mounted only in its usual place; remove it`);
  }
  if (type === 'tmpfs' && (destination === '/run' || isKernelPlace(destination))) return REPLACED;
  if (type !== 'bind' && type !== 'tmpfs') {
    return refused(`type ${JSON.stringify(type)} is not allowed; bind and tmpfs are`);
  }
  if (type === 'bind') {
    const ours = replacedBind(raw.source, destination);
    if (ours !== undefined) return ours;
  }
  if (isReserved(destination)) return refused(`${destination} has a mount of Runtime Manager's own`);
  const faults = faultsOfOptions(options);
  if (type === 'tmpfs') {
    if (faults.length > 0) return refused(...faults);
    return { kind: 'kept', mount: { ...common(destination, options), type, source: 'tmpfs' } };
  }
  return judgeBind(raw.source, { destination, options, faults, place });
}

/** What umoci, BundleGen and Dobby bind into every container and every app has anyway, or cannot have. */
function replacedBind(source: string | undefined, destination: string): Judged | undefined {
  const from = source === undefined ? undefined : plainPath(source);
  if (destination === RESOLVER && from === RESOLVER) return REPLACED;
  if (posix.basename(destination) === DOBBY_INIT) return left("process 1 is Runtime Manager's own");
  if (from !== destination || !isKernelPlace(destination)) return undefined;
  const isWhole = KERNEL_PLACES.includes(destination) || destination.startsWith('/sys/');
  return isWhole ? left('the app has its own') : undefined;
}

type Bind = {
  readonly destination: string;
  readonly options: readonly string[];
  readonly faults: readonly string[];
  readonly place: Place;
};

async function judgeBind(source: string | undefined, bind: Bind): Promise<Judged> {
  const { destination, options, faults, place } = bind;
  if (source === undefined) return refused('a bind mount needs a source', ...faults);
  const from = posix.resolve(place.bundle, source);
  const found = await look(from);
  if (found === undefined) {
    return isOptional(options)
      ? left(`its source ${from} does not exist`)
      : refused(`its source ${from} does not exist`, ...faults);
  }
  const { real, stats } = found;
  const mount = { ...common(destination, options), type: 'bind', source: real } as const;
  const access = mount.readOnly ? 'read' : 'write';
  const all = [
    ...(stats.isBlockDevice() || stats.isCharacterDevice()
      ? [`its source ${from} is a device, and apps have none`]
      : []),
    ...(place.isAllowed(real, access) ? [] : [notAllowed({ from, real, access, place })]),
    ...faults,
  ];
  return all.length > 0 ? refused(...all) : { kind: 'kept', mount };
}

type Denied = {
  readonly from: string;
  readonly real: string;
  readonly access: 'read' | 'write';
  readonly place: Place;
};

function notAllowed({ from, real, access, place }: Denied): string {
  const path = from === real ? from : `${from} (which is ${real})`;
  if (access === 'write' && place.isAllowed(real, 'read')) {
    return `its source ${path} may be mounted read-only: add "ro" to its options, or its path to bundles.writableMounts`;
  }
  const setting = access === 'write' ? 'bundles.writableMounts' : 'bundles.mounts';
  return `its source ${path} is not in the bundle, nor in ${setting} of the configuration`;
}

/** Undefined when nothing can be found there, for whatever reason: the bundle is refused for it. */
async function look(path: string): Promise<{ readonly real: string; readonly stats: Stats } | undefined> {
  try {
    const real = await realpath(path);
    return { real, stats: await stat(real) };
  } catch {
    return undefined;
  }
}

const common = (destination: string, options: readonly string[]) => ({
  destination,
  readOnly: options.includes('ro') || options.includes('rro'),
  options: keptOptions(options),
});

function typeOf(type: string | undefined, options: readonly string[]): string {
  const isBind = options.includes('bind') || options.includes('rbind');
  return isBind && (type === undefined || type === 'none' || type === '') ? 'bind' : (type ?? 'none');
}

const isKernelPlace = (path: string): boolean => KERNEL_PLACES.some((place) => path === place || isBelow(path, place));

/**
 * A source in a directory that the app itself may write is refused: while it runs, it could put a symbolic link there that leads
 * out of the bundle at the next start, after this look.
 */
export function withinWritable(path: string, mounts: readonly BundleMount[]): string | undefined {
  return mounts.find(({ type, readOnly, source }) => type === 'bind' && !readOnly && isBelow(path, source))?.source;
}
