/** An app of RALF packages as members of our own description, with who said each. */
import type { App, AppInput } from '../../domain/app.ts';
import type { Origins } from '../origins.ts';
import type { Platform } from '../platform/platform.ts';
import type { RalfApp } from './app.ts';
import { timeZoneMounts } from './time-zone.ts';

type Start = Pick<AppInput, 'rootfs' | 'args' | 'cwd' | 'storage'>;
type Device = {
  readonly origins: Origins;
  readonly platform: Platform;
  /** Paths of the machine that exist. */
  readonly present: ReadonlySet<string>;
};

export function ralfStart({ layers, args, argsOrigin, cwd, storage }: RalfApp, origins: Origins): Start {
  origins.set('args', argsOrigin);
  const directory = origins.choose('cwd', [cwd]);
  const sizeBytes = origins.choose('storage.sizeBytes', [storage]);
  return {
    rootfs: { layers: [...layers] },
    args: [...args],
    ...(directory !== undefined && { cwd: directory }),
    ...(sizeBytes !== undefined && { storage: { sizeBytes } }),
  };
}

export const ralfTmpfs = ({ tmpfs }: RalfApp, origins: Origins): NonNullable<App['tmpfs']> =>
  tmpfs.map(({ origin, ...one }) => {
    origins.set(`mounts[${one.destination}]`, origin);
    return one;
  });

export function ralfMounts({ mounts }: RalfApp, { origins, platform, present }: Device): App['mounts'] {
  const zone = timeZoneMounts(platform)
    .filter(({ source, destination }) => present.has(source) && !mounts.some((one) => one.destination === destination))
    .map((mount) => ({ ...mount, readOnly: true, origin: platform.ralf.origin }));
  return [...mounts, ...zone].map(({ origin, ...mount }) => {
    origins.set(`mounts[${mount.destination}]`, origin);
    return mount;
  });
}

/** Where the GPU layer of the device names none, nothing. */
export function ralfGraphics(
  { devices, groups, graphicsOrigin }: RalfApp,
  origins: Origins,
): Pick<App, 'devices' | 'groups'> {
  for (const path of devices) origins.set(`devices[${path}]`, graphicsOrigin);
  for (const name of groups) origins.set(`groups[${name}]`, graphicsOrigin);
  if (groups.length > 0) origins.set('groups', graphicsOrigin);
  return {
    ...(devices.length > 0 && { devices: [...devices] }),
    ...(groups.length > 0 && { groups: [...groups] }),
  };
}
