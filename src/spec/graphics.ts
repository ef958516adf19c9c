/** What our engine gives an app of RDK's words of the device's graphics: the GPU, the video decoder, the keys of the DRM. */
import type { App } from '../domain/app.ts';
import type { Described } from './described.ts';
import { from } from './origins.ts';
import type { Setting } from './platform/platform.ts';

type Nodes = Setting<{ readonly devNodes: readonly string[]; readonly groupIds: readonly string[] }>;

/** As upstream and Dobby: a GPU where there is a display; a decoder not to system apps and not to those that the device lists. */
export function withGraphics(described: Described): Described {
  const { app, rdk, platform } = described;
  if (rdk === null) return described;
  const isDecoding = rdk.runtimeConfig.appType !== 'SYSTEM' && !platform.vpuBlacklist.value.includes(rdk.appId);
  const given: readonly Nodes[] = [
    ...(app.display === null ? [] : [platform.gpu]),
    ...(isDecoding ? [platform.vpu] : []),
  ];
  return { ...described, app: given.reduce((made, nodes) => withNodes(made, nodes, described), app) };
}

function withNodes(app: App, { value, origin }: Nodes, { origins }: Described): App {
  const devices = value.devNodes.filter((path) => app.devices?.includes(path) !== true);
  const groups = value.groupIds.filter((name) => app.groups?.includes(name) !== true);
  for (const path of devices) origins.set(`devices[${path}]`, origin);
  for (const name of groups) origins.set(`groups[${name}]`, origin);
  if (groups.length > 0) origins.set('groups', origin);
  return {
    ...app,
    ...(devices.length > 0 && { devices: [...(app.devices ?? []), ...devices] }),
    ...(groups.length > 0 && { groups: [...(app.groups ?? []), ...groups] }),
  };
}

const DRM = '/opt/drm';
/** Upstream's, in memory and the app's own. */
const VAULT = { destination: `${DRM}/vault`, sizeBytes: 64 * 2 ** 20, noExec: true };

/** The files that `fkpsFiles` names and that are there, read-only, and a place for what is derived of them. */
export function withDrm(described: Described): Described {
  const { app, rdk, origins } = described;
  if (rdk === null || rdk.drmFiles.length === 0) return described;
  const asked = from('caller', 'runtimeConfigObject.fkpsFiles');
  const files = rdk.drmFiles
    .map((name) => `${DRM}/${name}`)
    .filter((path) => !app.mounts.some(({ destination }) => destination === path));
  for (const path of [...files, VAULT.destination]) origins.set(`mounts[${path}]`, asked);
  const mounts = files.map((path) => ({ source: path, destination: path, readOnly: true }));
  return { ...described, app: { ...app, mounts: [...app.mounts, ...mounts], tmpfs: [...(app.tmpfs ?? []), VAULT] } };
}
