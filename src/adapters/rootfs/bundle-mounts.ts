/** The mounts of a bundle: kept, replaced by ours, or refused. */
import { posix } from 'node:path';
import { isBelow, isReserved, plainPath, type BundleMount } from '../../domain/rootfs.ts';

export type RawMount = {
  readonly destination: string;
  readonly type?: string | undefined;
  readonly source?: string | undefined;
  readonly options?: readonly string[] | undefined;
};

/** Of the kernel's own file systems there is one of each, ours, in the usual place. */
const KERNEL_TYPES = ['proc', 'sysfs', 'devpts', 'mqueue', 'cgroup', 'cgroup2'];
const KERNEL_PLACES = ['/proc', '/dev', '/sys'];
const REPLACED_TMPFS = ['/run', '/tmp'];

/** Say what ours do anyway, or make no difference inside an app. */
const IMPLIED = new Set(
  (
    'bind rbind ro rro rw nosuid nodev private rprivate slave rslave relatime norelatime noatime nodiratime ' +
    'strictatime async defaults rnosuid rnodev sync dirsync silent mand nomand'
  ).split(' '),
);
const KEPT = /^(noexec|rnoexec|size=\d+[kmgKMG%]?|nr_inodes=\d+[kmgKMG]?|mode=[0-7]{3,4})$/;
/** The bundle's users do not exist here: its tmpfs belong to the app. Execution and the like are ours to grant. */
const DROPPED = /^(uid=\d+|gid=\d+|exec|suid|dev|rexec)$/;

/** Undefined: ours takes its place. Throws an Error with the reason. */
export function keptMount(raw: RawMount, bundle: string): BundleMount | undefined {
  const destination = plainPath(raw.destination);
  const options = raw.options ?? [];
  const type = typeOf(raw.type, options);
  if (KERNEL_TYPES.includes(type)) {
    if (isKernelPlace(destination)) return undefined;
    throw new Error(`a ${type} is mounted only in its usual place; remove it`);
  }
  if (type === 'tmpfs' && (REPLACED_TMPFS.includes(destination) || isKernelPlace(destination))) return undefined;
  if (type !== 'bind' && type !== 'tmpfs') {
    throw new Error(`type ${JSON.stringify(type)} is not allowed; bind and tmpfs are`);
  }
  if (isReserved(destination)) throw new Error(`${destination} has a mount of Runtime Manager's own`);
  if (type === 'bind' && raw.source === undefined) throw new Error('a bind mount needs a source');
  return {
    destination,
    type,
    source: type === 'bind' ? posix.resolve(bundle, raw.source ?? '') : 'tmpfs',
    readOnly: options.includes('ro') || options.includes('rro'),
    options: options.filter((option) => isKept(option)),
  };
}

function typeOf(type: string | undefined, options: readonly string[]): string {
  const isBind = options.includes('bind') || options.includes('rbind');
  return isBind && (type === undefined || type === 'none' || type === '') ? 'bind' : (type ?? 'none');
}

const isKernelPlace = (path: string): boolean => KERNEL_PLACES.some((place) => path === place || isBelow(path, place));

function isKept(option: string): boolean {
  if (KEPT.test(option)) return true;
  if (IMPLIED.has(option) || DROPPED.test(option)) return false;
  throw new Error(`option ${JSON.stringify(option)} is not known`);
}
