/** Device nodes of the machine that an app sees, and groups of it that open them. */
import type { App } from '../domain/app.ts';
import { RuntimeError } from '../domain/errors.ts';
import type { DeviceNode } from '../domain/rootfs.ts';
import type { OciMount, OciResources } from './oci-types.ts';

/**
 * The machine's own node, by a bind mount: in a user namespace nobody can make one. It is not `nodev`, as all other mounts are.
 * Everything of it is closed but reading and writing, by the rules below.
 */
export const deviceMounts = (nodes: readonly DeviceNode[]): readonly OciMount[] =>
  nodes.map(({ path }) => ({
    destination: path,
    type: 'bind',
    source: path,
    options: ['bind', 'private', 'nosuid', 'noexec'],
  }));

export const deviceRules = (nodes: readonly DeviceNode[]): OciResources['devices'] =>
  nodes.map(({ type, major, minor }) => ({ allow: true, type, major, minor, access: 'rw' }));

/** Everything of a device that the daemon lets callers give to apps: these nodes, and what lies in these directories. */
export function refuseDevices({ devices = [], groups = [] }: App, allowed: readonly string[]): void {
  const isAllowed = (path: string): boolean => allowed.some((one) => path === one || path.startsWith(`${one}/`));
  const path = devices.find((one) => !isAllowed(one));
  if (path !== undefined) throw notAllowed('devices', path, path);
  // a group opens whatever is the group's: it comes with devices only
  if (groups.length > 0 && devices.length === 0) throw notAllowed('groups', String(groups[0]), 'the devices it is for');
}

const notAllowed = (member: 'devices' | 'groups', what: string, next: string): RuntimeError =>
  new RuntimeError('NOT_SUPPORTED', {
    what: `${member}: ${what} is not given to apps on this machine`,
    next: `leave it out, or list ${next} in apps.devices of the daemon's config.yaml`,
    details: { member, setting: 'apps.devices' },
  });
