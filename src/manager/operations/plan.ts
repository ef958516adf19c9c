/**
 * From the caller's description to a container: looking and thinking, and nothing is taken or changed for the app yet but the hold
 * on its package, which is `packages.release`d.
 */
import { containerIdFor } from '../../domain/ids.ts';
import type { HeldPackage } from '../../ports/packages.ts';
import { commandQuery, ociConfig } from '../../spec/oci-config.ts';
import type { OciConfig } from '../../spec/oci-types.ts';
import type { World } from '../world.ts';
import { placeOfDisplay } from './displays.ts';
import type { RunOrder } from './order.ts';

/** A host name has at most 64 characters (uname(2)). */
const MAX_HOSTNAME_LENGTH = 64;

/** `signal`: stops the wait for a package that is being made ready. */
type Planning = { readonly uid: number; readonly gid: number; readonly signal: AbortSignal };

/** The container's configuration. Throws BUNDLE_INVALID, COMMAND_NOT_FOUND, INVALID_ARGUMENT, DISPLAY_FAILED, NEIGHBOUR_FAILED. */
export async function planContainer(world: World, order: RunOrder, { uid, gid, signal }: Planning): Promise<OciConfig> {
  const { rootfs, storage, insides, engine, settings } = world;
  const { appId, appInstanceId, app } = order;
  const hostname = appId.slice(0, MAX_HOSTNAME_LENGTH).replaceAll(/[^A-Za-z0-9.-]/g, '-');
  const display = placeOfDisplay(world, order);
  const directory = await storage.locate({ appId, uid, gid });
  const held = await holdPackage(world, order, signal);
  const opened = await rootfs.open({ rootfs: app.rootfs, held, mounts: app.mounts, uid, gid, hostname });
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

async function holdPackage(
  { packages }: World,
  { app, appInstanceId }: RunOrder,
  signal: AbortSignal,
): Promise<HeldPackage | null> {
  const { rootfs } = app;
  if (!('image' in rootfs) && !('layers' in rootfs)) return null;
  return packages.hold(containerIdFor(appInstanceId), rootfs, signal);
}
