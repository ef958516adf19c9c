/** RDK's `run` parameters → our own description of an app, as upstream's DobbySpecGenerator reads them. */
import { appSchema, MOST_HOST_PORTS, type App, type AppInput } from '../domain/app.ts';
import { RuntimeError } from '../domain/errors.ts';
import { textList, type RuntimeConfig, type UpstreamRun } from '../domain/runtime-config.ts';
import { readCapabilities, type Capabilities } from './capabilities.ts';
import { variablesOf, type Described } from './described.ts';
import { from, Origins, type Origin } from './origins.ts';
import { refuseSource, refuseWidening } from './grants.ts';
import type { Platform } from './platform/platform.ts';
import { hasRegistry, rdkEnvironment, REGISTRY_POINT, type RdkVariable } from './rdk-environment.ts';
import { ralfApp, ralfPathsOf, type Ralf, type RalfApp } from './ralf/app.ts';
import { INTERNET, PERMISSIONS, ralfPermission, THUNDER, thunderWords } from './ralf/permissions.ts';
import { portsOf, type Ports } from './ralf/services.ts';
import { timeZoneMounts } from './ralf/time-zone.ts';
import { ralfMounts, ralfStart, ralfGraphics, ralfTmpfs } from './ralf/words.ts';
import { asksForSomething } from './unsupported.ts';
import { windowCapabilities } from './window-capabilities.ts';

export type UpstreamContext = {
  readonly appId: string;
  readonly platform: Platform;
  /** Which of {@link hostPathsOf} are there. */
  readonly present: ReadonlySet<string>;
  /** Of {@link directoriesOf}, those that are there; nothing is known of them when absent. */
  readonly kinds?: ReadonlyMap<string, 'directory' | 'other'>;
  /** What `ralfPkgPath` leads to; null when it is empty. */
  readonly ralf?: Ralf | null;
  /** Thunder as it is told to apps that may use it; null: nobody has said where it is. */
  readonly thunderAccess?: string | null;
  /** Of ports for other apps of the device; all addresses when absent. */
  readonly exportAddress?: string | undefined;
};

const DRM_DIRECTORY = '/opt/drm';

/**
 * Upstream takes these and does nothing with them: its generator never reads them, nor `paths` and `debugSettings`
 * (facts/thunder.md §5.3).
 */
const IGNORED: readonly (keyof RuntimeConfig)[] = [
  'dataImageSize',
  'resourceManagerClientEnabled',
  'fireboltVersion',
  'enableDebugger',
];

/** What has to be looked at on the device before {@link fromRuntimeConfig}: what is not there is left out, as upstream does. */
export function hostPathsOf(
  { runtimeConfig }: UpstreamRun,
  platform: Platform,
  ralf: Ralf | null = null,
): readonly string[] {
  const { gstreamerRegistry } = platform;
  return [
    ...(ralf === null ? [] : [...ralfPathsOf(ralf), ...timeZoneMounts(platform).map(({ source }) => source)]),
    ...readCapabilities(runtimeConfig.capabilities).extraMounts.map(({ source }) => source),
    ...drmFilesOf(runtimeConfig).map((name) => `${DRM_DIRECTORY}/${name}`),
    ...(gstreamerRegistry.value === null ? [] : [gstreamerRegistry.value]),
  ];
}

const DIRECTORIES = ['appPath', 'runtimePath', 'unpackedPath'] as const;

/** Paths that should be directories. */
export const directoriesOf = ({ runtimeConfig }: UpstreamRun): readonly string[] =>
  DIRECTORIES.map((member) => runtimeConfig[member]).filter((path) => path.startsWith('/'));

/** Of no use to an app whose packages say all of this. */
const NOT_WITH_RALF = ['command', 'appPath', 'runtimePath'] as const;

/**
 * `ports` lead out, to services of the device (LifecycleManager's Firebolt endpoint, RuntimeManagerHandler.cpp, run). userId and
 * groupId are not looked at: ids are the manager's. Throws INVALID_ARGUMENT naming the member or capability, PERMISSION_DENIED for
 * what a capability may not.
 */
export function fromRuntimeConfig(upstream: UpstreamRun, context: UpstreamContext): Described {
  const { runtimeConfig, ports = [], paths = [], debugSettings = [] } = upstream;
  const { platform, present, kinds = new Map<string, never>() } = context;
  const ralf = context.ralf ? ralfApp(context.ralf, present) : null;
  const capabilities = readCapabilities(runtimeConfig.capabilities);
  const drm = drmFilesOf(runtimeConfig);
  const drmFiles = drm.filter((name) => present.has(`${DRM_DIRECTORY}/${name}`));
  const callersPorts = [...new Set(ports)].filter(isPort);
  const { ignored, ...made } = appOf(runtimeConfig, { ...context, capabilities, ralf, callersPorts });
  const lists = { paths, debugSettings };
  const missing = capabilities.extraMounts.filter(({ source }) => !present.has(source));
  for (const overlay of capabilities.overlays) refuseWidening(overlay, platform, made.app);
  return {
    ...made,
    platform,
    rdk: {
      appId: context.appId,
      runtimeConfig,
      capabilities,
      drmFiles,
      files: (['appPath', 'runtimePath'] as const).filter((member) => kinds.get(runtimeConfig[member]) === 'other'),
      hasDataDirectory: hasDataDirectory(runtimeConfig, context),
    },
    ignored: [
      ...(ralf === null ? [] : [...NOT_WITH_RALF.filter((member) => runtimeConfig[member] !== ''), ...ralf.ignored]),
      ...ports.filter((port) => !isPort(port)).map((port) => `ports: ${port} is no port`),
      ...Object.entries(lists).flatMap(([name, list]) => (list.length > 0 ? [name] : [])),
      ...IGNORED.filter((member) => asksForSomething(runtimeConfig[member])),
      ...ignored,
      ...capabilities.unknown
        .filter((name) => ralf === null || !PERMISSIONS.includes(name))
        .map((name) => `capability ${name}`),
      ...missing.map(({ source }) => `capability extramounts: ${source} is not there`),
      ...drm
        .filter((name) => !drmFiles.includes(name))
        .map((name) => `fkpsFiles: ${DRM_DIRECTORY}/${name} is not there`),
    ],
  };
}

function drmFilesOf({ fkpsFiles }: RuntimeConfig): readonly string[] {
  return textList(fkpsFiles).map((name) => {
    if (/^[^/\0]+$/.test(name) && name !== '.' && name !== '..') return name;
    throw invalid('fkpsFiles', `has ${JSON.stringify(name)}`, `give plain names of files in ${DRM_DIRECTORY}`);
  });
}

type Made = Pick<Described, 'app' | 'origins' | 'ignored'>;
type Making = Omit<UpstreamContext, 'ralf'> & {
  readonly capabilities: Capabilities;
  readonly ralf: RalfApp | null;
  /** Ports of the device that the app may reach, by the caller's word. */
  readonly callersPorts: readonly number[];
};

const isPort = (port: number): boolean => port >= 1 && port <= 65_535;

function appOf(config: RuntimeConfig, making: Making): Made {
  const { ralf, callersPorts } = making;
  const origins = new Origins();
  check('ports', 'hostPorts', [...callersPorts]);
  const made = { ...making, origins };
  const network = networkOf(config, made);
  const limits = memoryOf(config, made);
  const served = servedBy(made, network);
  const thunder = thunderWords(ralf, made);
  const hostPorts = hostPortsOf(made, [...thunder.ports, ...served.imported]);
  const app = appSchema.parse({
    ...(ralf === null ? startOf(config, origins) : ralfStart(ralf, origins)),
    env: envOf(config, { ...made, memoryBytes: limits.memoryBytes }),
    // Upstream makes one for every app, whether it draws or not.
    display: { capabilities: [...windowCapabilities(config.capabilities)], required: false },
    limits,
    network,
    ports: [...served.ports],
    ...(hostPorts.length > 0 && { hostPorts: [...hostPorts] }),
    ...(ralf !== null && ralfGraphics(ralf, origins)),
    mounts: mountsOf(config, made),
    ...(ralf !== null && ralf.tmpfs.length > 0 && { tmpfs: ralfTmpfs(ralf, origins) }),
  } satisfies AppInput);
  return {
    app,
    origins,
    ignored: [...served.ignored, ...thunder.ignored],
  };
}

function servedBy({ ralf, platform, exportAddress, origins }: Env, network: App['network']): Ports {
  const { services = [] } = ralf ?? {};
  const [first] = services;
  if (first !== undefined) origins.set('ports', first.origin);
  return portsOf(services, { allow: platform.allow, network, exportAddress });
}

/** The caller's first; a list of packages that is too long is cut. */
function hostPortsOf({ callersPorts, ralf, origins }: Env, byPackages: readonly number[]): readonly number[] {
  const [service] = ralf?.services ?? [];
  const byPackage = ralf?.thunder ?? service?.origin ?? from('capability', THUNDER);
  const all = [...new Set([...callersPorts, ...byPackages])].slice(0, MOST_HOST_PORTS);
  if (all.length > 0) origins.set('hostPorts', callersPorts.length > 0 ? from('caller', 'ports') : byPackage);
  return all;
}

type Start = Pick<AppInput, 'rootfs' | 'args' | 'cwd' | 'storage'>;
type Env = Making & { readonly origins: Origins };

const asked = (member: keyof RuntimeConfig): Origin => from('caller', `runtimeConfigObject.${member}`);

function startOf({ command, appPath, runtimePath }: RuntimeConfig, origins: Origins): Start {
  if (command === '') throw invalid('command', 'is empty', 'name the program in the package to run');
  if (appPath === '' && runtimePath === '') {
    throw invalid('appPath', 'is empty, and runtimePath too', 'give the directory of the package');
  }
  origins.set('args', asked('command'));
  origins.set('cwd', asked('appPath'));
  return {
    rootfs: { host: true },
    // The whole text is the program's name: upstream splits nothing.
    args: [`${runtimePath === '' ? '/package' : '/runtime'}/${command}`],
    ...(appPath !== '' && { cwd: '/package' }),
  };
}

function networkOf({ wanLanAccess }: RuntimeConfig, { capabilities, ralf, origins }: Env): 'nat' | 'none' {
  const by = capabilities.has('wan-lan')
    ? from('capability', 'wan-lan')
    : ralf && ralfPermission(ralf.internet, capabilities.unknown, INTERNET);
  const origin = wanLanAccess ? asked('wanLanAccess') : by;
  if (origin !== null) origins.set('network', origin);
  return origin === null ? 'none' : 'nat';
}

/** As upstream: the default is for interactive apps; without one there is no limit (and Dobby refuses that). */
function memoryOf(
  { systemMemoryLimit, appType }: RuntimeConfig,
  { platform: { memory }, ralf, origins }: Env,
): App['limits'] {
  const own = systemMemoryLimit > 0 ? systemMemoryLimit : undefined;
  const memoryBytes = origins.choose('limits.memoryBytes', [
    [own, asked('systemMemoryLimit')],
    ...(ralf?.memory ?? []),
    [appType === 'INTERACTIVE' && memory.value > 0 ? memory.value : undefined, memory.origin],
  ]);
  const limits = memoryBytes === undefined ? {} : { memoryBytes };
  check(own === undefined ? 'appType' : 'systemMemoryLimit', 'limits', limits);
  return limits;
}

/** Of two lines for one variable the later wins, and the app's own over the device's and the capabilities'. */
function envOf(
  config: RuntimeConfig,
  { origins, ralf, memoryBytes, ...context }: Env & { readonly memoryBytes: number | undefined },
): Record<string, string> {
  const own = textList(config.envVariables).map((line): RdkVariable => {
    const [variable] = variablesOf([line]);
    if (variable !== undefined) return [...variable, asked('envVariables')];
    throw invalid('envVariables', `has ${JSON.stringify(line)}`, 'write every variable as NAME=value');
  });
  const all: readonly RdkVariable[] = [
    ...(ralf?.baseEnv ?? []),
    ...rdkEnvironment(config, context),
    ...(ralf === null
      ? []
      : [
          ...ralf.env,
          ...thunderWords(ralf, context).env,
          ['CPU_MEMORY_LIMIT', String(memoryBytes), origins.of('limits.memoryBytes')] as const,
        ]),
    ...own,
  ];
  for (const [name, , origin] of all) origins.set(`env[${name}]`, origin);
  return check('envVariables', 'env', Object.fromEntries(all.map(([name, value]) => [name, value]))) ?? {};
}

/** Dobby's HOME, where upstream mounts an app's data. */
const DATA_POINT = '/home/private';

const hasDataDirectory = ({ unpackedPath }: RuntimeConfig, { kinds }: Pick<UpstreamContext, 'kinds'>): boolean =>
  kinds?.get(unpackedPath) === 'directory';

function mountsOf(config: RuntimeConfig, { ralf, ...context }: Env): App['mounts'] {
  const { present, platform, capabilities, origins } = context;
  const packages = ralf === null ? packageMounts(config, origins) : ralfMounts(ralf, context);
  const { value, origin } = platform.gstreamerRegistry;
  const registry =
    value !== null && hasRegistry({ platform, capabilities, present })
      ? [{ source: value, destination: REGISTRY_POINT, readOnly: true }]
      : [];
  origins.set(`mounts[${REGISTRY_POINT}]`, origin);
  const extra = capabilities.extraMounts.filter(({ source }) => present.has(source));
  for (const { source, destination } of extra) {
    refuseSource(source, platform, 'extramounts');
    origins.set(`mounts[${destination}]`, from('capability', 'extramounts'));
  }
  const data = hasDataDirectory(config, context) ? dataMount(config, origins) : [];
  return [...packages, ...data, ...registry, ...extra.map((mount) => ({ ...mount, readOnly: true }))];
}

function packageMounts(config: RuntimeConfig, origins: Origins): App['mounts'] {
  return (['appPath', 'runtimePath'] as const).flatMap((member) => {
    if (config[member] === '') return [];
    const destination = member === 'appPath' ? '/package' : '/runtime';
    check(member, 'mounts', [{ source: config[member], destination }]);
    origins.set(`mounts[${destination}]`, asked(member));
    return [{ source: config[member], destination, readOnly: true }];
  });
}

function dataMount({ unpackedPath }: RuntimeConfig, origins: Origins): App['mounts'] {
  const mount = { source: unpackedPath, destination: DATA_POINT, readOnly: false };
  check('unpackedPath', 'mounts', [mount]);
  origins.set(`mounts[${DATA_POINT}]`, asked('unpackedPath'));
  return [mount];
}

/** Asks the schema of our own description, and blames upstream's member. */
function check<Member extends keyof AppInput>(member: string, ours: Member, value: AppInput[Member]): AppInput[Member] {
  const result = appSchema.shape[ours].safeParse(value);
  if (result.success) return value;
  throw invalid(member, result.error.issues[0]?.message ?? 'is wrong', 'correct it and run the app again');
}

const invalid = (member: string, why: string, next: string): RuntimeError =>
  new RuntimeError('INVALID_ARGUMENT', { what: `runtimeConfigObject.${member} ${why}`, next, details: { member } });
