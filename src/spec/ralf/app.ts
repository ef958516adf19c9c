/** An app of RALF packages in our words: what each file of {@link Ralf} gives to it. */
import type { App } from '../../domain/app.ts';
import { RuntimeError } from '../../domain/errors.ts';
import { STORAGE_POINT } from '../../domain/rootfs.ts';
import { parseSize } from '../../domain/size.ts';
import { variablesOf } from '../described.ts';
import { DEFAULT, from, type Candidate, type Origin } from '../origins.ts';
import type { RdkVariable } from '../rdk-environment.ts';
import { tmpfsOf } from './base-mounts.ts';
import { INTERNET, PERMISSIONS, permissionsOf, permittedBy, THUNDER } from './permissions.ts';
import type { BaseSpec, GpuLayer, Manifest } from './schema.ts';
import { servicesOf, type Service } from './services.ts';

/** What was read on the device. */
export type Ralf = {
  /** The file that `ralfPkgPath` names. */
  readonly list: string;
  /** The base first, the app last. */
  readonly packages: readonly {
    readonly mount: string;
    /** Its file. */
    readonly metadata: string;
    readonly manifest: Manifest;
  }[];
  /** Null: the device has none. */
  readonly base: (BaseSpec & { readonly file: string; readonly notes?: readonly string[] }) | null;
  readonly gpu: {
    /** Its directory, whether it is there or not. */
    readonly rootfs: string;
    readonly config: (GpuLayer & { readonly file: string }) | null;
  };
};

export type RalfApp = {
  readonly layers: readonly string[];
  readonly args: readonly string[];
  readonly argsOrigin: Origin;
  readonly cwd: Candidate<string>;
  /** Below the device's and the capabilities' variables. */
  readonly baseEnv: readonly RdkVariable[];
  /** Above them, and below the caller's. */
  readonly env: readonly RdkVariable[];
  /** In the order in which they win. */
  readonly memory: readonly Candidate<number>[];
  readonly storage: Candidate<number>;
  /** Null: no package may. */
  readonly internet: Origin | null;
  /** Likewise. */
  readonly thunder: Origin | null;
  readonly services: readonly Service[];
  readonly mounts: readonly (App['mounts'][number] & { readonly origin: Origin })[];
  readonly tmpfs: readonly (NonNullable<App['tmpfs']>[number] & { readonly origin: Origin })[];
  /** The GPU's, and the groups that open them: in force where they are on this machine. */
  readonly devices: readonly string[];
  readonly groups: readonly string[];
  /** Of both. */
  readonly graphicsOrigin: Origin;
  readonly ignored: readonly string[];
};

/** Upstream's: what an app gets that says nothing. */
const DEFAULT_MEMORY = 524_288_000;
/** Upstream tells it to an app that says nothing; nobody puts it in force, neither there nor here. */
const DEFAULT_STORAGE = 104_857_600;
/** A smaller file system is none (domain/app.ts, storage.sizeBytes). */
const LEAST_STORAGE = 16 * 2 ** 20;

/** Who has a say in limits and overrides, as upstream has it. */
const SIZED = ['application', 'runtime'];
const WITH_ENV = ['application', 'service'];
const READ_SECTIONS = ['overrides', 'memory', 'storage', 'env', 'network'].map((name) => `urn:rdk:config:${name}`);
/** Ours: they tell where the display, the storage and the note of a wake really are. */
const OURS = new Set([
  'HOME',
  'XDG_RUNTIME_DIR',
  'WAYLAND_DISPLAY',
  'APPLICATION_NAME',
  'APPLICATION_TOKEN',
  'RUNTIME_MANAGER_WAKE',
]);

/** What has to be looked at on the device: what is not there is left out. */
export const ralfPathsOf = ({ gpu }: Ralf): readonly string[] => [
  gpu.rootfs,
  ...(gpu.config?.vendorGpuSupport.files ?? []).flatMap(({ source }) => source ?? []),
];

/** Throws BUNDLE_INVALID when no package says what to run. */
export function ralfApp(ralf: Ralf, present: ReadonlySet<string>): RalfApp {
  const { packages, base, gpu } = ralf;
  const args = [
    ...(base?.process.args ?? []),
    ...packages.flatMap(({ manifest: { entryPoint, entryArgs } }) => [entryPoint ?? [], entryArgs].flat()),
  ];
  if (args.length === 0 || packages.every(({ manifest }) => manifest.entryPoint === undefined)) {
    throw new RuntimeError('BUNDLE_INVALID', {
      what: `no package of ${ralf.list} (runtimeConfigObject.ralfPkgPath) has an entryPoint`,
      next: 'add it to the manifest of the app',
      details: { file: ralf.list, member: 'ralfPkgPath' },
    });
  }
  const bySystem = packages.flatMap((one) => memoryIn(one)).toReversed();
  const tmpfs = tmpfsOf(base);
  const storage = packages.flatMap((one) => storageIn(one)).at(-1) ?? ([undefined, DEFAULT] as const);
  const { services, ignored: noServices } = servicesOf(packages);
  const { ignored, ...graphics } = gpuOf(ralf, present);
  return {
    // the device's own libraries lie over all packages, as upstream's lowerdir has them
    layers: [...packages.map(({ mount }) => mount), ...(present.has(gpu.rootfs) ? [gpu.rootfs] : [])],
    args,
    argsOrigin: from('package', `${ralf.list} entryPoint`),
    cwd: [base?.process.cwd, ofBase(base, 'process.cwd')],
    baseEnv: variablesIn(variablesOf(base?.process.env ?? []), ofBase(base, 'process.env')),
    env: [
      ...packages.flatMap(({ manifest, metadata }) => envOf(manifest, metadata)),
      ['PERSIST_STORAGE_PATH', STORAGE_POINT, DEFAULT],
      ['TEMP_STORAGE_PATH', ...temporary(tmpfs)],
      ['STORAGE_LIMIT', String(storage[0] ?? DEFAULT_STORAGE), storage[1]],
    ],
    memory: [
      ...bySystem,
      [base?.linux?.resources?.memory?.limit, ofBase(base, 'linux.resources.memory.limit')],
      [DEFAULT_MEMORY, DEFAULT],
    ],
    storage,
    internet: permittedBy(packages, INTERNET),
    thunder: permittedBy(packages, THUNDER),
    services,
    ...graphics,
    tmpfs,
    ignored: [...ignored, ...noServices],
  };
}

type One = Ralf['packages'][number];

/** Upstream's place for what an app need not keep; the base spec makes it. */
const UPSTREAM_TEMPORARY = '/rootdir';

function temporary(tmpfs: RalfApp['tmpfs']): readonly [path: string, origin: Origin] {
  const made = tmpfs.find(({ destination }) => destination === UPSTREAM_TEMPORARY);
  return made === undefined ? ['/tmp', DEFAULT] : [UPSTREAM_TEMPORARY, made.origin];
}

const ofBase = (base: Ralf['base'], member: string): Origin =>
  base === null ? DEFAULT : from('platform', `${base.file} ${member}`);

const variablesIn = (pairs: readonly (readonly [string, string])[], origin: Origin): readonly RdkVariable[] =>
  pairs.filter(([name]) => !OURS.has(name)).map(([name, value]) => [name, value, origin]);

function memoryIn({ manifest: { packageType, configuration }, metadata }: One): readonly Candidate<number>[] {
  const system = configuration['urn:rdk:config:memory']?.system;
  if (system === undefined || !SIZED.includes(packageType)) return [];
  return [[parseSize(system), from('package', `${metadata} urn:rdk:config:memory`)]];
}

function storageIn({ manifest: { packageType, configuration }, metadata }: One): readonly Candidate<number>[] {
  const most = configuration['urn:rdk:config:storage']?.maxLocalStorage;
  if (most === undefined || !SIZED.includes(packageType)) return [];
  return [[Math.max(parseSize(most), LEAST_STORAGE), from('package', `${metadata} urn:rdk:config:storage`)]];
}

/** Of one package; the caller lets later ones win. */
function envOf({ packageType, configuration, version, versionName }: Manifest, metadata: string): RdkVariable[] {
  const origin = (member: string): Origin => from('package', `${metadata} ${member}`);
  const overrides = SIZED.includes(packageType) ? (configuration['urn:rdk:config:overrides'] ?? {}) : {};
  const own = WITH_ENV.includes(packageType) ? (configuration['urn:rdk:config:env'] ?? {}) : {};
  const list: RdkVariable[] = [...variablesIn(Object.entries(own), origin('urn:rdk:config:env'))];
  const named = [
    ['APP_CONFIG_OVERRIDES_JSON', overrides.application],
    ['RUNTIME_CONFIG_OVERRIDES_JSON', overrides.runtime],
  ] as const;
  for (const [name, value] of named) {
    if (value !== undefined) list.push([name, JSON.stringify(value), origin('urn:rdk:config:overrides')]);
  }
  if (packageType === 'application' && version !== '' && versionName !== '') {
    list.push(['APP_PACKAGE_VERSION', `${versionName}_${version}`, origin('version')]);
  }
  return list;
}

/** Read-only files of the device for its GPU; and of all files what our engine leaves out. */
type Graphics = Pick<RalfApp, 'mounts' | 'devices' | 'groups' | 'graphicsOrigin' | 'ignored'>;

function gpuOf({ packages, base, gpu }: Ralf, present: ReadonlySet<string>): Graphics {
  const { devNodes = [], groupIds = [], files = [] } = gpu.config?.vendorGpuSupport ?? {};
  const origin = from('platform', `${gpu.config?.file ?? ''} files`);
  const binds = files.filter(({ type }) => type === 'bind');
  const mounts = binds.flatMap(({ source, destination }) =>
    source !== undefined && destination !== undefined && present.has(source)
      ? [{ source, destination, readOnly: true, origin }]
      : [],
  );
  const file = gpu.config?.file ?? '';
  const left = [...(mounts.length < files.length ? ['some of files'] : [])];
  return {
    mounts,
    devices: devNodes,
    groups: groupIds,
    graphicsOrigin: from('platform', `${file} vendorGpuSupport`),
    ignored: [
      ...(base?.notes ?? []).map((note) => `ralf: ${base?.file ?? ''} ${note}`),
      ...left.map((member) => `ralf: ${file} ${member}`),
      ...packages.flatMap((one) => leftOf(one)),
    ],
  };
}

function leftOf(one: One): readonly string[] {
  const sections = Object.keys(one.manifest.configuration).filter((name) => !READ_SECTIONS.includes(name));
  const permissions = permissionsOf(one).filter((name) => !PERMISSIONS.includes(name));
  return [...sections, ...permissions].slice(0, 32).map((name) => `ralf: ${one.metadata} ${name.slice(0, 100)}`);
}
