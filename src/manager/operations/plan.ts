/** From the caller's description to a container: looking and thinking only, nothing is taken or changed for the app yet. */
import { containerIdFor } from '../../domain/ids.ts';
import type { UserIdLease } from '../../ports/journal.ts';
import { commandQuery, ociConfig } from '../../spec/oci-config.ts';
import type { OciConfig } from '../../spec/oci-types.ts';
import type { App } from '../../domain/app.ts';
import { plainPath } from '../../domain/rootfs.ts';
import type { World } from '../world.ts';
import { placeOfDisplay } from './displays.ts';
import type { RunOrder } from './order.ts';

/** A host name has at most 64 characters (uname(2)). */
const MAX_HOSTNAME_LENGTH = 64;

/** The container's configuration. Throws BUNDLE_INVALID, COMMAND_NOT_FOUND, INVALID_ARGUMENT, DISPLAY_FAILED, NEIGHBOUR_FAILED. */
export async function planContainer(world: World, order: RunOrder, { uid, gid }: UserIdLease): Promise<OciConfig> {
  const { rootfs, storage, insides, engine, settings } = world;
  const { appId, appInstanceId } = order;
  const app = withResolver(world, order.app);
  const hostname = appId.slice(0, MAX_HOSTNAME_LENGTH).replaceAll(/[^A-Za-z0-9.-]/g, '-');
  const display = placeOfDisplay(world, order);
  const directory = await storage.locate({ appId, uid, gid });
  const opened = await rootfs.open({ rootfs: app.rootfs, mounts: app.mounts, uid, gid, hostname });
  const config = ociConfig({
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
  });
  await rootfs.findCommand(commandQuery(config));
  return config;
}

const RESOLVER_POINT = '/etc/resolv.conf';

/** An app that brings its own keeps it. */
function withResolver({ networks }: World, app: App): App {
  const source = networks.machine.resolverFor(app.network);
  if (source === null || app.mounts.some(({ destination }) => plainPath(destination) === RESOLVER_POINT)) return app;
  return { ...app, mounts: [...app.mounts, { source, destination: RESOLVER_POINT, readOnly: true }] };
}
