/**
 * The mark of one daemon's network: a bridge without ports, because every kernel that can do containers has that. Its address and
 * route take the subnet, for everybody to see; the apps themselves are reached by routes of their own.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import * as z from 'zod';
import { RuntimeError } from '../../domain/errors.ts';
import {
  appSubnets,
  APP_PREFIX,
  formatSubnet,
  gatewayOf,
  overlap,
  parseSubnet,
  type Subnet,
} from '../../domain/network.ts';
import type { Wait } from '../../ports/wait.ts';
import type { RunTool } from '../process/run-tool.ts';

const settings = (family: 'ipv4' | 'ipv6', name: string): string => `/proc/sys/net/${family}/conf/${name}`;

/** Interfaces of this network namespace have their settings there; /sys shows those of another one. */
export const isThere = (name: string): boolean => existsSync(settings('ipv4', name));

const routesSchema = z.array(z.looseObject({ dst: z.string(), dev: z.optional(z.string()) }));
const addressesSchema = z.array(
  z.looseObject({ addr_info: z.array(z.looseObject({ family: z.string(), local: z.string() })).default([]) }),
);

type Route = { readonly subnet: Subnet; readonly device: string };

async function routes(runTool: RunTool, wait: Wait): Promise<readonly Route[]> {
  const { stdout } = await runTool(['ip', '-json', '-4', 'route', 'show', 'table', 'all'], wait);
  return routesSchema.parse(JSON.parse(stdout === '' ? '[]' : stdout)).flatMap(({ dst, dev = '?' }) => {
    const subnet = parseSubnet(dst);
    return subnet === undefined ? [] : [{ subnet, device: dev }];
  });
}

/** What it has for its subnet; undefined when it is not there, or half made. */
export async function subnetOfAnchor(runTool: RunTool, name: string, wait: Wait): Promise<Subnet | undefined> {
  if (!isThere(name)) return undefined;
  const { stdout } = await runTool(['ip', '-json', '-4', 'address', 'show', 'dev', name], wait);
  const [local] = addressesSchema
    .parse(JSON.parse(stdout))
    .flatMap(({ addr_info: all }) => all.map((one) => one.local));
  return local === undefined ? undefined : parseSubnet(`${local}/${APP_PREFIX}`);
}

export type Place = {
  readonly name: string;
  readonly range: Subnet;
  /** Where in the range to look first: daemons that start at the same moment shall not choose alike. */
  readonly first: number;
  /** The one that leases are of; no other will do then. */
  readonly leased: Subnet | undefined;
};

/** A new one, in a subnet that collides with none of the machine's routes. Throws NETWORK_FAILED naming what is in the way. */
export async function makeAnchor(runTool: RunTool, place: Place, wait: Wait): Promise<Subnet> {
  const { name, range, first, leased } = place;
  const taken = await routes(runTool, wait);
  let obstacle = '';
  for (const subnet of leased === undefined ? appSubnets(range, first) : [leased]) {
    const before = taken.find((route) => overlap(route.subnet, subnet));
    // looked at again when it is made: another daemon may have chosen the same at the same moment
    const other = before ?? (await tryAnchor(runTool, { name, subnet }, wait));
    if (other === undefined) return subnet;
    obstacle = `${formatSubnet(other.subnet)} at ${other.device}`;
  }
  throw new RuntimeError('NETWORK_FAILED', {
    what: `no network for apps is free in ${formatSubnet(leased ?? range)}`,
    next: 'choose another network.range in the configuration: a private one that this machine has no route to',
    cause: `the machine has a route to ${obstacle}`,
  });
}

type Anchor = { readonly name: string; readonly subnet: Subnet };

async function tryAnchor(runTool: RunTool, { name, subnet }: Anchor, wait: Wait): Promise<Route | undefined> {
  await runTool(['ip', 'link', 'add', name, 'type', 'bridge'], wait);
  if (existsSync(settings('ipv6', name))) writeFileSync(`${settings('ipv6', name)}/disable_ipv6`, '1');
  await runTool(['ip', 'address', 'add', `${gatewayOf(subnet)}/${subnet.prefix}`, 'dev', name], wait);
  await runTool(['ip', 'link', 'set', name, 'up'], wait);
  const other = (await routes(runTool, wait)).find((route) => route.device !== name && overlap(route.subnet, subnet));
  if (other !== undefined) await removeInterface(runTool, name, wait);
  return other;
}

/** Of one that may be gone already. */
export async function removeInterface(runTool: RunTool, name: string, wait: Wait): Promise<void> {
  if (!isThere(name)) return;
  await runTool(['ip', 'link', 'delete', name], wait).catch((error: unknown) => {
    // the kernel was faster: an interface goes with the network namespace of its other end
    if (isThere(name)) throw error;
  });
}

/** Names of all interfaces of this network namespace that begin so. */
export const interfacesLike = async (beginning: string): Promise<readonly string[]> =>
  (await readdir('/proc/sys/net/ipv4/conf')).filter((name) => name.startsWith(beginning));
