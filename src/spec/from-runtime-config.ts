/** RDK's `run` parameters → our own description of an app, as upstream's DobbySpecGenerator reads them. */
import { appSchema, type App, type AppInput } from '../domain/app.ts';
import { RuntimeError } from '../domain/errors.ts';
import { textList, type RuntimeConfig } from '../domain/runtime-config.ts';
import { notSupported } from './unsupported.ts';
import { windowCapabilities } from './window-capabilities.ts';

export type UpstreamRun = {
  readonly runtimeConfig: RuntimeConfig;
  readonly ports?: readonly number[] | undefined;
  readonly paths?: readonly string[] | undefined;
  readonly debugSettings?: readonly string[] | undefined;
};

/** `ignored`: members with a value that changes nothing, for the log. */
export type Translation = { readonly app: App; readonly ignored: readonly string[] };

/** A row goes when its feature comes. The value asks for something when it is neither false, 0 (or less) nor empty. */
const REFUSED: Partial<Record<keyof RuntimeConfig, string>> = {
  dial: 'set it to false: there is no DIAL server',
  thunder: 'set it to false: the app cannot reach Thunder yet',
  gpuMemoryLimit: 'set it to 0: the app has no GPU yet',
  mapi: 'set it to false: there are no mapi ports',
  fkpsFiles: 'leave it empty: no DRM files are handed to apps',
  capabilities: 'leave it empty: app capabilities are not read yet',
  ralfPkgPath: 'leave it empty and unpack the package: give its directory as appPath',
  unpackedPath: 'leave it empty: private data images are not mounted yet',
};

/**
 * Upstream takes these and does nothing with them. Its generator never reads the first five (and `paths`, `debugSettings`,
 * `ports`: only in dead code); the rest belongs to parts that are not there: DIAL, EthanLog, the VPU, debug consoles.
 * Source: facts/thunder.md §5.3.
 */
const IGNORED: readonly (keyof RuntimeConfig)[] = [
  'dataImageSize',
  'resourceManagerClientEnabled',
  'fireboltVersion',
  'enableDebugger',
  'appType',
  'dialId',
  'logFilePath',
  'logFileMaxSize',
  'logLevels',
];

const asksForSomething = (value: string | number | boolean): boolean =>
  typeof value === 'string' ? value !== '' && value !== '[]' : Number(value) > 0;

/**
 * userId and groupId are not looked at: ids are the manager's. Throws NOT_SUPPORTED naming the member, INVALID_ARGUMENT.
 */
export function fromRuntimeConfig({ runtimeConfig, ports, paths, debugSettings }: UpstreamRun): Translation {
  for (const [member, next] of Object.entries(REFUSED)) {
    if (asksForSomething(runtimeConfig[member as keyof RuntimeConfig])) {
      throw notSupported(`runtimeConfigObject.${member}`, next);
    }
  }
  const lists = { ports, paths, debugSettings };
  return {
    app: appOf(runtimeConfig),
    ignored: [
      ...Object.entries(lists).flatMap(([name, list]) => (list !== undefined && list.length > 0 ? [name] : [])),
      ...IGNORED.filter((member) => asksForSomething(runtimeConfig[member])),
    ],
  };
}

function appOf(config: RuntimeConfig): App {
  const { command, appPath, runtimePath, envVariables, systemMemoryLimit, wanLanAccess, capabilities } = config;
  if (command === '') throw invalid('command', 'is empty', 'name the program in the package to run');
  if (appPath === '' && runtimePath === '') {
    throw invalid('appPath', 'is empty, and runtimePath too', 'give the directory of the package');
  }
  const packages = [
    { source: appPath, destination: '/package', member: 'appPath' },
    { source: runtimePath, destination: '/runtime', member: 'runtimePath' },
  ].filter(({ source }) => source !== '');
  for (const { source, member } of packages) check(member, 'mounts', [{ source, destination: '/x' }]);
  if (systemMemoryLimit > 0) check('systemMemoryLimit', 'limits', { memoryBytes: systemMemoryLimit });
  return appSchema.parse({
    rootfs: { host: true },
    // The whole text is the program's name: upstream splits nothing.
    args: [`${runtimePath === '' ? '/package' : '/runtime'}/${command}`],
    ...(appPath !== '' && { cwd: '/package' }),
    env: check('envVariables', 'env', variables(envVariables)),
    // upstream's words for the two are nat and private
    network: wanLanAccess ? 'nat' : 'none',
    // Upstream makes one for every app, whether it draws or not.
    display: { capabilities: [...windowCapabilities(capabilities)], required: false },
    limits: systemMemoryLimit > 0 ? { memoryBytes: systemMemoryLimit } : {},
    mounts: packages.map(({ source, destination }) => ({ source, destination, readOnly: true })),
  } satisfies AppInput);
}

/** Of two lines for one variable the later wins. */
function variables(list: string): Record<string, string> {
  return Object.fromEntries(
    textList(list).map((line) => {
      const end = line.indexOf('=');
      if (end > 0) return [line.slice(0, end), line.slice(end + 1)];
      throw invalid('envVariables', `has ${JSON.stringify(line)}`, 'write every variable as NAME=value');
    }),
  );
}

/** Asks the schema of our own description, and blames upstream's member. */
function check<Member extends keyof AppInput>(member: string, ours: Member, value: AppInput[Member]): AppInput[Member] {
  const result = appSchema.shape[ours].safeParse(value);
  if (result.success) return value;
  throw invalid(member, result.error.issues[0]?.message ?? 'is wrong', 'correct it and run the app again');
}

const invalid = (member: string, why: string, next: string): RuntimeError =>
  new RuntimeError('INVALID_ARGUMENT', { what: `runtimeConfigObject.${member} ${why}`, next, details: { member } });
