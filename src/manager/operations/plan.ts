/**
 * From the caller's description to a container: looking and thinking, and nothing is taken or changed for the app yet but the hold
 * on its package, which is `packages.release`d.
 */
import { containerIdFor, type ContainerId } from '../../domain/ids.ts';
import type { HeldPackage } from '../../ports/packages.ts';
import { commandQuery, tracedOciConfig, type TracedOciConfig } from '../../spec/oci-config.ts';
import type { OciConfig } from '../../spec/oci-types.ts';
import type { Limits } from '../../domain/limits.ts';
import { dobbySpec, type TracedDobbySpec } from '../../spec/dobby/spec.ts';
import { notesOfLimits, withDefaults } from '../../spec/defaults.ts';
import type { Described } from '../../spec/described.ts';
import { effectiveLimits, startLimits } from '../../spec/limits.ts';
import { Origins } from '../../spec/origins.ts';
import type { App } from '../../domain/app.ts';
import { plainPath } from '../../domain/rootfs.ts';
import type { World } from '../world.ts';
import { devicesOf } from './app-devices.ts';
import { placeOfDisplay } from './displays.ts';
import { describe, platformFor, type RunOrder } from './order.ts';

/** A host name has at most 64 characters (uname(2)). */
const MAX_HOSTNAME_LENGTH = 64;

type Planning = {
  readonly uid: number;
  readonly gid: number;
  /** Of the package; the instance's own container when absent. */
  readonly holder?: ContainerId;
  /** Stops the wait for a package that is being made ready. */
  readonly signal: AbortSignal;
};

/** What the engine is told to start: in its own format. */
export type Planned = {
  readonly config: object;
  readonly limits: Limits;
  /** With what the package and the device add to it. */
  readonly app: App;
  /** For the caller: what is left out, and what has no limit. */
  readonly notes: readonly string[];
};

/** Throws as {@link planContainer}, or as {@link dobbySpec} and {@link Engine.check}; ENGINE_UNAVAILABLE. */
export async function planRun(world: World, order: RunOrder, planning: Planning): Promise<Planned> {
  if ((await world.engine.format()) === 'oci') {
    const { config, app, notes } = await planTraced(world, order, planning);
    return { config, limits: startLimits(config), app, notes };
  }
  const described = await describe(world, order.appId, order);
  const { spec } = await planDobby(world, { described, order, planning });
  const notes = (await world.engine.check?.(spec)) ?? [];
  return { config: spec, limits: effectiveLimits(order.app.limits), app: order.app, notes };
}

type DobbyPlanning = {
  readonly described: Described;
  readonly order: Pick<RunOrder, 'appId' | 'appInstanceId'>;
  readonly planning: Pick<Planning, 'uid' | 'gid'>;
};

/** Throws as {@link dobbySpec}. */
export async function planDobby(world: World, { described, order, planning }: DobbyPlanning): Promise<TracedDobbySpec> {
  const { appId, appInstanceId } = order;
  const { uid, gid } = planning;
  return dobbySpec({
    ...{ described, appId, appInstanceId, identity: { uid, gid }, rialtoSocket: null },
    storage: await world.storage.locate({ appId, uid, gid }),
    hasDisplay: described.app.display !== null,
    cores: world.settings.cores,
  });
}

/** The container's configuration. Throws BUNDLE_INVALID, COMMAND_NOT_FOUND, INVALID_ARGUMENT, DISPLAY_FAILED, NEIGHBOUR_FAILED. */
export const planContainer = async (world: World, order: RunOrder, planning: Planning): Promise<OciConfig> =>
  (await planTraced(world, order, planning)).config;

export type TracedPlan = TracedOciConfig & Pick<Planned, 'app' | 'notes'>;

/** The same, and which layer set which field. */
export async function planTraced(world: World, order: RunOrder, planning: Planning): Promise<TracedPlan> {
  const { rootfs, storage, insides, engine, settings } = world;
  const { appId, appInstanceId, said = new Origins(), upstream } = order;
  const { uid, gid } = planning;
  const asked = withResolver(world, order.app);
  const hostname = appId.slice(0, MAX_HOSTNAME_LENGTH).replaceAll(/[^A-Za-z0-9.-]/g, '-');
  const display = placeOfDisplay(world, order);
  const directory = await storage.locate({ appId, uid, gid });
  const held = await holdPackage(world, order, planning);
  const opened = await rootfs.open({
    rootfs: asked.rootfs,
    held,
    mounts: asked.mounts,
    tmpfs: asked.tmpfs,
    uid,
    gid,
    hostname,
  });
  const { bundle } = opened;
  const { appDefaults: defaults, countsSwap } = settings;
  const app = order.isComplete ? asked : withDefaults(asked, { bundle, defaults, countsSwap, said });
  const { nodes, groups, found, notes: absent } = await devicesOf(world, app, said);
  const traced = tracedOciConfig({
    app,
    ...{ nodes, groups },
    rootfs: opened,
    identity: { uid, gid, rootHostUid: uid + settings.rootIdOffset, rootHostGid: gid + settings.rootIdOffset },
    storage: directory,
    display,
    inside: insides.pathOf(containerIdFor(appInstanceId)),
    cgroupsPath: engine.cgroupsPath(containerIdFor(appInstanceId)),
    hostname: opened.bundle?.hostname ?? hostname,
    architecture: settings.architecture,
    oomScoreAdj: settings.oomScoreAdj,
    appId,
    appInstanceId,
    said,
    device: { cores: platformFor(world, upstream).cores, count: settings.cores, countsSwap, defaults },
  });
  await rootfs.findCommand(commandQuery(traced.config));
  const left = [...(bundle?.notes ?? []).map((note) => `bundle: ${note} is left out`), ...(bundle?.ignored ?? [])];
  // the resolver's mount is of this start, not of the description
  return {
    ...traced,
    app: { ...app, ...found, mounts: order.app.mounts },
    notes: [...left, ...absent, ...notesOfLimits(app, defaults)],
  };
}

async function holdPackage(
  { packages }: World,
  { app, appInstanceId }: RunOrder,
  { holder = containerIdFor(appInstanceId), signal }: Planning,
): Promise<HeldPackage | null> {
  const { rootfs } = app;
  if (!('image' in rootfs) && !('layers' in rootfs)) return null;
  return packages.hold(holder, rootfs, signal);
}

const RESOLVER_POINT = '/etc/resolv.conf';

/** An app that brings its own keeps it. */
function withResolver({ networks }: World, app: App): App {
  const source = networks.machine.resolverFor(app.network);
  if (source === null || app.mounts.some(({ destination }) => plainPath(destination) === RESOLVER_POINT)) return app;
  return { ...app, mounts: [...app.mounts, { source, destination: RESOLVER_POINT, readOnly: true }] };
}
