/** Our OCI configuration as Dobby's StartFromBundle needs it. Dobby rewrites the file it is given, so this is a copy of its own. */
import type { App } from '../../domain/app.ts';
import { RuntimeError } from '../../domain/errors.ts';
import { INIT_POINT } from '../../domain/rootfs.ts';
import { RECURSIVE } from '../files/mount-flags.ts';

/** Where Dobby looks for its process 1 in the app's root; without it there Dobby cannot run further programs in the container. */
export const DOBBY_INIT = '/usr/libexec/DobbyInit';

/** With another version Dobby runs the hooks of no plugin (facts/dobby.md, "Bundle rules"). */
const VERSION = '1.0.2-dobby';

type Mount = { readonly source?: string; readonly options?: readonly string[] };

type Config = {
  readonly mounts?: readonly Mount[];
  readonly process?: { readonly args?: readonly string[] };
  readonly linux?: { readonly cgroupsPath?: unknown; readonly resources?: object };
};

export type BundleWishes = {
  /** Dobby's id. */
  readonly id: string;
  /** Whether {@link DOBBY_INIT} is in the app's root; else our own process 1 stays. */
  readonly hasInit: boolean;
  readonly logFile: string;
  readonly logMaxBytes: number;
  readonly wishes: Pick<App, 'network' | 'ports' | 'hostPorts'>;
  /** Whether mounts are to be possible while it runs, in a Dobby that needs a plugin for that. */
  readonly liveMounts: boolean;
  /** Sources of mounts that are no directories. */
  readonly files: ReadonlySet<string>;
};

/** Throws NOT_SUPPORTED. */
export function dobbyBundle(config: object, wishes: BundleWishes): object {
  const { process: started = {}, linux = {}, mounts = [], ...rest } = config as Config;
  // with a path of its own Dobby would find no figures, and hibernate nothing while it says it did (facts/dobby.md §0.13)
  const { cgroupsPath: _ours, resources = {}, ...others } = linux;
  return {
    ...rest,
    ociVersion: VERSION,
    hostname: wishes.id,
    process: { ...started, terminal: true, args: commandLine(started.args ?? [], wishes.hasInit) },
    mounts: mounts.map((mount) => (wishes.files.has(mount.source ?? '') ? withoutRecursion(mount) : mount)),
    // without resources it crashes (§0.6)
    linux: { ...others, resources, ...(wishes.liveMounts && { rootfsPropagation: 'rslave' }) },
    rdkPlugins: {
      ...fileLogging(wishes),
      ...networking(wishes.wishes),
      ...(wishes.liveMounts && { storage: { required: true, data: { dynamic: [] } } }),
    },
  };
}

/** The devices have crun 1.8. */
const withoutRecursion = ({ options = [], ...mount }: Mount): Mount => ({
  ...mount,
  options: options.filter((option) => !RECURSIVE.test(option)),
});

/** Sources that {@link BundleWishes.files} is asked for. */
export const boundSources = ({ mounts = [] }: Config): readonly string[] =>
  mounts.flatMap(({ source, options = [] }) =>
    options.some((option) => RECURSIVE.test(option)) ? (source ?? []) : [],
  );

const commandLine = (args: readonly string[], hasInit: boolean): readonly string[] =>
  hasInit && args[0] === INIT_POINT && args[1] === '--' ? [DOBBY_INIT, ...args.slice(2)] : args;

/** Without any plugin some calls make Dobby crash (§0.5). */
export const fileLogging = ({ logFile, logMaxBytes }: Pick<BundleWishes, 'logFile' | 'logMaxBytes'>) => ({
  logging: { required: false, data: { sink: 'file', fileOptions: { path: logFile, limit: logMaxBytes } } },
});

/**
 * Of the app's own network only `nat` is more than an empty namespace, and one in which ports of the machine are reached; `host`
 * has none of its own. Dobby gives a network `none` an interface for these (NetworkingPlugin.cpp, createRuntime).
 */
function networking({ network, ports, hostPorts = [] }: BundleWishes['wishes']): object {
  if (network === 'host' || (network === 'none' && hostPorts.length === 0)) return {};
  const forwarding = {
    // with no port that leads out the plugin makes no rules of it, and fails (PortForwarding.cpp, constructMasqueradeRules)
    ...(hostPorts.length > 0 && { localhostMasquerade: true }),
    ...(ports.length > 0 && { hostToContainer: ports.map(({ host, protocol }) => ({ port: host, protocol })) }),
    ...(hostPorts.length > 0 && { containerToHost: hostPorts.map((port) => ({ port, protocol: 'tcp' })) }),
  };
  const portForwarding = Object.keys(forwarding).length > 0 ? { portForwarding: forwarding } : {};
  // in the network none it means nothing but that no resolv.conf is bound in (postInstallation)
  return { networking: { required: true, data: { type: network, ipv4: true, dnsmasq: true, ...portForwarding } } };
}

/** Throws NOT_SUPPORTED for what Dobby cannot give an app, before anything is begun for it. */
export function refuseForDobby({ ports }: Pick<App, 'ports'>): void {
  const placed = ports.find(({ address }) => address !== undefined);
  if (placed !== undefined) {
    throw new RuntimeError('NOT_SUPPORTED', {
      what: `the host port ${placed.host} cannot be published at ${placed.address ?? ''} alone: Dobby forwards at every address`,
      next: 'leave address out',
      details: { member: 'ports' },
    });
  }
  const moved = ports.find(({ host, app }) => host !== app);
  if (moved === undefined) return;
  throw new RuntimeError('NOT_SUPPORTED', {
    what: `the host port ${moved.host} cannot lead to port ${moved.app} of an app that Dobby runs`,
    next: 'give the same number on both sides: Dobby forwards a port to the same port',
    details: { member: 'ports' },
  });
}

type Spec = {
  readonly console?: unknown;
  readonly rdkPlugins?: { readonly logging?: { readonly data?: { readonly sink?: string } } };
};

/** A Dobby spec with the app's log where ours are, unless it is to be somewhere else. */
export function dobbySpecFor(config: object, wishes: Pick<BundleWishes, 'logFile' | 'logMaxBytes'>): object {
  const { console: own, rdkPlugins = {} } = config as Spec;
  const sink = rdkPlugins.logging?.data?.sink ?? 'devnull';
  if (own !== undefined || sink !== 'devnull') return config;
  return { ...config, rdkPlugins: { ...rdkPlugins, ...fileLogging(wishes) } };
}
