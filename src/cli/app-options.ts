/** The options of `run` as the description of an app that the daemon understands. */
import { resolve } from 'node:path';
import type { AppInput } from '../domain/app.ts';
import { RuntimeError } from '../domain/errors.ts';
import { parseSize } from '../domain/size.ts';
import type { Invocation } from './command.ts';
import { countOf, isSet, textOf, textsOf, wrong } from './options.ts';
import { durationOf, envOf, mountOf, sizeOf } from './values.ts';

type Options = Invocation['options'];
type Part<Name extends keyof AppInput> = NonNullable<AppInput[Name]>;
/** What a file describes, not checked yet: the daemon does that, with better words. */
type Described = Readonly<Record<string, unknown>>;

type Order = {
  readonly options: Options;
  /** The app's own command; empty when none was given. */
  readonly command: readonly string[];
  /** From --config. */
  readonly described: Described;
  readonly cwd: string;
};

/** Options win over the file, member by member; mounts and ports replace those of the same destination or host port. */
export function appFrom({ options, command, described, cwd }: Order): AppInput {
  const rootfs = rootfsOf(options, cwd) ?? described['rootfs'];
  if (rootfs === undefined) {
    throw new RuntimeError('INVALID_ARGUMENT', {
      what: 'nothing says where the root file system comes from',
      next: 'give --bundle DIR, --image REF, --rootfs DIR or --host-rootfs',
    });
  }
  const network = textOf(options, 'network');
  const display = textOf(options, 'display');
  const grace = textOf(options, 'grace');
  return {
    ...described,
    rootfs: rootfs as AppInput['rootfs'],
    ...(command.length > 0 && { args: [...command] }),
    ...(network !== undefined && { network: network as Part<'network'> }),
    ...(display !== undefined && { display: sizeOf('--display', display) }),
    ...(grace !== undefined && { terminateGraceMs: durationOf('--grace', grace) }),
    ...(isSet(options, 'noexec') && { noExec: true }),
    ...merged(described, 'env', envOf(textsOf(options, 'env'))),
    ...merged(described, 'limits', limitsOf(options)),
    ...merged(described, 'storage', storageOf(options)),
    ...merged(described, 'hibernation', isSet(options, 'hibernatable') ? { enabled: true } : {}),
    ...merged(described, 'restart', restartOf(options)),
    ...joined(described, {
      name: 'mounts',
      given: textsOf(options, 'mount').map((text) => mountOf('--mount', text, cwd)),
      keyOf: ({ destination }) => destination,
    }),
    ...joined(described, {
      name: 'hostPorts',
      given: textsOf(options, 'hostPort').map(hostPortOf),
      keyOf: String,
    }),
    ...joined(described, {
      name: 'ports',
      given: textsOf(options, 'port').map(portOf),
      keyOf: ({ host, protocol = 'tcp' }) => `${host}/${protocol}`,
    }),
  };
}

function rootfsOf(options: Options, cwd: string): AppInput['rootfs'] | undefined {
  const dir = textOf(options, 'rootfs');
  const bundle = textOf(options, 'bundle');
  const image = textOf(options, 'image');
  const given: AppInput['rootfs'][] = [
    ...(isSet(options, 'hostRootfs') ? [{ host: true as const }] : []),
    ...(dir === undefined ? [] : [{ dir: resolve(cwd, dir) }]),
    ...(bundle === undefined ? [] : [{ bundle: resolve(cwd, bundle) }]),
    ...(image === undefined ? [] : [{ image: imageOf(image, cwd) }]),
  ];
  if (given.length <= 1) return given[0];
  throw new RuntimeError('INVALID_ARGUMENT', {
    what: 'more than one root file system is given',
    next: 'give one of --bundle, --image, --rootfs and --host-rootfs',
  });
}

/** The daemon is somewhere else: paths become absolute. What only a registry would know stays as it is, and is refused there. */
function imageOf(text: string, cwd: string): string {
  const [, kind, rest] = /^(oci|oci-archive|docker-archive):(.*)$/s.exec(text) ?? [];
  if (kind !== undefined) return `${kind}:${resolve(cwd, rest ?? '')}`;
  return /^(\.{0,2}\/|[^:]*$)/.test(text) ? resolve(cwd, text) : text;
}

/** A member that neither file nor options have stays away, so that the daemon's own default holds. */
function merged(described: Described, name: keyof AppInput, given: object): Described {
  if (Object.keys(given).length === 0) return {};
  const before = described[name];
  return { [name]: typeof before === 'object' ? { ...before, ...given } : given };
}

type List<Name extends 'mounts' | 'ports' | 'hostPorts'> = {
  readonly name: Name;
  readonly given: readonly Part<Name>[number][];
  readonly keyOf: (one: Part<Name>[number]) => string;
};

function joined<Name extends 'mounts' | 'ports' | 'hostPorts'>(
  described: Described,
  { name, given, keyOf }: List<Name>,
): Described {
  if (given.length === 0) return {};
  const before = (Array.isArray(described[name]) ? described[name] : []) as List<Name>['given'];
  return { [name]: [...new Map([...before, ...given].map((one) => [keyOf(one), one])).values()] };
}

function limitsOf(options: Options): Part<'limits'> {
  const memory = textOf(options, 'memory');
  const cpus = textOf(options, 'cpus');
  const pids = countOf(options, 'pids');
  const swap = textOf(options, 'swap');
  const cpuShares = countOf(options, 'cpuShares');
  const cores = textOf(options, 'cores');
  const ioWeight = countOf(options, 'ioWeight');
  if (cpus !== undefined && !/^\d+(\.\d+)?$/.test(cpus)) throw wrong('--cpus', cpus, 'a number of cores like 0.5');
  return {
    ...(memory !== undefined && { memoryBytes: parseSize(memory) }),
    ...(cpus !== undefined && { cpus: Number(cpus) }),
    ...(pids !== undefined && { pids }),
    ...(swap !== undefined && { swapBytes: parseSize(swap) }),
    ...(cpuShares !== undefined && { cpuShares }),
    ...(cores !== undefined && { cores }),
    ...(ioWeight !== undefined && { ioWeight }),
  };
}

function restartOf(options: Options): Part<'restart'> {
  const text = textOf(options, 'restart');
  if (text === undefined) return {};
  const match = /^(never|on-failure|always)(?::(\d{1,6}))?$/.exec(text);
  if (match === null) throw wrong('--restart', text, 'never, on-failure, always, or on-failure:5');
  const policy = match[1] as Part<'restart'>['policy'];
  return { policy, ...(match[2] !== undefined && { maxRetries: Number(match[2]) }) };
}

function storageOf(options: Options): Part<'storage'> {
  const size = textOf(options, 'storage');
  return size === undefined ? {} : { sizeBytes: parseSize(size) };
}

function hostPortOf(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port >= 1 && port <= 65_535) return port;
  throw wrong('--host-port', text, 'a TCP port from 1 to 65535, for example 3473');
}

function portOf(text: string): Part<'ports'>[number] {
  const match = /^(?:(\d{1,3}(?:\.\d{1,3}){3}):)?(\d{1,5}):(\d{1,5})(?:\/(tcp|udp))?$/.exec(text);
  if (match === null) {
    throw wrong('--port', text, '[ADDRESS:]HOST:APP, for example 8080:80, 127.0.0.1:8080:80 or 5353:53/udp');
  }
  const [, address, host, app, protocol] = match;
  return {
    ...{ host: Number(host), app: Number(app), protocol: protocol === 'udp' ? 'udp' : 'tcp' },
    ...(address !== undefined && { address }),
  };
}
