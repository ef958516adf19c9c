/** Networks of apps on this machine. Addresses and ports are leased by the manager; this makes them true. */
import type { NetworkLease, PublishedPort, Subnet } from '../domain/network.ts';
import type { Wait } from './wait.ts';

/** How a container's own network namespace is joined to the machine. */
export type Attachment = {
  /** Interface on the machine that the app's one is the other end of. */
  readonly hostInterface: string;
  readonly hardwareAddress: string;
  readonly address: string;
  readonly gateway: string;
};

export type Wiring = {
  /** `loopback`: a namespace with nothing else in it. `host`: the machine's own. */
  readonly join: Attachment | 'loopback' | 'host';
  /** TCP ports of the machine's own 127.0.0.1 that the app reaches at the same port of its own. */
  readonly hostPorts: readonly number[];
};

/** Somebody else who has a port; in words. */
export type PortOwner = { readonly port: PublishedPort; readonly owner: string };

export type Networks = {
  /**
   * Apps can have a network now; answers where addresses are leased from. `leased`: the subnet of leases that exist, after a
   * restart. Throws NOT_SUPPORTED, NETWORK_FAILED.
   */
  readonly ready: (leased: Subnet | undefined, wait: Wait) => Promise<Subnet>;
  /** Whether an interface of this machine has this address now, or all have it (`0.0.0.0`). */
  readonly isOwnAddress: (address: string) => boolean;
  /** Who has one of these ports, besides the apps of this daemon. */
  readonly portOwners: (ports: readonly PublishedPort[], wait: Wait) => Promise<readonly PortOwner[]>;
  /** The ports of the host lead to the app. Throws NETWORK_FAILED. */
  readonly publish: (lease: NetworkLease, wait: Wait) => Promise<void>;
  /** They do not any more, and nothing answers at the app's address. Repeatable. */
  readonly withdraw: (lease: NetworkLease, wait: Wait) => Promise<void>;
  /** After a restart of the daemon: exactly these are published, and what no lease needs is removed. `held`: all leases. */
  readonly restore: (held: readonly NetworkLease[], published: readonly NetworkLease[], wait: Wait) => Promise<void>;
  /** Nobody has a lease: everything is removed after a while, if it is so then. */
  readonly rest: (isIdle: () => boolean) => void;
  readonly attachmentOf: (lease: NetworkLease) => Attachment;
  /** File on the host with the name servers for apps in this kind of network; null when they have none. */
  readonly resolverFor: (network: 'none' | 'nat' | 'host') => string | null;
  /** Makes the file of {@link Networks.resolverFor} for `nat`, for apps that an engine joins to a network of its own, and keeps it up to date. */
  readonly resolve: () => Promise<void>;
  /** The daemon ends: what living apps need stays; the rest goes, unless somebody has a lease. */
  readonly close: (inUse: boolean) => Promise<void>;
};
