/** App configuration → OCI runtime configuration. Pure: whoever calls it has looked at the machine. */
import type { App } from '../domain/app.ts';
import { RuntimeError } from '../domain/errors.ts';
import {
  DISPLAY_TOOLS_POINT,
  INIT_POINT,
  plainPath,
  type CommandQuery,
  type DeviceNode,
  type DisplaySocket,
  type RootFilesystem,
} from '../domain/rootfs.ts';
import { signalNumber, STOP_SIGNAL_ANNOTATION } from '../domain/signals.ts';
import { originIn } from './described.ts';
import { deviceMounts, deviceRules } from './devices.ts';
import { environment } from './environment.ts';
import { noteLimits, withCores, type Device } from './limit-origins.ts';
import { resources, rlimits } from './limits.ts';
import { MASKED_PATHS, mounts, READONLY_PATHS } from './mounts.ts';
import { idMappings, namespaces, type Identity } from './namespaces.ts';
import type { OciConfig, OciProcess } from './oci-types.ts';
import { DEFAULT, from, leased, Origins, type Origin } from './origins.ts';
import { NO_PLATFORM } from './platform/platform.ts';
import { seccomp, type Architecture } from './seccomp.ts';

export type OciConfigInput = {
  readonly app: App;
  readonly rootfs: RootFilesystem;
  readonly identity: Identity;
  /** Host path of the app's private directory. */
  readonly storage: string;
  /** Host directory with `init`, a statically linked tini: as pid 1 it reaps orphans and hands signals on. */
  readonly inside: string;
  /** Null: the app has no display. */
  readonly display: DisplaySocket | null;
  readonly cgroupsPath: string;
  readonly hostname: string;
  readonly architecture: Architecture;
  /** oom_score_adj of proc(5): the daemon's own protection from the OOM killer is not for apps. */
  readonly oomScoreAdj: number;
  readonly appId: string;
  readonly appInstanceId: string;
  /** Who said what of `app`; the caller everything when absent. */
  readonly said?: Origins;
  /** Nothing is kept from the app when absent. */
  readonly device?: Device;
  /** Those of the app's `devices` that are there. */
  readonly nodes?: readonly DeviceNode[];
  /** The app's `groups` by number. */
  readonly groups?: readonly number[];
};

export type TracedOciConfig = { readonly config: OciConfig; readonly origins: Origins };
type Order = Required<OciConfigInput> & { readonly trace: Origins };

const ANY_DEVICE: Device = { cores: NO_PLATFORM.cores, count: 0, countsSwap: true };

/** 1.1.0 has all that is used here; runc 1.1 to 1.3 and crun take it. */
const OCI_VERSION = '1.1.0';
const NO_CAPABILITIES = { bounding: [], effective: [], inheritable: [], permitted: [], ambient: [] } as const;

/** Throws INVALID_ARGUMENT when there is no command, a mount cannot be, or the identity is root's. */
export const ociConfig = (input: OciConfigInput): OciConfig => tracedOciConfig(input).config;

/** The same, and which layer set which field. */
export function tracedOciConfig(input: OciConfigInput): TracedOciConfig {
  const trace = new Origins();
  const order: Order = { said: new Origins(), device: ANY_DEVICE, nodes: [], groups: [], ...input, trace };
  const { app, rootfs, identity, cgroupsPath, hostname, architecture, appId, appInstanceId, said, device } = order;
  const { nodes } = order;
  const groups = order.groups.filter((id) => id !== identity.gid);
  const bounds = withCores(resources(app.limits, device.countsSwap), app, { said, device, trace });
  refuseRoot(identity);
  noteOrigins(order);
  const config: OciConfig = {
    ociVersion: OCI_VERSION,
    process: processOf({ ...order, groups }),
    root: { path: rootfs.path, readonly: true },
    hostname,
    mounts: [
      ...mounts({ ...order, ...(device.defaults !== undefined && { defaults: device.defaults }) }),
      ...deviceMounts(nodes),
    ],
    annotations: {
      ...keptAnnotations(order),
      'io.runtime-manager.app': appId,
      'io.runtime-manager.instance': appInstanceId,
    },
    linux: {
      namespaces: namespaces(app.network),
      ...idMappings(identity, groups),
      cgroupsPath,
      resources: { ...bounds, devices: [...bounds.devices, ...deviceRules(nodes)] },
      seccomp: seccomp(architecture),
      maskedPaths: MASKED_PATHS,
      readonlyPaths: READONLY_PATHS,
    },
  };
  noteLimits(app, said, trace);
  return { config, origins: trace };
}

/** A bundle's own annotations stay out, as some are orders to the runtime or to CRIU; but how it wants to end is for us. */
function keptAnnotations({ rootfs: { bundle }, trace }: Order): Readonly<Record<string, string>> {
  const stop = bundle?.annotations[STOP_SIGNAL_ANNOTATION];
  if (stop === undefined || signalNumber(stop) === undefined) return {};
  trace.set(`annotations.${STOP_SIGNAL_ANNOTATION}`, from('package', 'stop signal'));
  return { [STOP_SIGNAL_ANNOTATION]: stop };
}

/** Of what is not noted where it is made. */
function noteOrigins({ app, rootfs: { bundle }, said, trace, nodes }: Order): void {
  const ofPackage = (member: string, is: boolean) => (is ? from('package', member) : DEFAULT);
  trace.set('root.path', from('package', 'root file system'));
  trace.set('hostname', ofPackage('hostname', bundle?.hostname !== undefined));
  trace.set('process.terminal', originIn({ app, origins: said }, 'terminal'));
  trace.set('process.user', leased('user id'));
  trace.set('linux.uidMappings', leased('user id'));
  trace.set('linux.gidMappings', leased('user id'));
  for (const { path } of nodes) trace.set(`mounts[${path}]`, deviceOrigin(said, app, path));
  trace.set('process.user.additionalGids', originIn({ app, origins: said }, 'groups'));
  trace.set('linux.cgroupsPath', leased('container'));
  for (const name of ['app', 'instance']) trace.set(`annotations.io.runtime-manager.${name}`, leased('container'));
}

/** Of a node, or of the directory that it lies in. */
function deviceOrigin(said: Origins, app: App, path: string): Origin {
  const asked = app.devices?.find((one) => one === path || path.startsWith(`${one}/`)) ?? path;
  return said.find(`devices[${asked}]`) ?? originIn({ app, origins: said }, 'devices');
}

function processOf(order: Order): OciProcess {
  const { app, rootfs, identity, oomScoreAdj, said, trace, groups } = order;
  const { bundle } = rootfs;
  const origin = (member: string) => originIn({ app, origins: said }, member);
  const cwd = trace.choose('process.cwd', [
    [app.cwd, origin('cwd')],
    [bundle?.cwd, from('package', 'process.cwd')],
    ['/', DEFAULT],
  ]);
  const args = trace.choose('process.args', [
    [app.args, origin('args')],
    [bundle?.args, from('package', 'process.args')],
  ]);
  for (const index of [0, 1]) trace.set(`process.args[${index}]`, DEFAULT);
  const launching = launcher(order.display);
  for (const index of launching.keys()) trace.set(`process.args[${INIT_WORDS + index}]`, leased('display'));
  return {
    terminal: app.terminal,
    user: { uid: identity.uid, gid: identity.gid, ...(groups.length > 0 && { additionalGids: groups }) },
    args: [INIT_POINT, '--', ...launching, ...requireCommand(args)],
    env: environment({ ...order, bundleEnv: bundle?.env ?? [] }),
    cwd: plainPath(cwd ?? '/'),
    capabilities: NO_CAPABILITIES,
    noNewPrivileges: true,
    rlimits: rlimits(app.limits),
    oomScoreAdj,
  };
}

/** Brings up the compositor and becomes the command that follows (scripts/setup/with-display.sh); it needs no shell of the app's. */
function launcher(display: DisplaySocket | null): readonly string[] {
  if (display === null || display.inside === null) return [];
  const { loader } = display.inside;
  const [point, lib] = [DISPLAY_TOOLS_POINT, `${DISPLAY_TOOLS_POINT}/lib`];
  return [`${lib}/${loader}`, '--library-path', lib, `${point}/bin/dash`, `${point}/with-display.sh`, loader];
}

/** Of the launcher, in a command line that begins with it. */
const LAUNCHER_WORDS = 6;
const INIT_WORDS = 2;

function ownCommand(args: readonly string[]): string {
  const hasLauncher = args[INIT_WORDS]?.startsWith(`${DISPLAY_TOOLS_POINT}/`) === true;
  return args[hasLauncher ? INIT_WORDS + LAUNCHER_WORDS : INIT_WORDS] ?? '';
}

function requireCommand(args: readonly string[] = []): readonly string[] {
  if (args[0] !== undefined && args[0] !== '') return args;
  throw new RuntimeError('INVALID_ARGUMENT', {
    what: 'there is no command to run',
    next: 'give it in args (runtimectl run … -- COMMAND), or in process.args of the bundle',
  });
}

/** A fault of the caller's, and one that must never reach the kernel. */
function refuseRoot({ uid, gid, rootHostUid, rootHostGid }: Identity): void {
  if ([uid, gid, rootHostUid, rootHostGid].includes(0) || uid === rootHostUid || gid === rootHostGid) {
    throw new RuntimeError('INVALID_ARGUMENT', {
      what: `an app cannot run as uid ${uid}, gid ${gid} with uid ${rootHostUid}, gid ${rootHostGid} as its container's root`,
      next: 'give it ids of its own: not 0, and not those of the container root',
    });
  }
}

/** The question whether this configuration's command can be run, for RootFilesystems.findCommand. */
export function commandQuery(config: OciConfig): CommandQuery {
  const { process: started, root, mounts: all } = config;
  return {
    root: root.path,
    binds: all.filter(({ type }) => type === 'bind').map(({ source, destination }) => ({ source, destination })),
    opaque: all.filter(({ type }) => type !== 'bind').map(({ destination }) => destination),
    command: ownCommand(started.args),
    cwd: started.cwd,
    searchPath: started.env.find((line) => line.startsWith('PATH='))?.slice('PATH='.length) ?? '',
    uid: started.user.uid,
    gid: started.user.gid,
  };
}
