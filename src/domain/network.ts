/** Networks of apps: what an app leases, and arithmetic on IPv4 addresses as numbers. */
import type { App } from './app.ts';

export type PublishedPort = App['ports'][number];

/** Held from the run until everything is given back, also while the app is hibernated. */
export type NetworkLease = {
  readonly address: string;
  readonly gateway: string;
  /** Bits of the network in the address. */
  readonly prefix: number;
  /** Ports of the host that lead to the app. */
  readonly ports: readonly PublishedPort[];
};

/** `base` is the first address: `10.0.0.0` is 0x0a000000. */
export type Subnet = { readonly base: number; readonly prefix: number };

export const APP_PREFIX = 24;
const MAX_BYTE = 255;

const sizeOf = (prefix: number): number => 2 ** (32 - prefix);

/** Undefined when it is no IPv4 address. */
export function parseAddress(text: string): number | undefined {
  const parts = text.split('.');
  const good = parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= MAX_BYTE);
  if (!good) return undefined;
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0);
}

export const formatAddress = (address: number): string =>
  [24, 16, 8, 0].map((bits) => Math.floor(address / 2 ** bits) % 256).join('.');

/** `10.1.0.0/16`, or an address alone, which is a subnet of one. Undefined when it is neither. */
export function parseSubnet(text: string): Subnet | undefined {
  const [front = '', back = '32', ...more] = text.split('/');
  const [address, prefix] = [parseAddress(front), Number(back)];
  if (address === undefined || more.length > 0 || !/^\d{1,2}$/.test(back) || prefix > 32) return undefined;
  return { base: address - (address % sizeOf(prefix)), prefix };
}

export const formatSubnet = ({ base, prefix }: Subnet): string => `${formatAddress(base)}/${prefix}`;

export const overlap = (one: Subnet, other: Subnet): boolean =>
  one.base < other.base + sizeOf(other.prefix) && other.base < one.base + sizeOf(one.prefix);

/** The subnets of a range that apps of one daemon can have, beginning somewhere in it. */
export function appSubnets(range: Subnet, first: number): readonly Subnet[] {
  const count = Math.max(1, 2 ** (APP_PREFIX - range.prefix));
  return Array.from({ length: count }, (_, i) => ({
    base: range.base + ((first + i) % count) * sizeOf(APP_PREFIX),
    prefix: APP_PREFIX,
  }));
}

export const gatewayOf = ({ base }: Subnet): string => formatAddress(base + 1);

export const subnetOf = ({ address, prefix }: NetworkLease): Subnet | undefined => parseSubnet(`${address}/${prefix}`);

/** Hosts of a subnet that apps can be: not the network, the gateway or the broadcast. */
export const FIRST_HOST = 2;
export const lastHost = ({ prefix }: Subnet): number => sizeOf(prefix) - 2;

export const portName = ({ host, protocol }: PublishedPort): string => `${host}/${protocol}`;
