/**
 * Networks of apps with ip(8) and nft(8): every app has a cable of its own to this machine, which routes and translates. All of it has this daemon's own name, so that daemons live side by side, and
 * what a killed one has left is found again. An app's own end goes with its namespace, by the kernel's hand.
 */
import { existsSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { RuntimeError } from '../../domain/errors.ts';
import {
  formatSubnet,
  parseAddress,
  subnetOf,
  type NetworkLease,
  type PublishedPort,
  type Subnet,
} from '../../domain/network.ts';
import { SET_UP } from '../../domain/set-up.ts';
import { unhurried } from '../../domain/unhurried.ts';
import type { Log } from '../../ports/log.ts';
import type { Attachment, Networks, PortOwner } from '../../ports/networks.ts';
import type { Wait } from '../../ports/wait.ts';
import type { RunTool } from '../process/run-tool.ts';
import { interfacesLike, isThere, makeAnchor, removeInterface, subnetOfAnchor } from './anchor.ts';
import { Forwarding } from './forwarding.ts';
import { listeners, publishedElsewhere } from './listeners.ts';
import { removeResolver, writeResolver } from './resolver.ts';
import { addElements, deleteElements, noTable, tableText } from './rules.ts';

export type NetworkOptions = {
  readonly runTool: RunTool;
  /** Twelve hexadecimal digits, the same at every start, of this daemon alone. */
  readonly tag: string;
  /** For whoever finds its rules. */
  readonly root: string;
  readonly range: Subnet;
  /** Where apps may open no connection, and the exceptions. */
  readonly deny: readonly Subnet[];
  readonly allow: readonly Subnet[];
  /** Name servers for apps; the machine's own when there are none. */
  readonly nameservers: readonly string[];
  /** Name server for apps where the machine's own ones cannot be reached by them. */
  readonly lastNameserver?: string;
  /** Where apps' resolv.conf is written: a file that anybody may reach. */
  readonly resolverFile: string;
  readonly searchPath: string;
  /** Puts a process where it outlives the daemon. */
  readonly enter: (pid: number) => void;
  /** nft(8); undefined when it is not there. */
  readonly filterTool: string | undefined;
  readonly log: Log;
};

const HOST_RESOLVER = '/etc/resolv.conf';
/** Making it anew costs more than keeping it for the next app. */
const LINGER_MS = 10_000;
/** A new uplink, or another name server. */
const REFRESH_MS = 5000;
const PATIENCE_MS = 20_000;

export class RoutedNetworks implements Networks {
  readonly #options: NetworkOptions;
  readonly #name: string;
  /** How the names of the apps' interfaces on this machine begin; a name has at most 15 characters. */
  readonly #cables: string;
  readonly #forwarding: Forwarding;
  /** By address. */
  readonly #published = new Map<string, NetworkLease>();
  #subnet: Subnet | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #lingering: NodeJS.Timeout | undefined;
  #refreshing: NodeJS.Timeout | undefined;

  constructor(options: NetworkOptions) {
    this.#options = options;
    this.#name = `rm-${options.tag}`;
    this.#cables = `rm${options.tag.slice(0, 8)}.`;
    this.#forwarding = new Forwarding(this.#name, options);
  }

  async ready(leased: Subnet | undefined, wait: Wait): Promise<Subnet> {
    clearTimeout(this.#lingering);
    return this.#subnet ?? this.#inTurn(async () => (this.#subnet ??= await this.#make(leased, wait)));
  }

  async portOwners(ports: readonly PublishedPort[], wait: Wait): Promise<readonly PortOwner[]> {
    if (ports.length === 0) return [];
    const list = this.#nft(['-j', 'list', 'maps', 'ip'], wait);
    const [here, maps] = await Promise.all([listeners(ports), list]);
    return [...here, ...publishedElsewhere(maps, ports, (table) => table !== this.#name && table.startsWith('rm-'))];
  }

  isOwnAddress(address: string): boolean {
    const own = Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map((one) => one.address));
    return address === '0.0.0.0' || address.startsWith('127.') || own.includes(address);
  }

  publish(lease: NetworkLease, wait: Wait): Promise<void> {
    return this.#inTurn(async () => {
      this.#published.set(lease.address, lease);
      if (lease.ports.length === 0) return;
      // somebody may have flushed all rules of the machine: then ours are made anew
      await this.#nft([addElements(this.#name, lease)], wait).catch(() => this.#writeTable(wait));
    });
  }

  withdraw(lease: NetworkLease, wait: Wait): Promise<void> {
    return this.#inTurn(async () => {
      const known = this.#published.delete(lease.address);
      if (!isThere(this.#name)) return;
      const drop = known && lease.ports.length > 0;
      if (drop) await this.#nft([deleteElements(this.#name, lease)], wait).catch(() => this.#writeTable(wait));
      // the namespace of an app that has just ended may still answer for a moment
      await removeInterface(this.#options.runTool, this.attachmentOf(lease).hostInterface, wait);
    });
  }

  async restore(held: readonly NetworkLease[], published: readonly NetworkLease[], wait: Wait): Promise<void> {
    const [first] = held;
    if (first === undefined) {
      if (isThere(this.#name)) await this.#inTurn(() => this.#remove());
      return;
    }
    for (const lease of published) this.#published.set(lease.address, lease);
    const { runTool } = this.#options;
    await this.ready(subnetOf(first), wait);
    const known = new Set(published.map((lease) => this.attachmentOf(lease).hostInterface));
    for (const name of await interfacesLike(this.#cables)) {
      if (!known.has(name)) await removeInterface(runTool, name, wait);
    }
  }

  rest(isIdle: () => boolean): void {
    clearTimeout(this.#lingering);
    this.#lingering = setTimeout(() => {
      // somebody may have come while it waited for its turn
      this.#inTurn(() => (isIdle() ? this.#remove() : Promise.resolve())).catch((error: unknown) => {
        this.#options.log.warn({ err: error }, 'the network of apps could not be removed');
      });
    }, LINGER_MS).unref();
  }

  attachmentOf({ address, gateway }: NetworkLease): Attachment {
    const number = parseAddress(address) ?? 0;
    const bytes = [24, 16, 8, 0].map((bits) => hex(Math.floor(number / 2 ** bits) % 256));
    return {
      hostInterface: `${this.#cables}${bytes[3] ?? ''}`,
      // locally administered, and the same after every wake
      hardwareAddress: ['02', '00', ...bytes].join(':'),
      address,
      gateway,
    };
  }

  resolverFor(network: 'none' | 'nat' | 'host'): string | null {
    // a runtime starts nothing with a mount whose source is not there
    const host = existsSync(HOST_RESOLVER) ? HOST_RESOLVER : null;
    return { none: null, nat: this.#options.resolverFile, host }[network];
  }

  async resolve(): Promise<void> {
    clearTimeout(this.#lingering);
    await this.#inTurn(async () => {
      await this.#writeResolver();
      this.#refreshing ??= this.#repeat(() => this.#writeResolver());
    });
  }

  async close(inUse: boolean): Promise<void> {
    clearTimeout(this.#lingering);
    clearInterval(this.#refreshing);
    await this.#inTurn(() => (inUse ? Promise.resolve() : this.#remove()));
  }

  async #make(leased: Subnet | undefined, wait: Wait): Promise<Subnet> {
    const { runTool, range, tag, filterTool } = this.#options;
    if (filterTool === undefined) throw noFilter();
    try {
      const found = await subnetOfAnchor(runTool, this.#name, wait);
      const fits = found !== undefined && (leased === undefined || leased.base === found.base);
      if (!fits) await removeInterface(runTool, this.#name, wait);
      const first = parseInt(tag.slice(0, 6), 16);
      const subnet = fits ? found : await makeAnchor(runTool, { name: this.#name, range, first, leased }, wait);
      this.#subnet = subnet;
      await this.#writeTable(wait);
      await this.#refresh();
      this.#refreshing = this.#repeat(() => this.#refresh());
      this.#options.log.info({ anchor: this.#name, subnet: formatSubnet(subnet) }, 'apps have a network');
      return subnet;
    } catch (error) {
      await this.#remove();
      throw error instanceof RuntimeError && error.code !== 'TOOL_FAILED' ? error : failed(error);
    }
  }

  #repeat(work: () => Promise<void>): NodeJS.Timeout {
    return setInterval(() => {
      work().catch((error: unknown) => {
        this.#options.log.warn({ err: error }, 'the network of apps could not follow a change of the machine');
      });
    }, REFRESH_MS).unref();
  }

  async #refresh(): Promise<void> {
    await this.#writeResolver();
    await this.#forwarding.refresh();
  }

  #writeResolver(): Promise<void> {
    const { resolverFile, nameservers, lastNameserver } = this.#options;
    return writeResolver(resolverFile, { servers: nameservers, ...(lastNameserver && { lastResort: lastNameserver }) });
  }

  async #writeTable(wait: Wait): Promise<void> {
    if (this.#subnet === undefined) return;
    const leases = [...this.#published.values()];
    const { deny, allow } = this.#options;
    const owner = this.#options.root.replaceAll(/[^A-Za-z0-9/._-]/g, '_').slice(0, 100);
    await this.#nft(
      [tableText({ name: this.#name, cables: `${this.#cables}*`, subnet: this.#subnet, leases, owner, deny, allow })],
      wait,
    );
  }

  /** The rules first: as long as the anchor is there they are looked for. */
  async #remove(): Promise<void> {
    const { runTool, resolverFile } = this.#options;
    clearInterval(this.#refreshing);
    this.#refreshing = undefined;
    this.#subnet = undefined;
    if (isThere(this.#name)) {
      await this.#nft([noTable(this.#name)], unhurried(PATIENCE_MS));
      for (const cable of await interfacesLike(this.#cables)) {
        await removeInterface(runTool, cable, unhurried(PATIENCE_MS));
      }
      await removeInterface(runTool, this.#name, unhurried(PATIENCE_MS));
    }
    await this.#forwarding.end();
    await removeResolver(resolverFile);
  }

  async #nft(args: readonly string[], wait: Wait): Promise<string> {
    const { runTool, filterTool } = this.#options;
    if (filterTool === undefined) throw noFilter();
    return (await runTool([filterTool, ...args], wait)).stdout;
  }

  /** One change after the other, in the order of the calls. */
  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    return result;
  }
}

const hex = (byte: number): string => byte.toString(16).padStart(2, '0');

const failed = (cause: unknown): RuntimeError =>
  new RuntimeError('NETWORK_FAILED', {
    what: 'the network of apps could not be made',
    next: 'it needs bridge, veth and nf_tables in the kernel (modules bridge, veth, nf_tables, nft_nat, nft_masq, nft_fib_ipv4)',
    cause,
  });

const noFilter = (): RuntimeError =>
  new RuntimeError('NOT_SUPPORTED', {
    what: 'apps cannot have the network nat here: there is no nft',
    next: `install Debian's package nftables (${SET_UP}), or name its directory as \`tools\` in the configuration`,
  });
