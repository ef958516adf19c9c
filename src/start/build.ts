/** Builds the adapters and joins them with the manager. */
import type { DeviceProblem } from '../domain/health.ts';
import { DEFAULT_WAKE_TARGETS } from '../domain/wire.ts';
import { imageStore } from '../adapters/images/image-store.ts';
import { readMachine } from '../adapters/images/machine.ts';
import { insideDirectories } from '../adapters/inside/inside-directories.ts';
import { logFiles } from '../adapters/logs/log-files.ts';
import { pictureFiles } from '../adapters/pictures/picture-files.ts';
import { systemClock } from '../adapters/process/clock.ts';
import { RoutedNetworks } from '../adapters/network/routed-networks.ts';
import { packages } from '../adapters/packages/packages.ts';
import { busyUserIds } from '../adapters/process/busy-user-ids.ts';
import { findTool } from '../adapters/process/find-tool.ts';
import { toolRunner } from '../adapters/process/run-tool.ts';
import { rootFilesystems } from '../adapters/rootfs/rootfs.ts';
import { parseSubnet } from '../domain/network.ts';
import { Announcer } from '../manager/announcer.ts';
import { startManager, type Manager } from '../manager/runtime-manager.ts';
import { NetworkLeases } from '../manager/network-leases.ts';
import { UserIds } from '../manager/user-ids.ts';
import type { World } from '../manager/world.ts';
import { appDefaultsOf } from './app-defaults.ts';
import type { DisplayOptions } from './displays.ts';
import { openAppPlace, type AppPlace } from './app-place.ts';
import { buildEngine, type BuiltEngine } from './engine.ts';
import { machineFacts } from './machine.ts';
import { machineFaults, type MachineFaults } from './machine-faults.ts';
import { buildNeighbours } from './neighbours.ts';
import type { Site } from './site.ts';
import { openPlace, tagOf, type OpenPlace } from './open-place.ts';
import { placesOf } from './own-places.ts';
import { thunderAccess } from './thunder-url.ts';

export type Built = {
  readonly world: World;
  readonly manager: Manager;
  /** Gives back what the daemon itself holds on the machine; what living apps need stays. */
  readonly close: () => Promise<void>;
};

export async function build(site: Site): Promise<Built> {
  // given back where the start fails
  await using taken = new AsyncDisposableStack();
  const taking = await take(site, taken);
  const { remembered, open, machine, faults, insides, rootfs, ids, appPlace, announcer, built, neighbours } = taking;
  const { places, config, journal, log, socketProblems } = site;
  const { storage, displays } = neighbours;
  const range = { ...config.userIds, now: systemClock.now, hasStorage: storage.exists, busyIds: busyUserIds };
  const hibernation = { ...config.hibernation, runtime: built.runtimeVersion, criu: built.criuVersion };
  const world: World = {
    ...{
      engine: built.engine,
      surveys: built.surveys,
      journal,
      storage,
      displays,
      insides,
      rootfs,
      log,
      announcer,
      clock: systemClock,
    },
    images: imagesOf(site, built),
    logs: logFiles(places.logs, systemClock, built.logFormat),
    pictures: pictureFiles(`${places.state}/pictures`),
    packages: packagesOf(site, open),
    userIds: new UserIds(range, remembered.userIds),
    networks: networkLeases(site, open, { ...built, ...appPlace }),
    places: placesOf(places, open, config.storage.directory),
    deviceProblems: () => [...degraded(built), ...lasting(faults), ...(socketProblems?.() ?? [])],
    settings: { ...settingsOf(site, machine), ...ids, hibernation },
  };
  const manager = await startManager(world, remembered);
  taken.move();
  return {
    world,
    manager,
    close: async () => {
      await neighbours.close();
      await close(world, open);
      await closeAll([built, appPlace]);
    },
  };
}

async function take(site: Site, taken: AsyncDisposableStack) {
  const { places, config, journal, log, searchPath } = site;
  const remembered = await journal.load();
  const hasApps = remembered.instances.some(({ released }) => !released);
  const open = await openPlace(places);
  // apps that run need it
  if (!hasApps) taken.defer(open.close);
  const machine = machineFacts(searchPath, { copy: `${places.state}/inside/.init`, hasApps });
  const faults = machineFaults(places, machine.init);
  const insides = insideDirectories({ directory: `${places.state}/inside`, init: machine.init });
  const rootfs = rootFilesystems({ directory: `${open.directory}/rootfs`, bundles: config.bundles });
  const ids = { uid: config.userIds.last, rootIdOffset: config.userIds.rootOffset };
  const appPlace = await openAppPlace({ wanted: config.cgroupParent, places, searchPath, log });
  taken.defer(appPlace.close);
  const announcer = new Announcer(journal, log);
  const built = await buildEngine(site, {
    ...{ open, appPlace, insides, rootfs, ids, machine, faults, remembered },
    remember: (facts) => announcer.commit({ facts }),
  });
  taken.defer(built.close);
  if (!hasApps) taken.defer(built.engine.close);
  for (const { state, what, why, next } of faults()) log[state === 'fail' ? 'error' : 'warn']({ why, next }, what);
  const neighbours = await buildNeighbours({
    ...{ config, places, log, env: site.env, searchPath },
    embedded: displayOptions(site, open, appPlace),
  });
  taken.defer(neighbours.close);
  return { remembered, open, machine, faults, insides, rootfs, ids, appPlace, announcer, built, neighbours };
}

async function closeAll(parts: readonly { readonly close: () => Promise<void> }[]): Promise<void> {
  for (const part of parts) await part.close();
}

const lasting = (faults: MachineFaults): readonly DeviceProblem[] =>
  faults().map((fault) => ({ ...fault, since: null }));

/** A daemon that was started without an OCI runtime, for the apps that ran. */
function degraded({ fault }: BuiltEngine): readonly DeviceProblem[] {
  if (fault === undefined) return [];
  const { what, why = 'no OCI runtime works here', next = 'runtimectl doctor' } = fault.toJSON();
  const told = `no app can be started, hibernated or woken: ${what}`;
  return [{ code: fault.code, state: 'fail', what: told, why, next: `${next}; then restart the daemon`, since: null }];
}

const settingsOf = ({ config, platform, root, webAddress, env }: Site, machine: ReturnType<typeof machineFacts>) => ({
  ...{ ...config, ...machine, platform, root, webAddress },
  appDefaults: appDefaultsOf(config, machine.memoryBytes),
  allowedDevices: config.apps.devices,
  thunderAccess: thunderAccess(config.thunder, env),
  wakeTarget: config.rdk.wakeTarget ?? DEFAULT_WAKE_TARGETS[config.profile],
});

const displayOptions = (site: Site, open: OpenPlace, appPlace: AppPlace): DisplayOptions => ({
  ...{ stateDirectory: site.places.state, openDirectory: open.directory },
  ...{ appPlace, searchPath: site.searchPath, tools: toolsOf(site), parent: parentOf(site) },
});

function parentOf({ config: { displays, userIds } }: Site): DisplayOptions['parent'] {
  const { parent } = displays;
  if (parent === undefined) return undefined;
  const { backend, socket, width, height, uid = userIds.last + 1, gid = uid } = parent;
  return { backend, socket, size: { width, height }, user: { uid, gid } };
}

export const toolsOf = ({ config, env }: Pick<Site, 'config' | 'env'>): string | undefined =>
  config.tools ?? env['RUNTIME_MANAGER_TOOLS'];

const imagesOf = ({ places, config, log, searchPath }: Site, { criuVersion }: BuiltEngine): World['images'] =>
  imageStore({
    directory: places.images,
    runTool: toolRunner({ PATH: searchPath, LC_ALL: 'C.UTF-8' }),
    clock: systemClock,
    settings: config.hibernation,
    machine: readMachine(criuVersion),
    log,
  });

const packagesOf = ({ places, config, searchPath }: Site, { directory }: OpenPlace): World['packages'] =>
  packages(toolRunner({ PATH: searchPath, LC_ALL: 'C.UTF-8' }), {
    directory: places.packages,
    mountDirectory: `${directory}/packages`,
    limits: config.packages,
  });

/** Dobby's bridge, where its networking plugin leads port 53 to the machine's loopback (NetworkingPluginCommon.h, BRIDGE_ADDRESS; DnsmasqSetup.cpp, constructRules). */
const DOBBYS_NAMESERVER = '100.64.11.1';

type NetworkMeans = Pick<BuiltEngine, 'makesNetworks'> & Pick<AppPlace, 'enter'>;

function networkLeases(site: Site, { directory }: OpenPlace, { makesNetworks, enter }: NetworkMeans): NetworkLeases {
  const { places, config, log, searchPath, root } = site;
  const { range, nameservers, allowHost, deny, allow, publishAddress } = config.network;
  const networks = new RoutedNetworks({
    runTool: toolRunner({ PATH: searchPath, LC_ALL: 'C.UTF-8' }),
    tag: tagOf(places),
    root,
    range: parseSubnet(range) ?? { base: 0, prefix: 0 },
    nameservers,
    ...(makesNetworks && { lastNameserver: DOBBYS_NAMESERVER }),
    deny: deny.flatMap((text) => parseSubnet(text) ?? []),
    allow: allow.flatMap((text) => parseSubnet(text) ?? []),
    resolverFile: `${directory}/resolv.conf`,
    ...{ searchPath, enter },
    filterTool: findTool('nft', searchPath),
    log,
  });
  return new NetworkLeases({
    networks,
    allowHost,
    makesNetworks,
    ...(publishAddress !== undefined && { publishAddress }),
  });
}

async function close({ engine, packages: held, storage, networks }: World, open: OpenPlace): Promise<void> {
  await networks.close();
  if ((await engine.leftovers()).length > 0) return;
  await storage.close();
  await held.close();
  await engine.close();
  await open.close();
}
