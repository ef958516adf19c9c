/** RDK's `run` parameters → our own description of an app, as upstream's DobbySpecGenerator reads them. */
import { appSchema, type App, type AppInput } from '../domain/app.ts';
import { RuntimeError } from '../domain/errors.ts';
import { textList, type RuntimeConfig, type UpstreamRun } from '../domain/runtime-config.ts';
import { readCapabilities, type Capabilities } from './capabilities.ts';
import { variablesOf, type Described } from './described.ts';
import { from, Origins } from './origins.ts';
import { refuseSource, refuseWidening } from './grants.ts';
import type { Platform } from './platform/platform.ts';
import { hasRegistry, rdkEnvironment, REGISTRY_POINT, type RdkVariable } from './rdk-environment.ts';
import { asksForSomething } from './unsupported.ts';
import { windowCapabilities } from './window-capabilities.ts';

export type UpstreamContext = {
  readonly appId: string;
  readonly platform: Platform;
  /** Which of {@link hostPathsOf} are there. */
  readonly present: ReadonlySet<string>;
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
export function hostPathsOf({ runtimeConfig }: UpstreamRun, { gstreamerRegistry }: Platform): readonly string[] {
  return [
    ...readCapabilities(runtimeConfig.capabilities).extraMounts.map(({ source }) => source),
    ...drmFilesOf(runtimeConfig).map((name) => `${DRM_DIRECTORY}/${name}`),
    ...(gstreamerRegistry.value === null ? [] : [gstreamerRegistry.value]),
  ];
}

/**
 * userId and groupId are not looked at: ids are the manager's. Throws INVALID_ARGUMENT naming the member or capability,
 * PERMISSION_DENIED for what a capability may not.
 */
export function fromRuntimeConfig(upstream: UpstreamRun, context: UpstreamContext): Described {
  const { runtimeConfig, ports = [], paths = [], debugSettings = [] } = upstream;
  const { platform, present } = context;
  const capabilities = readCapabilities(runtimeConfig.capabilities);
  const drm = drmFilesOf(runtimeConfig);
  const drmFiles = drm.filter((name) => present.has(`${DRM_DIRECTORY}/${name}`));
  const made = appOf(runtimeConfig, capabilities, context);
  const lists = { paths, debugSettings };
  const missing = capabilities.extraMounts.filter(({ source }) => !present.has(source));
  for (const overlay of capabilities.overlays) refuseWidening(overlay, platform, made.app);
  return {
    ...made,
    platform,
    rdk: { runtimeConfig, ports, capabilities, drmFiles },
    ignored: [
      ...Object.entries(lists).flatMap(([name, list]) => (list.length > 0 ? [name] : [])),
      ...IGNORED.filter((member) => asksForSomething(runtimeConfig[member])),
      ...capabilities.unknown.map((name) => `capability ${name}`),
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

type Made = Pick<Described, 'app' | 'origins'>;

function appOf(config: RuntimeConfig, capabilities: Capabilities, context: UpstreamContext): Made {
  const { command, appPath, runtimePath } = config;
  if (command === '') throw invalid('command', 'is empty', 'name the program in the package to run');
  if (appPath === '' && runtimePath === '') {
    throw invalid('appPath', 'is empty, and runtimePath too', 'give the directory of the package');
  }
  const origins = new Origins();
  const asked = (member: keyof RuntimeConfig) => from('caller', `runtimeConfigObject.${member}`);
  origins.set('args', asked('command'));
  origins.set('cwd', asked('appPath'));
  const wantsNetwork = config.wanLanAccess || capabilities.has('wan-lan');
  if (wantsNetwork) {
    origins.set('network', config.wanLanAccess ? asked('wanLanAccess') : from('capability', 'wan-lan'));
  }
  const app = appSchema.parse({
    rootfs: { host: true },
    // The whole text is the program's name: upstream splits nothing.
    args: [`${runtimePath === '' ? '/package' : '/runtime'}/${command}`],
    ...(appPath !== '' && { cwd: '/package' }),
    env: envOf(config, { ...context, capabilities, origins }),
    // Upstream makes one for every app, whether it draws or not.
    display: { capabilities: [...windowCapabilities(config.capabilities)], required: false },
    limits: memoryOf(config, context.platform, origins),
    network: wantsNetwork ? 'nat' : 'none',
    mounts: mountsOf(config, capabilities, { ...context, origins }),
  } satisfies AppInput);
  return { app, origins };
}

/** As upstream: the default is for interactive apps; without one there is no limit (and Dobby refuses that). */
function memoryOf(
  { systemMemoryLimit, appType }: RuntimeConfig,
  { memory }: Platform,
  origins: Origins,
): App['limits'] {
  const own = systemMemoryLimit > 0 ? systemMemoryLimit : undefined;
  const memoryBytes = origins.choose('limits.memoryBytes', [
    [own, from('caller', 'runtimeConfigObject.systemMemoryLimit')],
    [appType === 'INTERACTIVE' && memory.value > 0 ? memory.value : undefined, memory.origin],
  ]);
  const limits = memoryBytes === undefined ? {} : { memoryBytes };
  check(own === undefined ? 'appType' : 'systemMemoryLimit', 'limits', limits);
  return limits;
}

type Env = UpstreamContext & { readonly capabilities: Capabilities; readonly origins: Origins };

/** Of two lines for one variable the later wins, and the app's own over the device's and the capabilities'. */
function envOf(config: RuntimeConfig, { origins, ...context }: Env): Record<string, string> {
  const own = textList(config.envVariables).map((line): RdkVariable => {
    const [variable] = variablesOf([line]);
    if (variable !== undefined) return [...variable, from('caller', 'runtimeConfigObject.envVariables')];
    throw invalid('envVariables', `has ${JSON.stringify(line)}`, 'write every variable as NAME=value');
  });
  const all = [...rdkEnvironment(config, context), ...own];
  for (const [name, , origin] of all) origins.set(`env[${name}]`, origin);
  return check('envVariables', 'env', Object.fromEntries(all.map(([name, value]) => [name, value]))) ?? {};
}

type Mounts = UpstreamContext & { readonly origins: Origins };

function mountsOf(config: RuntimeConfig, capabilities: Capabilities, { present, platform, origins }: Mounts) {
  const packages = (['appPath', 'runtimePath'] as const).flatMap((member) => {
    if (config[member] === '') return [];
    const destination = member === 'appPath' ? '/package' : '/runtime';
    check(member, 'mounts', [{ source: config[member], destination }]);
    origins.set(`mounts[${destination}]`, from('caller', `runtimeConfigObject.${member}`));
    return [{ source: config[member], destination, readOnly: true }];
  });
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
  return [...packages, ...registry, ...extra.map((mount) => ({ ...mount, readOnly: true }))];
}

/** Asks the schema of our own description, and blames upstream's member. */
function check<Member extends keyof AppInput>(member: string, ours: Member, value: AppInput[Member]): AppInput[Member] {
  const result = appSchema.shape[ours].safeParse(value);
  if (result.success) return value;
  throw invalid(member, result.error.issues[0]?.message ?? 'is wrong', 'correct it and run the app again');
}

const invalid = (member: string, why: string, next: string): RuntimeError =>
  new RuntimeError('INVALID_ARGUMENT', { what: `runtimeConfigObject.${member} ${why}`, next, details: { member } });
