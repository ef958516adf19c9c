/** Builds the adapters and joins them with the manager. */
import { GHOST_LIMIT_BYTES } from '../adapters/criu/checkpoint-config.ts';
import { criuSurveys } from '../adapters/criu/survey.ts';
import { imageStore } from '../adapters/images/image-store.ts';
import { readMachine } from '../adapters/images/machine.ts';
import { insideDirectories } from '../adapters/inside/inside-directories.ts';
import { logFiles } from '../adapters/logs/log-files.ts';
import { pictureFiles } from '../adapters/pictures/picture-files.ts';
import { systemClock } from '../adapters/process/clock.ts';
import { RoutedNetworks } from '../adapters/network/routed-networks.ts';
import { packages } from '../adapters/packages/packages.ts';
import { findTool } from '../adapters/process/find-tool.ts';
import { toolRunner } from '../adapters/process/run-tool.ts';
import { rootFilesystems } from '../adapters/rootfs/rootfs.ts';
import type { Config } from '../config.ts';
import { parseSubnet } from '../domain/network.ts';
import { layout, type Layout } from '../domain/layout.ts';
import { Announcer } from '../manager/announcer.ts';
import { startManager, type Manager } from '../manager/runtime-manager.ts';
import { NetworkLeases } from '../manager/network-leases.ts';
import { UserIds } from '../manager/user-ids.ts';
import type { World } from '../manager/world.ts';
import type { Journal } from '../ports/journal.ts';
import type { Log } from '../ports/log.ts';
import type { Platform } from '../spec/platform/platform.ts';
import type { DisplayOptions } from './displays.ts';
import { buildEmbedded, type Embedded } from './embedded.ts';
import { machineFacts } from './machine.ts';
import { buildNeighbours } from './neighbours.ts';
import { openPlace, tagOf, type OpenPlace } from './open-place.ts';
import { tryOut } from './trial.ts';

export type Site = {
  readonly places: Layout;
  readonly config: Config;
  readonly log: Log;
  readonly journal: Journal;
  readonly platform: Platform | null;
  /** As callers are told; `/` for the system's own places. */
  readonly root: string;
  /** PATH for the host tools. */
  readonly searchPath: string;
  readonly env: NodeJS.ProcessEnv;
  readonly webAddress: () => string | null;
};

export type Built = {
  readonly world: World;
  readonly manager: Manager;
  /** Gives back what the daemon itself holds on the machine; what living apps need stays. */
  readonly close: () => Promise<void>;
};

const ENGINE_FACT = 'engine';

export async function build(site: Site): Promise<Built> {
  const { places, config, journal, log, searchPath } = site;
  const [remembered, open] = await Promise.all([journal.load(), openPlace(places)]);
  const machine = machineFacts(searchPath);
  const insides = insideDirectories({ directory: `${places.state}/inside`, init: machine.init });
  const rootfs = rootFilesystems({ directory: `${open.directory}/rootfs` });
  const ids = { uid: config.userIds.last, rootIdOffset: config.userIds.rootOffset };
  const cgroupParent = config.cgroupParent ?? cgroupParentOf(places);
  const embedded = await buildEmbedded({
    wanted: config.runtime,
    runDirectory: places.run,
    openDirectory: open.directory,
    cgroupParent,
    searchPath,
    remembered: remembered.facts[ENGINE_FACT],
    tryOut: tryOut({ rootfs, insides, runDirectory: places.run, ...ids, ...machine }),
  });
  const announcer = new Announcer(journal, log);
  if (remembered.facts[ENGINE_FACT] !== embedded.finding) {
    await announcer.commit({ facts: { [ENGINE_FACT]: embedded.finding } });
  }
  const neighbours = await buildNeighbours({
    ...{ config, places, log, env: site.env, searchPath },
    embedded: displayOptions(site, open, cgroupParent),
  });
  const { storage, displays } = neighbours;
  const range = { ...config.userIds, now: systemClock.now, hasStorage: storage.exists };
  const hibernation = { ...config.hibernation, runtime: embedded.runtimeVersion, criu: embedded.criuVersion };
  const world: World = {
    ...{ engine: embedded.engine, journal, storage, displays, insides, rootfs, log, announcer, clock: systemClock },
    ...hibernationParts(site, embedded),
    logs: logFiles(places.logs, systemClock),
    pictures: pictureFiles(`${places.state}/pictures`),
    packages: packagesOf(site, open),
    userIds: new UserIds(range, remembered.userIds),
    networks: networkLeases(site, open),
    settings: {
      ...config,
      ...machine,
      ...ids,
      hibernation,
      ...{ platform: site.platform, root: site.root, webAddress: site.webAddress },
    },
  };
  const manager = await startManager(world, remembered).catch(async (error: unknown) => {
    await neighbours.close();
    throw error;
  });
  return {
    world,
    manager,
    close: async () => {
      await neighbours.close();
      await close(world, open);
    },
  };
}

const displayOptions = (site: Site, open: OpenPlace, cgroupParent: string): DisplayOptions => ({
  ...{ stateDirectory: site.places.state, openDirectory: open.directory },
  ...{ cgroupParent, searchPath: site.searchPath, tools: toolsOf(site), parent: parentOf(site) },
});

function parentOf({ config: { displays, userIds } }: Site): DisplayOptions['parent'] {
  const { parent } = displays;
  if (parent === undefined) return undefined;
  const { backend, socket, width, height, uid = userIds.last + 1, gid = uid } = parent;
  return { backend, socket, size: { width, height }, user: { uid, gid } };
}

export const toolsOf = ({ config, env }: Pick<Site, 'config' | 'env'>): string | undefined =>
  config.tools ?? env['RUNTIME_MANAGER_TOOLS'];

function hibernationParts({ places, config, log, searchPath }: Site, { criuVersion }: Embedded) {
  const runTool = toolRunner({ PATH: searchPath, LC_ALL: 'C.UTF-8' });
  return {
    images: imageStore({
      directory: places.images,
      runTool,
      clock: systemClock,
      settings: config.hibernation,
      machine: readMachine(criuVersion),
      log,
    }),
    surveys: criuSurveys(runTool, { ghostLimitBytes: GHOST_LIMIT_BYTES, skipsInFlight: true }),
  };
}

const packagesOf = ({ places, config, searchPath }: Site, { directory }: OpenPlace): World['packages'] =>
  packages(toolRunner({ PATH: searchPath, LC_ALL: 'C.UTF-8' }), {
    directory: places.packages,
    mountDirectory: `${directory}/packages`,
    ...config.packages,
  });

function networkLeases({ places, config, log, searchPath, root }: Site, { directory }: OpenPlace): NetworkLeases {
  const { range, nameservers, allowHost } = config.network;
  const networks = new RoutedNetworks({
    runTool: toolRunner({ PATH: searchPath, LC_ALL: 'C.UTF-8' }),
    tag: tagOf(places),
    root,
    range: parseSubnet(range) ?? { base: 0, prefix: 0 },
    nameservers,
    resolverFile: `${directory}/resolv.conf`,
    searchPath,
    filterTool: findTool('nft', searchPath),
    log,
  });
  return new NetworkLeases({ networks, allowHost });
}

async function close({ engine, packages: held, storage, networks }: World, open: OpenPlace): Promise<void> {
  await networks.close();
  if ((await engine.leftovers()).length > 0) return;
  await storage.close();
  await held.close();
  await engine.close();
  await open.close();
}

/** One group for each root directory, so that daemons side by side never sweep each other's containers. */
const cgroupParentOf = (places: Layout): string =>
  places.run === layout().run ? '/runtime-manager' : `/runtime-manager-${tagOf(places)}`;
