/** Apps of many kinds, and what becomes of them: for the golden files and the measurements. */
import { appSchema, type AppInput } from '../../src/domain/app.ts';
import { RuntimeError } from '../../src/domain/errors.ts';
import type { RootFilesystem } from '../../src/domain/rootfs.ts';
import { runtimeConfigSchema } from '../../src/domain/runtime-config.ts';
import { forOurEngine } from '../../src/manager/operations/order.ts';
import { describeApp, type Described } from '../../src/spec/described.ts';
import { dobbySpec, type TracedDobbySpec } from '../../src/spec/dobby/spec.ts';
import { fromRuntimeConfig } from '../../src/spec/from-runtime-config.ts';
import { tracedOciConfig, type TracedOciConfig } from '../../src/spec/oci-config.ts';
import { BUILT_IN, NO_PLATFORM, type Platform } from '../../src/spec/platform/platform.ts';
import type { Ralf } from '../../src/spec/ralf/app.ts';

export type SpecApp = {
  readonly app?: AppInput;
  readonly runtimeConfig?: Readonly<Record<string, unknown>>;
  readonly ports?: readonly number[];
  readonly platform?: Platform;
  readonly present?: readonly string[];
  readonly ralf?: Ralf;
  readonly directories?: readonly string[];
  readonly rootfs?: RootFilesystem;
  readonly rialtoSocket?: string;
};

const HOST: RootFilesystem = {
  path: '/run/runtime-manager/rootfs/abc',
  bundle: null,
  binds: [
    { source: '/usr', destination: '/usr' },
    { source: '/etc/fonts', destination: '/etc/fonts' },
  ],
};

export const BUNDLE: RootFilesystem = {
  path: '/run/runtime-manager/rootfs/def',
  binds: [{ source: '/b/rootfs/bin', destination: '/bin' }],
  bundle: {
    args: ['/bin/app', '--fast'],
    env: ['PATH=/bin', 'A=bundle', 'APPLICATION_NAME=forged'],
    cwd: '/bin/..//bin/',
    hostname: 'its-own',
    annotations: { 'org.criu.config': '/tmp/evil' },
    mounts: [
      { destination: '/opt/data', type: 'bind', source: '/b/data', readOnly: true, options: ['noexec'] },
      { destination: '/var/tmp', type: 'tmpfs', source: 'tmpfs', readOnly: false, options: ['mode=700', 'size=1m'] },
    ],
  },
};

export const APP_ID = 'com.example.app';

export function describedOf(one: SpecApp): Described {
  const { app, runtimeConfig, ports, platform, present = [], directories = [], ralf } = one;
  if (app !== undefined) return describeApp(appSchema.parse(app), platform ?? NO_PLATFORM);
  const kinds = new Map(directories.map((path) => [path, 'directory' as const]));
  return fromRuntimeConfig(
    { runtimeConfig: runtimeConfigSchema.parse(runtimeConfig), ports },
    {
      appId: APP_ID,
      platform: platform ?? BUILT_IN,
      present: new Set(present),
      kinds,
      ...(ralf !== undefined && { ralf }),
    },
  );
}

export function ociOf(one: SpecApp): TracedOciConfig {
  const described = forOurEngine(describedOf(one));
  return tracedOciConfig({
    app: described.app,
    said: described.origins,
    rootfs: one.rootfs ?? HOST,
    identity: { uid: 30_001, gid: 30_001, rootHostUid: 230_001, rootHostGid: 230_001 },
    storage: `/var/lib/runtime-manager/apps/${APP_ID}`,
    inside: '/run/runtime-manager/inside/one',
    display: described.app.display?.required === true ? { socket: '/run/display/wst-one', inside: null } : null,
    cgroupsPath: '/runtime-manager/one',
    hostname: one.rootfs?.bundle?.hostname ?? APP_ID,
    architecture: 'x64',
    oomScoreAdj: 0,
    appId: APP_ID,
    appInstanceId: 'one',
    device: { cores: described.platform.cores, count: 4, countsSwap: true },
  });
}

export const dobbyOf = (one: SpecApp): TracedDobbySpec =>
  dobbySpec({
    described: describedOf(one),
    appId: APP_ID,
    appInstanceId: 'one',
    identity: { uid: 30_001, gid: 30_000 },
    storage: `/var/lib/runtime-manager/apps/${APP_ID}`,
    hasDisplay: one.runtimeConfig !== undefined || one.app?.display !== undefined,
    rialtoSocket: one.rialtoSocket ?? null,
    cores: 4,
  });

/** The result, or the refusal, as it is written into a file. */
export function textOf(make: () => object): string {
  try {
    return `${JSON.stringify(make(), null, 2)}\n`;
  } catch (error) {
    if (!(error instanceof RuntimeError) || error.code === 'INTERNAL') throw error;
    return `${JSON.stringify({ refused: error }, null, 2)}\n`;
  }
}
