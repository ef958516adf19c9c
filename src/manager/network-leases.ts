/** Addresses and ports of apps: who has which. An app keeps its lease until everything of it is given back, asleep or awake. */
import type { App } from '../domain/app.ts';
import { RuntimeError } from '../domain/errors.ts';
import type { AppInstanceId } from '../domain/ids.ts';
import {
  FIRST_HOST,
  formatAddress,
  formatSubnet,
  gatewayOf,
  lastHost,
  portName,
  subnetOf,
  type NetworkLease,
  type PublishedPort,
  type Subnet,
} from '../domain/network.ts';
import type { InstanceRecord } from '../ports/journal.ts';
import type { Networks, PortOwner, Wiring } from '../ports/networks.ts';
import type { Wait } from '../ports/wait.ts';

type Options = {
  readonly networks: Networks;
  readonly allowHost: boolean;
  /** For ports that name no address; all of the machine's when absent. */
  readonly publishAddress?: string;
  /** The engine joins apps to the network itself: no address of ours is leased. */
  readonly makesNetworks?: boolean;
};
type Held = Pick<InstanceRecord, 'appInstanceId' | 'app' | 'network'>;
export type NetworkWish = { readonly appInstanceId: AppInstanceId; readonly app: Pick<App, 'network' | 'ports'> };

export class NetworkLeases {
  readonly machine: Networks;
  readonly #allowHost: boolean;
  readonly #makesNetworks: boolean;
  readonly #publishAddress: string | undefined;
  readonly #addresses = new Map<string, AppInstanceId>();
  readonly #ports = new Map<string, AppInstanceId>();
  /** Apps that the engine joins to a network of its own: of ours they have the file with the name servers. */
  readonly #joined = new Set<AppInstanceId>();
  /** Addresses are used in turn: packets for who had one before may still be on their way. */
  #next = FIRST_HOST;
  /** Who waits for the network and has no address yet needs it, too. */
  #waiting = 0;

  constructor({ networks, allowHost, publishAddress, makesNetworks = false }: Options) {
    this.#publishAddress = publishAddress;
    this.#makesNetworks = makesNetworks;
    this.machine = networks;
    this.#allowHost = allowHost;
  }

  /**
   * Null for an app that needs none. Throws INVALID_ARGUMENT and NOT_SUPPORTED for what cannot be, PORT_TAKEN naming the app that has
   * it (for others see {@link refuseForeign}), NETWORK_FAILED.
   */
  async lease({ appInstanceId, app }: NetworkWish, wait: Wait): Promise<NetworkLease | null> {
    this.#refuse(app);
    const ports = app.ports.map((port) => this.#placed(port));
    if (app.network !== 'nat') return null;
    if (this.#makesNetworks) {
      this.#joined.add(appInstanceId);
      await this.machine.resolve();
      return null;
    }
    this.#claimPorts(appInstanceId, app.ports);
    this.#waiting++;
    try {
      const subnet = await this.machine.ready(this.#leasedSubnet(), wait);
      const address = this.#freeAddress(subnet);
      this.#addresses.set(address, appInstanceId);
      return { address, gateway: gatewayOf(subnet), prefix: subnet.prefix, ports };
    } catch (error) {
      for (const port of app.ports) this.#ports.delete(portName(port));
      throw error;
    } finally {
      this.#waiting--;
      this.#restIfIdle();
    }
  }

  /** For an instance that has its lease already: after a restart of the daemon. */
  adopt({ appInstanceId, app, network }: Held): void {
    if (this.#makesNetworks && app.network === 'nat') this.#joined.add(appInstanceId);
    if (!network) return;
    this.#addresses.set(network.address, appInstanceId);
    for (const port of network.ports) this.#ports.set(portName(port), appInstanceId);
  }

  giveBack({ appInstanceId, network }: Pick<InstanceRecord, 'appInstanceId' | 'network'>): void {
    const wasJoined = this.#joined.delete(appInstanceId);
    if (network) {
      this.#addresses.delete(network.address);
      for (const port of network.ports) this.#ports.delete(portName(port));
    }
    if (network || wasJoined) this.#restIfIdle();
  }

  /** When all are adopted; see {@link Networks.restore}. */
  async restore(published: readonly NetworkLease[], { held, ...wait }: Wait & { held: readonly NetworkLease[] }) {
    await this.machine.restore(held, published, wait);
    if (this.#joined.size > 0) await this.machine.resolve();
  }

  /** Looked at before a wake; nothing is published yet. Throws PORT_TAKEN, NETWORK_FAILED. */
  async makeReady({ network }: Pick<InstanceRecord, 'network'>, wait: Wait): Promise<void> {
    if (!network) return;
    await Promise.all([this.machine.ready(subnetOf(network), wait), this.refuseForeign(network.ports, wait)]);
  }

  async publish({ network }: Pick<InstanceRecord, 'network'>, wait: Wait): Promise<void> {
    if (network) await this.machine.publish(network, wait);
  }

  async withdraw({ network }: Pick<InstanceRecord, 'network'>, wait: Wait): Promise<void> {
    if (network) await this.machine.withdraw(network, wait);
  }

  /** How the container of this record is joined to the machine. */
  wiringOf({ app, network }: Pick<InstanceRecord, 'app' | 'network'>): Wiring {
    const own = app.network === 'host' ? 'host' : 'loopback';
    return { join: network ? this.machine.attachmentOf(network) : own, hostPorts: app.hostPorts ?? [] };
  }

  /** Throws PORT_TAKEN naming a process, or another daemon. */
  async refuseForeign(ports: readonly PublishedPort[], wait: Wait): Promise<void> {
    const [found] = await this.machine.portOwners(ports, wait);
    if (found !== undefined) throw taken(found);
  }

  close(): Promise<void> {
    return this.machine.close(this.#addresses.size > 0 || this.#joined.size > 0);
  }

  #refuse({ network, ports }: NetworkWish['app']): void {
    if (network === 'host' && !this.#allowHost) {
      throw new RuntimeError('NOT_SUPPORTED', {
        what: "apps may not use the machine's own network here",
        next: 'use the network "nat", or set network.allowHost: true in the daemon\'s config.yaml',
        details: { setting: 'network.allowHost' },
      });
    }
    if (network !== 'nat' && ports.length > 0) {
      throw new RuntimeError('INVALID_ARGUMENT', {
        what: `ports: an app in the network ${network} cannot have ports published`,
        next: 'use the network "nat", or leave ports out',
      });
    }
    const names = ports.map(portName);
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice === undefined) return;
    throw new RuntimeError('INVALID_ARGUMENT', {
      what: `ports: the host port ${twice} is there twice`,
      next: 'give every published port a host port of its own',
    });
  }

  /** `0.0.0.0` stands for every address. Throws INVALID_ARGUMENT for an address that the machine does not have. */
  #placed({ address = this.#publishAddress, ...port }: PublishedPort): PublishedPort {
    if (address === undefined || address === '0.0.0.0') return port;
    if (this.#makesNetworks || this.machine.isOwnAddress(address)) return { ...port, address };
    throw new RuntimeError('INVALID_ARGUMENT', {
      what: `ports: ${address}:${port.host} cannot be published: no interface of this machine has the address ${address}`,
      next: 'give an address of this machine, 127.0.0.1 for itself alone, or none for all',
      details: { address },
    });
  }

  #claimPorts(appInstanceId: AppInstanceId, ports: readonly PublishedPort[]): void {
    for (const port of ports) {
      const owner = this.#ports.get(portName(port));
      if (owner !== undefined) throw taken({ port, owner: `the app instance ${owner}` });
    }
    for (const port of ports) this.#ports.set(portName(port), appInstanceId);
  }

  /** That of any lease: all of one daemon are in one subnet. */
  #leasedSubnet(): Subnet | undefined {
    const [address] = this.#addresses.keys();
    return address === undefined ? undefined : subnetOf({ address, prefix: 24, gateway: '', ports: [] });
  }

  #freeAddress(subnet: Subnet): string {
    const last = lastHost(subnet);
    for (let tried = FIRST_HOST; tried <= last; tried++) {
      const address = formatAddress(subnet.base + this.#next);
      this.#next = this.#next >= last ? FIRST_HOST : this.#next + 1;
      if (!this.#addresses.has(address)) return address;
    }
    throw new RuntimeError('NETWORK_FAILED', {
      what: `all addresses of ${formatSubnet(subnet)} are leased`,
      next: 'end apps that need no network any more',
    });
  }

  #restIfIdle(): void {
    const isIdle = () => this.#addresses.size === 0 && this.#joined.size === 0 && this.#waiting === 0;
    if (isIdle()) this.machine.rest(isIdle);
  }
}

const taken = ({ port, owner }: PortOwner): RuntimeError =>
  new RuntimeError('PORT_TAKEN', {
    what: `the host port ${portName(port)} belongs to ${owner}`,
    next: 'publish another port, or end its owner',
    details: { port: port.host, protocol: port.protocol, owner },
  });
