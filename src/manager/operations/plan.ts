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
import type { Described } from '../../spec/described.ts';
import { effectiveLimits, startLimits } from '../../spec/limits.ts';
import type { App } from '../../domain/app.ts';
import { plainPath } from '../../domain/rootfs.ts';
import type { World } from '../world.ts';
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
export type Planned = { readonly config: object; readonly limits: Limits };

/** Throws as {@link planContainer}, or as {@link dobbySpec}; ENGINE_UNAVAILABLE. */
export async function planRun(world: World, order: RunOrder, planning: Planning): Promise<Planned> {
  if ((await world.engine.format()) === 'oci') {
    const config = await planContainer(world, order, planning);
    return { config, limits: startLimits(config) };
  }
  const described = await describe(world, order.appId, order);
  const { spec } = await planDobby(world, { described, order, planning });
  return { config: spec, limits: effectiveLimits(order.app.limits) };
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
export async function planContainer(world: World, order: RunOrder, planning: Planning): Promise<OciConfig> {
  const { config, ignored } = await planTraced(world, order, planning);
  const { appId, appInstanceId } = order;
  if (ignored.length > 0) {
    world.log.info({ appId, appInstanceId, ignored }, 'the package asks for it, and it changes nothing');
  }
  return config;
}

/** The same, and which layer set which field. */
export async function planTraced(world: World, order: RunOrder, planning: Planning): Promise<TracedOciConfig> {
  const { rootfs, storage, insides, engine, settings } = world;
  const { appId, appInstanceId, said, upstream } = order;
  const { uid, gid } = planning;
  const app = withResolver(world, order.app);
  const hostname = appId.slice(0, MAX_HOSTNAME_LENGTH).replaceAll(/[^A-Za-z0-9.-]/g, '-');
  const display = placeOfDisplay(world, order);
  const directory = await storage.locate({ appId, uid, gid });
  const held = await holdPackage(world, order, planning);
  const opened = await rootfs.open({ rootfs: app.rootfs, held, mounts: app.mounts, uid, gid, hostname });
  const traced = tracedOciConfig({
    app,
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
    ...(said !== undefined && { said }),
    device: { cores: platformFor(world, upstream).cores, count: settings.cores, countsSwap: settings.countsSwap },
  });
  await rootfs.findCommand(commandQuery(traced.config));
  return traced;
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
