/** Settings of the daemon (config.yaml) for what apps may use and reach. */
import * as z from 'zod';
import { parseSubnet } from '../domain/network.ts';

const MIB = 2 ** 20;

/** 0 stands for no limit. */
const limitBytes = (least: number, most: number, words: string) =>
  z
    .int()
    .min(0)
    .max(most)
    .refine((bytes) => bytes === 0 || bytes >= least, words);

export const apps = z.strictObject({
  /** Memory of an app whose description and bundle say nothing, in bytes; half of the machine's when absent, 0: no limit. It may swap as much. */
  memoryBytes: limitBytes(6 * MIB, 2 ** 50, 'must be 0, or at least 6 MiB').optional(),
  /** Size of an app's /tmp, and of each tmpfs of a bundle without a size, in bytes; 0: half of the machine's memory. */
  tmpBytes: limitBytes(MIB, 2 ** 50, 'must be 0, or at least 1 MiB').default(256 * MIB),
  /** Size of the private directory of an app whose description says nothing, in bytes: a file system of its own. 0: the disk is the limit. */
  storageBytes: limitBytes(16 * MIB, 2 ** 43, 'must be 0, or at least 16 MiB').default(0),
  /** Whether files in /data, /tmp and a bundle's tmpfs cannot be executed, where the app's description says nothing. */
  noExec: z.boolean().default(false),
  /** Device nodes of the machine, and directories of them, that callers may give to apps (`devices`). */
  devices: z.array(z.string().startsWith('/')).max(1000).default([]),
});

export const bundles = z.strictObject({
  /** Paths of this device that an OCI bundle may show to its app read-only, with all below; what lies in the bundle it may in any case. */
  mounts: z.array(z.string().startsWith('/')).max(1000).default([]),
  /** Those that it may show writable, too. */
  writableMounts: z.array(z.string().startsWith('/')).max(1000).default([]),
});

const isSubnet = (text: string): boolean => parseSubnet(text) !== undefined;
const subnets = z
  .array(z.string().refine(isSubnet, 'must be an IPv4 network or address, like 192.168.0.0/16'))
  .max(256);

export const network = z.strictObject({
  /** Whether apps may use the machine's own network (`network: host`). */
  allowHost: z.boolean().default(false),
  /** Where the apps' subnet is taken from: 256 addresses that the machine has no route to. A /8 to a /24. */
  range: z
    .string()
    .refine((text) => {
      const range = text.includes('/') ? parseSubnet(text) : undefined;
      return range !== undefined && range.prefix >= 8 && range.prefix <= 24;
    }, 'must be an IPv4 network of 8 to 24 bits, like 10.210.0.0/16')
    .default('10.210.0.0/16'),
  /** IPv4 networks that apps in `nat` cannot open connections to; link-local, where cloud machines have their metadata, when absent. */
  deny: subnets.default(['169.254.0.0/16']),
  /** Exceptions to `deny`: name servers of a network that is denied, say. */
  allow: subnets.default([]),
  /** IPv4 address of this machine at which ports of apps are published that name none; all addresses when absent. */
  publishAddress: z.ipv4().optional(),
  /** IPv4 addresses of name servers for apps; the machine's own when empty. */
  nameservers: z.array(z.ipv4()).default([]),
});
