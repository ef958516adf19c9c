/** From the caller's description to a container: looking and thinking only, nothing is taken or changed for the app yet. */
import { containerIdFor } from '../../domain/ids.ts';
import type { UserIdLease } from '../../ports/journal.ts';
import { commandQuery, tracedOciConfig, type TracedOciConfig } from '../../spec/oci-config.ts';
import type { OciConfig } from '../../spec/oci-types.ts';
import type { World } from '../world.ts';
import { placeOfDisplay } from './displays.ts';
import { platformFor, type RunOrder } from './order.ts';

/** A host name has at most 64 characters (uname(2)). */
const MAX_HOSTNAME_LENGTH = 64;

/** The container's configuration. Throws BUNDLE_INVALID, COMMAND_NOT_FOUND, INVALID_ARGUMENT, DISPLAY_FAILED, NEIGHBOUR_FAILED. */
export const planContainer = async (world: World, order: RunOrder, lease: UserIdLease): Promise<OciConfig> =>
  (await planTraced(world, order, lease)).config;

/** The same, and which layer set which field. */
export async function planTraced(world: World, order: RunOrder, { uid, gid }: UserIdLease): Promise<TracedOciConfig> {
  const { rootfs, storage, insides, engine, settings } = world;
  const { appId, appInstanceId, app, said, upstream } = order;
  const hostname = appId.slice(0, MAX_HOSTNAME_LENGTH).replaceAll(/[^A-Za-z0-9.-]/g, '-');
  const display = placeOfDisplay(world, order);
  const directory = await storage.locate({ appId, uid, gid });
  const opened = await rootfs.open({ rootfs: app.rootfs, mounts: app.mounts, uid, gid, hostname });
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
    device: { cores: platformFor(world, upstream).cores, count: settings.cores },
  });
  await rootfs.findCommand(commandQuery(traced.config));
  return traced;
}
