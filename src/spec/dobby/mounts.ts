/** What an app that Dobby starts sees of the device, besides the programs that Dobby itself binds. */
import { plainPath, STORAGE_POINT } from '../../domain/rootfs.ts';
import { originIn } from '../described.ts';
import { DEFAULT, from, leased, type Origin } from '../origins.ts';
import { REGISTRY_POINT } from '../rdk-environment.ts';
import type { DobbyMount } from './schema.ts';
import type { DobbyOrder } from './order.ts';

const PACKAGES = ['/package', '/runtime'];
const CERTIFICATES = '/etc/ssl/certs';
/** HOME in Dobby's containers. */
const HOME = '/home/private';
const DRM = '/opt/drm';
const RESOURCE = '/tmp/resource';

/** Upstream's options, in its order. */
const bind = (source: string, destination: string, options: readonly string[]): DobbyMount => ({
  source,
  destination,
  type: 'bind',
  options: ['bind', ...options],
});
const PLAIN = ['nosuid', 'nodev'];
const LOCKED = ['nosuid', 'noexec', 'nodev'];

type Row = readonly [mount: DobbyMount, origin: Origin];

/** In the order in which Dobby makes them; of two for one place the app's own stays. */
export function dobbyMounts(order: DobbyOrder): DobbyMount[] {
  const rows = [...ownMounts(order), ...rdkMounts(order), ...storageMounts(order)];
  const mounts = new Map<string, DobbyMount>();
  for (const [mount, origin] of rows) {
    if (mounts.has(mount.destination)) continue;
    mounts.set(mount.destination, mount);
    order.origins.set(`mounts[${mount.destination}]`, origin);
  }
  return [...mounts.values()];
}

/** Programs may be run from packages, and from what the caller mounts; from what a capability mounts not. */
function ownMounts({ described }: DobbyOrder): readonly Row[] {
  return described.app.mounts.map(({ source, destination, readOnly }): Row => {
    const origin = originIn(described, `mounts[${destination}]`);
    const isExtra = origin.layer === 'capability' || destination === REGISTRY_POINT;
    const flags = isExtra && !PACKAGES.includes(destination) ? LOCKED : PLAIN;
    const options = readOnly ? ['ro', ...flags] : flags;
    return [bind(plainPath(source), plainPath(destination), options), origin];
  });
}

function rdkMounts({
  described: { rdk, platform },
  hasDisplay,
  wantsRialto,
  rialtoSocket,
}: DobbyOrder): readonly Row[] {
  if (rdk === null) return [];
  const { unpackedPath } = rdk.runtimeConfig;
  const data: DobbyMount = {
    source: unpackedPath,
    destination: HOME,
    type: 'loop',
    fstype: 'ext4',
    options: ['nosuid', 'nodev', 'noexec'],
  };
  const vault: DobbyMount = {
    source: 'tmpfs',
    destination: `${DRM}/vault`,
    type: 'tmpfs',
    options: ['nosuid', 'nodev', 'noexec', 'size=65536k', 'nr_inodes=8k'],
  };
  const drm = from('caller', 'runtimeConfigObject.fkpsFiles');
  const { value: usesResources, origin: resources } = platform.resourceManager;
  return [
    [bind(CERTIFICATES, CERTIFICATES, ['ro', ...PLAIN]), DEFAULT],
    ...(unpackedPath === '' ? [] : [[data, from('caller', 'runtimeConfigObject.unpackedPath')] as const]),
    ...rdk.drmFiles.map((name): Row => [bind(`${DRM}/${name}`, `${DRM}/${name}`, ['ro', ...LOCKED]), drm]),
    ...(rdk.drmFiles.length > 0 ? [[vault, drm] as const] : []),
    ...(hasDisplay && usesResources ? [[bind(RESOURCE, RESOURCE, LOCKED), resources] as const] : []),
    ...(wantsRialto && rialtoSocket !== null
      ? [[bind(rialtoSocket, rialtoSocket, PLAIN), leased('rialto session')] as const]
      : []),
  ];
}

/** The private directory, where our own engine shows it, and as Dobby's HOME where no data image is. */
const storageMounts = ({ storage }: DobbyOrder): readonly Row[] =>
  [STORAGE_POINT, HOME].map((destination) => [bind(storage, destination, PLAIN), leased('storage')]);
