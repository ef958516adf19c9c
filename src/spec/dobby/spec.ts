/**
 * App → Dobby spec 1.1: every field that upstream's DobbySpecGenerator sets, those it left as TODO, and nothing that makes
 * Dobby's daemon crash, hang or start an app twice (facts/thunder.md §5.3, facts/dobby.md §5).
 */
import { RuntimeError } from '../../domain/errors.ts';
import { plainPath } from '../../domain/rootfs.ts';
import { originIn } from '../described.ts';
import { DEFAULT, from, leased, Origins } from '../origins.ts';
import { mergeOverlays } from '../overlay.ts';
import { wantsRialto } from '../rdk-environment.ts';
import { dobbyEnvironment } from './environment.ts';
import { dobbyMounts } from './mounts.ts';
import type { DobbyInput, DobbyOrder } from './order.ts';
import { legacyPlugins, rdkPlugins } from './plugins.ts';
import { refuseForDobby } from './refusals.ts';
import type { DobbySpec } from './schema.ts';

export type TracedDobbySpec = { readonly spec: DobbySpec; readonly origins: Origins };

/** Dobby's own limit of `cpu.cores`. */
const MOST_CORES = 8;
const HOSTS = ['127.0.0.1\tlocalhost'];
const SERVICES = [
  'ftp\t\t21/tcp',
  'domain\t\t53/tcp',
  'domain\t\t53/udp',
  'http\t\t80/tcp\t\twww',
  'http\t\t80/udp',
  'ntp\t\t123/udp',
  'https\t\t443/tcp',
  'https\t\t443/udp',
];
const NETWORKS = { none: 'private', nat: 'nat', host: 'open' } as const;

/** Throws NOT_SUPPORTED for what a Dobby spec cannot say, INVALID_ARGUMENT for what it must and is not there. */
export function dobbySpec(input: DobbyInput): TracedDobbySpec {
  const { described, identity } = input;
  const { app, rdk, platform } = described;
  const origins = new Origins();
  const rialto = rdk !== null && wantsRialto(platform.rialto, rdk.capabilities);
  const order: DobbyOrder = { ...input, origins, wantsRialto: rialto };
  refuseForDobby(order);
  origins.set('args', originIn(described, 'args'));
  origins.set('cwd', originIn(described, 'cwd'));
  origins.set('user', leased('user id'));
  origins.set('network', originIn(described, 'network'));
  const spec: DobbySpec = {
    version: '1.1',
    args: [...(app.args ?? [])],
    // without one Dobby cannot make the container
    cwd: plainPath(app.cwd ?? '/'),
    env: dobbyEnvironment(order),
    user: { ...identity },
    memLimit: memoryOf(order),
    ...cpuOf(order),
    ...gpuOf(order),
    vpu: vpuOf(order),
    ...dbusOf(order),
    ...consoleOf(order),
    network: NETWORKS[app.network],
    etc: etcOf(order),
    mounts: dobbyMounts(order),
    restartOnCrash: false,
    plugins: legacyPlugins(order),
    rdkPlugins: rdkPlugins(order),
  };
  return { spec: mergeOverlays(spec, rdk?.capabilities.overlays ?? [], origins), origins };
}

function memoryOf({ described, origins }: DobbyOrder): number {
  const { app, platform, rdk } = described;
  const fallback = rdk === null && platform.memory.value > 0 ? platform.memory.value : undefined;
  const bytes = origins.choose('memLimit', [
    [app.limits.memoryBytes, originIn(described, 'limits.memoryBytes')],
    [fallback, platform.memory.origin],
  ]);
  if (bytes !== undefined) return bytes;
  throw new RuntimeError('INVALID_ARGUMENT', {
    what: `${rdk === null ? 'app.limits.memoryBytes' : 'runtimeConfigObject.systemMemoryLimit'} is missing: Dobby runs nothing without a memory limit`,
    next: `give it, or set apps.limits.memory.defaultLimitBytes in the platform configuration${rdk === null ? '' : ' (for the appType INTERACTIVE)'}`,
    details: { member: rdk === null ? 'limits.memoryBytes' : 'systemMemoryLimit' },
  });
}

function cpuOf({ described: { platform }, cores, origins }: DobbyOrder): Pick<DobbySpec, 'cpu'> {
  const there = Array.from({ length: cores }, (_, core) => core);
  const wanted = platform.cores.value;
  const chosen = wanted === null ? there : there.filter((core) => wanted.includes(core));
  origins.set('cpu', wanted === null ? DEFAULT : platform.cores.origin);
  // of none that is there upstream makes all
  const some = chosen.length === 0 ? there : chosen;
  return some.length > MOST_CORES && wanted === null ? {} : { cpu: { cores: some.slice(0, MOST_CORES).join(',') } };
}

/** As upstream: a GPU only where there is a display. */
function gpuOf({ described: { rdk, platform }, hasDisplay, origins }: DobbyOrder): Pick<DobbySpec, 'gpu'> {
  if (!hasDisplay) return {};
  const asked = rdk?.runtimeConfig.gpuMemoryLimit ?? 0;
  const isInteractive = rdk === null || rdk.runtimeConfig.appType === 'INTERACTIVE';
  origins.set('gpu.enable', leased('display'));
  const memLimit = origins.choose('gpu.memLimit', [
    [asked > 0 ? asked : undefined, from('caller', 'runtimeConfigObject.gpuMemoryLimit')],
    [isInteractive ? platform.gpuMemory.value : undefined, platform.gpuMemory.origin],
  ]);
  return { gpu: { enable: true, memLimit: memLimit ?? 0 } };
}

function vpuOf({ described: { rdk, platform }, appId, wantsRialto: rialto, origins }: DobbyOrder): DobbySpec['vpu'] {
  const isListed = platform.vpuBlacklist.value.includes(appId);
  const isSystem = rdk?.runtimeConfig.appType === 'SYSTEM';
  if (isListed) origins.set('vpu', platform.vpuBlacklist.origin);
  else if (isSystem) origins.set('vpu', from('caller', 'runtimeConfigObject.appType'));
  return { enable: rdk !== null && !rialto && !isSystem && !isListed };
}

function dbusOf({ described: { platform }, appId, origins }: DobbyOrder): Pick<DobbySpec, 'dbus'> {
  if (!platform.dbusApps.value.includes(appId)) return {};
  origins.set('dbus', platform.dbusApps.origin);
  return { dbus: { system: 'system' } };
}

function consoleOf({ described: { rdk, platform }, origins }: DobbyOrder): Pick<DobbySpec, 'console'> {
  const { logFilePath: path, logFileMaxSize } = rdk?.runtimeConfig ?? { logFilePath: '', logFileMaxSize: 0 };
  if (path === '') return {};
  origins.set('console.path', from('caller', 'runtimeConfigObject.logFilePath'));
  const limit = origins.choose('console.limit', [
    [logFileMaxSize > 0 ? logFileMaxSize : undefined, from('caller', 'runtimeConfigObject.logFileMaxSize')],
    [platform.consoleLogBytes.value, platform.consoleLogBytes.origin],
  ]);
  return { console: { path, limit: limit ?? 0 } };
}

function etcOf({ described: { rdk, platform }, origins }: DobbyOrder): DobbySpec['etc'] {
  const wantsMapi = rdk !== null && (rdk.runtimeConfig.mapi || rdk.capabilities.has('mapi'));
  const mapi = wantsMapi ? platform.mapiPorts.value.map((port) => `mapi\t\t${port}/tcp`) : [];
  for (const index of mapi.keys()) origins.set(`etc.services[${SERVICES.length + index}]`, platform.mapiPorts.origin);
  if (platform.preloads.value.length > 0) origins.set('etc.ld-preload', platform.preloads.origin);
  return { hosts: HOSTS, services: [...SERVICES, ...mapi], 'ld-preload': [...platform.preloads.value] };
}
