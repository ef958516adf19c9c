/** An app's device nodes and groups, looked at on this machine. */
import type { App } from '../../domain/app.ts';
import { RuntimeError } from '../../domain/errors.ts';
import type { DeviceNode } from '../../domain/rootfs.ts';
import type { Origins } from '../../spec/origins.ts';
import type { World } from '../world.ts';

export type AppDevices = {
  readonly nodes: readonly DeviceNode[];
  readonly groups: readonly number[];
  /** Members of the app, with what is there only: a wake must find all of it again. */
  readonly found: Pick<App, 'devices' | 'groups'>;
  /** What the device's own files name and is not there. */
  readonly notes: readonly string[];
};

const GROUP_FILE = '/etc/group';
const MOST_GROUP_BYTES = 2 ** 20;

/** Throws INVALID_ARGUMENT for what the caller has named and is not there. */
export async function devicesOf({ rootfs }: World, app: App, said: Origins): Promise<AppDevices> {
  const { devices = [], groups: wanted = [] } = app;
  const nodes = await rootfs.nodesAt(devices);
  const missing = devices.filter((one) => !nodes.some(({ path }) => path === one || path.startsWith(`${one}/`)));
  const names = wanted.some((one) => typeof one === 'string')
    ? await groupNames({ rootfs })
    : new Map<string, number>();
  const groups = wanted.map((one) => (typeof one === 'string' ? names.get(one) : one));
  const unknown = wanted.filter((_, at) => groups[at] === undefined).map(String);
  const isOfDevice = (path: string): boolean => said.find(path)?.layer === 'platform';
  const [device] = missing.filter((path) => !isOfDevice(`devices[${path}]`));
  if (device !== undefined) throw absent('devices', device, 'no device node, and no directory of them');
  const [group] = unknown.filter((name) => !isOfDevice(`groups[${name}]`));
  if (group !== undefined) throw absent('groups', group, `no group in ${GROUP_FILE}`);
  return {
    nodes,
    groups: [...new Set(groups.filter((id) => id !== undefined && id > 0))] as number[],
    found: {
      ...(devices.length > 0 && { devices: devices.filter((path) => !missing.includes(path)) }),
      ...(wanted.length > 0 && { groups: wanted.filter((_, at) => groups[at] !== undefined) }),
    },
    notes: [
      ...missing.map((path) => `device ${path} is not on this machine`),
      ...unknown.map((name) => `group ${name} is not on this machine`),
    ],
  };
}

async function groupNames({ rootfs }: Pick<World, 'rootfs'>): Promise<ReadonlyMap<string, number>> {
  const text = (await rootfs.readText(GROUP_FILE, MOST_GROUP_BYTES)) ?? '';
  return new Map(
    text.split('\n').flatMap((line) => {
      const [name = '', , id = ''] = line.split(':');
      return /^\d+$/.test(id) && Number(id) > 0 ? [[name, Number(id)] as const] : [];
    }),
  );
}

const absent = (member: string, what: string, why: string): RuntimeError =>
  new RuntimeError('INVALID_ARGUMENT', {
    what: `${member}: ${what} is ${why}`,
    next: 'correct it, or leave it out',
    details: { member },
  });
