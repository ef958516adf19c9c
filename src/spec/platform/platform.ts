/** The device as specifications need it: keys of RDK's two forms brought together, and what holds without a file. */
import { RuntimeError } from '../../domain/errors.ts';
import { faultsOf } from '../../domain/faults.ts';
import { from, type Origin } from '../origins.ts';
import { coresOf } from './cores.ts';
import { platformSchema, type GRANTS, type PlatformFile, type PlatformInput } from './schema.ts';

export type Grant = (typeof GRANTS)[number];

/** A value with the key that it has in the file. */
export type Setting<Value> = { readonly value: Value; readonly origin: Origin };

type Nodes = { readonly devNodes: readonly string[]; readonly groupIds: readonly string[] };

export type Platform = {
  /** Bytes; 0: none. */
  readonly memory: Setting<number>;
  readonly gpuMemory: Setting<number>;
  readonly consoleLogBytes: Setting<number>;
  /** Null: every core. */
  readonly cores: Setting<readonly number[] | null>;
  readonly ion: Setting<{ readonly defaultLimit: number; readonly heaps: Readonly<Record<string, number>> }>;
  readonly ipv6: Setting<boolean>;
  readonly resourceManager: Setting<boolean>;
  /** Null: not shown to apps. */
  readonly gstreamerRegistry: Setting<string | null>;
  readonly logLevels: Setting<readonly string[]>;
  readonly mapiPorts: Setting<readonly number[]>;
  readonly dbusApps: Setting<readonly string[]>;
  readonly vpuBlacklist: Setting<readonly string[]>;
  readonly preloads: Setting<readonly string[]>;
  readonly env: Setting<readonly string[]>;
  readonly dial: Setting<{ readonly port: number; readonly prefix: string; readonly usn: string }>;
  readonly rialto: 'on' | 'off' | 'by capability';
  readonly gpu: Setting<Nodes>;
  readonly vpu: Setting<Nodes>;
  readonly ralf: Setting<Readonly<Record<'baseSpec' | 'gpuLayer' | 'zoneInfo' | 'localtime' | 'timezone', string>>>;
  readonly allow: readonly Grant[];
  readonly mountSources: readonly string[];
};

const MIB = 2 ** 20;

/** What upstream takes when there is no file; other than that of a file without a key, and meant so. */
export const BUILT_IN_FILE: PlatformInput = {
  apps: {
    limits: {
      memory: { defaultLimitBytes: 200 * MIB },
      gpumem: { defaultLimitBytes: 64 * MIB },
      consoleLogBytes: MIB,
      cpuset: 0xff,
      ion: { defaultLimitBytes: 256 * MIB },
    },
    extraEnvVars: [
      'WESTEROS_SINK_AMLOGIC_USE_DMABUF=1',
      'WESTEROS_GL_USE_AMLOGIC_AVSYNC=1',
      'WESTEROS_SINK_USE_FREERUN=1',
      'WESTEROS_GL_MODE=3840x2160x60',
      'WESTEROS_GL_GRAPHICS_MAX_SIZE=1920x1080',
      'WESTEROS_GL_USE_REFRESH_LOCK=1',
    ],
  },
  dial: { server: { port: 8009 } },
};

/** Where RDK's words are spoken without a file. */
export const BUILT_IN: Platform = platformOf(platformSchema.parse(BUILT_IN_FILE), ' (built in)');
/** For our own descriptions without a file: nobody asked for RDK's values. */
export const NO_PLATFORM: Platform = platformOf(platformSchema.parse({}));

/** `file`: for the words of errors. Throws INVALID_ARGUMENT that names each bad member with its line. */
export async function readPlatform(text: string, file: string): Promise<Platform> {
  const { readSource, wrongMembers } = await import('../../domain/document.ts');
  const words = {
    what: `the platform configuration ${file} cannot be used`,
    next: 'correct it (docs/configuration.md)',
  };
  let source;
  try {
    source = readSource(text);
  } catch (cause) {
    throw new RuntimeError('INVALID_ARGUMENT', { ...words, details: { file }, cause });
  }
  const result = platformSchema.safeParse(source.value ?? {});
  if (result.success) return platformOf(result.data);
  throw wrongMembers({ file, ...words, faults: faultsOf(result.error), source });
}

/** The flat keys win, as upstream reads the YAML file last. */
export function platformOf(file: PlatformFile, suffix = ''): Platform {
  const { apps, dial } = file;
  const { limits } = apps;
  const at = <Value>(key: string, value: Value): Setting<Value> => ({
    value,
    origin: from('platform', `${key}${suffix}`),
  });
  const either = <Value>(flat: keyof PlatformFile, own: Value | undefined, nested: Setting<Value>): Setting<Value> =>
    own === undefined ? nested : at(flat, own);
  const memory = at('apps.limits.memory.defaultLimitBytes', limits.memory.defaultLimitBytes);
  const gpuMemory = at('apps.limits.gpumem.defaultLimitBytes', limits.gpumem.defaultLimitBytes);
  const ionKey = file.ionDefaultQuota === undefined ? 'apps.limits.ion' : 'ionDefaultQuota';
  return {
    memory: either('memoryLimit', file.memoryLimit, memory),
    gpuMemory: either('gpuMemoryLimit', file.gpuMemoryLimit, gpuMemory),
    consoleLogBytes: at('apps.limits.consoleLogBytes', limits.consoleLogBytes),
    cores: at('apps.limits.cpuset', coresOf(limits.cpuset)),
    ion: at(ionKey, {
      defaultLimit: file.ionDefaultQuota ?? limits.ion.defaultLimitBytes,
      heaps: limits.ion.heapsLimitBytes,
    }),
    ipv6: at('apps.enableIPv6', apps.enableIPv6),
    resourceManager: at('apps.essosResourceManager.enableClient', apps.essosResourceManager.enableClient),
    gstreamerRegistry: at(
      'apps.gstreamer.registryEnabled',
      apps.gstreamer.registryEnabled ? apps.gstreamer.registryFile : null,
    ),
    logLevels: at('apps.defaultAllowedLogLevels', apps.defaultAllowedLogLevels),
    mapiPorts: at('apps.mapi.ports', apps.mapi.ports),
    dbusApps: at('apps.requireDBus', apps.requireDBus),
    vpuBlacklist: at('apps.vpuAccessBlacklist', apps.vpuAccessBlacklist),
    gpu: at('gpu', file.gpu),
    vpu: at('vpu', file.vpu),
    preloads: at(file.preloads === undefined ? 'ldPreload' : 'preloads', joined(file.ldPreload, file.preloads)),
    env: at(
      file.envVariables === undefined ? 'apps.extraEnvVars' : 'envVariables',
      joined(apps.extraEnvVars, file.envVariables),
    ),
    dial: at('dial', { port: dial.server.port, prefix: dial.server.prefix, usn: dial.usn }),
    rialto: rialtoOf(file.rialto?.override ?? apps.rialto?.override),
    ralf: at('ralf', file.ralf),
    allow: apps.overlays.allow,
    mountSources: apps.overlays.mountSources,
  };
}

/** Appended, twice the same only once. */
function joined(nested: readonly string[], flat: readonly string[] = []): readonly string[] {
  return [...new Set([...nested, ...flat])];
}

function rialtoOf(override: string | undefined): Platform['rialto'] {
  if (override === 'forceOn') return 'on';
  return override === 'forceOff' ? 'off' : 'by capability';
}
