/** The mounts of a base spec: its tmpfs are made, the kernel's own file systems are ours, the rest is left out by name. */
import type { App } from '../../domain/app.ts';
import { isBelow, isReserved, plainPath } from '../../domain/rootfs.ts';
import { parseSize } from '../../domain/size.ts';
import { from, type Origin } from '../origins.ts';
import type { BaseSpec } from './schema.ts';

type Base = (BaseSpec & { readonly file: string }) | null;
type Mount = BaseSpec['mounts'][number];
type Tmpfs = NonNullable<App['tmpfs']>[number];

/** Every app has these, of Runtime Manager's making. */
const OURS = ['/tmp', '/run', '/proc', '/dev', '/sys'];
const isOurs = (path: string): boolean =>
  OURS.includes(path) || ['/proc', '/dev', '/sys'].some((place) => isBelow(path, place));

const isMade = ({ destination, type }: Mount): boolean =>
  type === 'tmpfs' && !isOurs(plainPath(destination)) && !isReserved(plainPath(destination));

export const tmpfsOf = (base: Base): readonly (Tmpfs & { readonly origin: Origin })[] =>
  (base?.mounts ?? []).filter(isMade).map(({ destination, options }, at) => ({
    destination: plainPath(destination),
    ...sizeIn(options),
    ...(options.includes('noexec') && { noExec: true }),
    origin: from('platform', `${base?.file ?? ''} mounts[${at}]`),
  }));

/** What is mounted by no means. */
export const leftMounts = ({ mounts }: BaseSpec): readonly string[] =>
  mounts
    .filter((mount) => !isMade(mount) && !isOurs(plainPath(mount.destination)))
    .map(({ destination }) => `mounts (${destination.slice(0, 100)})`);

/** Of a size in percent nothing is known here; the daemon's own bound holds then. */
function sizeIn(options: readonly string[]): Pick<Tmpfs, 'sizeBytes'> {
  const text = options.find((option) => /^size=\d+[kmgKMG]?$/.test(option))?.slice('size='.length);
  return text === undefined ? {} : { sizeBytes: Math.max(4096, parseSize(text)) };
}
