/** runtimemanagerd: the only place that builds adapters and joins them with the manager and the server. */
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { logFiles } from './adapters/logs/log-files.ts';
import { systemClock } from './adapters/process/clock.ts';
import { findTool } from './adapters/process/find-tool.ts';
import { rootFilesystems } from './adapters/rootfs/rootfs.ts';
import { openJournal } from './adapters/sqlite/journal.ts';
import { directories } from './adapters/storage/directories.ts';
import { readConfig, type Config } from './config.ts';
import { RuntimeError } from './domain/errors.ts';
import { layout, type Layout } from './domain/layout.ts';
import { VERSION } from './domain/version.ts';
import { Announcer } from './manager/announcer.ts';
import { startManager, type Manager } from './manager/runtime-manager.ts';
import { UserIds } from './manager/user-ids.ts';
import type { Settings, World } from './manager/world.ts';
import type { Journal } from './ports/journal.ts';
import { startServer } from './server/http.ts';
import { buildEmbedded } from './start/embedded.ts';
import { rootPlace, tagOf } from './start/root-place.ts';
import { openLog } from './start/log.ts';
import { readOptions, USAGE, type Options } from './start/options.ts';
import { tryOut } from './start/trial.ts';

type Log = ReturnType<typeof openLog>;
type Machine = { readonly places: Layout; readonly config: Config; readonly log: Log };

const ENGINE_FACT = 'engine';
/** Calls in flight at a clean end get this long. */
const DRAIN_MS = 5000;

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2), process.env);
  if (options.help || options.version) {
    process.stdout.write(options.help ? USAGE : `${VERSION}\n`);
    return;
  }
  await serve(options);
}

async function serve(options: Options): Promise<void> {
  refuseOthersThanRoot();
  const root = options.root === undefined ? undefined : resolve(options.root);
  const places = layout(root);
  const config = await readConfig(options.config ?? places.config, options.config !== undefined);
  const log = openLog(config.logLevel, process.stderr.isTTY);
  const begin = performance.now();
  // the run directory is passed by the apps' container roots; what is in it is closed by itself
  await mkdir(places.run, { recursive: true, mode: 0o711 });
  for (const path of [places.state, places.logs, places.apps]) await mkdir(path, { recursive: true, mode: 0o700 });
  await using held = new AsyncDisposableStack();
  const stopped = stopSignal(log);
  const journal = await openJournal({
    file: places.database,
    maxEvents: config.maxEvents,
    clock: systemClock,
  });
  held.defer(() => journal.close());
  const { world, manager, close } = await build({ places, config, log }, journal, root ?? '/');
  held.defer(close);
  held.use(manager);
  const server = await startServer({ service: manager, log, socketPath: places.socket, groupId: config.socketGid });
  held.defer(() => server.close(DRAIN_MS));
  const ms = Math.round(performance.now() - begin);
  log.info({ version: VERSION, runtime: world.engine.runtimeName, ms }, `ready: listening on ${places.socket}`);
  log.info({ signal: await stopped }, options.stopApps ? 'ending, with the apps' : 'ending; the apps run on');
  if (options.stopApps) await manager.endAllApps();
}

type Built = {
  readonly world: World;
  readonly manager: Manager;
  /** Gives back what the daemon itself holds on the machine; what living apps need stays. */
  readonly close: () => Promise<void>;
};

async function build(machine: Machine, journal: Journal, root: string): Promise<Built> {
  const { places, config, log } = machine;
  const remembered = await journal.load();
  const searchPath = [config.tools ?? process.env['RUNTIME_MANAGER_TOOLS'], process.env['PATH']]
    .filter(Boolean)
    .join(':');
  const settings = settingsFrom(config, { root, searchPath });
  const roots = await rootPlace(places);
  const rootfs = rootFilesystems({ directory: roots.directory });
  const { engine, finding } = await buildEmbedded({
    wanted: config.runtime,
    runDirectory: places.run,
    cgroupParent: config.cgroupParent ?? cgroupParentOf(places),
    searchPath,
    remembered: remembered.facts[ENGINE_FACT],
    tryOut: tryOut({ rootfs, runDirectory: places.run, uid: config.userIds.last, ...settings }),
  });
  const announcer = new Announcer(journal, log);
  if (remembered.facts[ENGINE_FACT] !== finding) await announcer.commit({ facts: { [ENGINE_FACT]: finding } });
  const storage = directories(places.apps);
  const userIds = new UserIds(
    { ...config.userIds, now: systemClock.now, hasStorage: storage.exists },
    remembered.userIds,
  );
  const logs = logFiles(places.logs, systemClock);
  const world: World = {
    engine,
    journal,
    logs,
    storage,
    rootfs,
    log,
    clock: systemClock,
    settings,
    userIds,
    announcer,
  };
  const close = async (): Promise<void> => {
    if ((await engine.leftovers()).length > 0) return;
    await engine.close();
    await roots.close();
  };
  return { world, manager: await startManager(world, remembered), close };
}

function settingsFrom(
  config: Config,
  { root, searchPath }: { readonly root: string; readonly searchPath: string },
): Settings {
  const init = findTool('tini-static', searchPath);
  if (init === undefined) {
    throw new RuntimeError('ENGINE_UNAVAILABLE', {
      what: 'tini-static, process 1 of every container, is not there',
      next: "install Debian's package tini (in a clone: npm run setup), or name its directory as `tools` in the configuration",
    });
  }
  return {
    ...config,
    rootIdOffset: config.userIds.rootOffset,
    init,
    architecture: process.arch === 'arm64' ? 'arm64' : 'x64',
    oomScoreAdj: Math.max(0, Number(readFileSync('/proc/self/oom_score_adj', 'utf8'))),
    bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
    root,
  };
}

/** One group for each root directory, so that daemons side by side never sweep each other's containers. */
function cgroupParentOf(places: Layout): string {
  if (places.run === layout().run) return '/runtime-manager';
  return `/runtime-manager-${tagOf(places)}`;
}

function refuseOthersThanRoot(): void {
  if (process.getuid?.() === 0) return;
  throw new RuntimeError('PERMISSION_DENIED', {
    what: 'runtimemanagerd must be root: it makes namespaces, mounts and control groups for the apps',
    next: 'start it with sudo or as a system service',
  });
}

/** The first one ends it cleanly; who sends a second one does not want to wait. */
function stopSignal(log: Log): Promise<NodeJS.Signals> {
  return new Promise((resolveSignal) => {
    let asked = false;
    const onSignal = (signal: NodeJS.Signals): void => {
      if (asked) {
        log.warn({ signal }, 'ending at once');
        process.exit(1);
      }
      asked = true;
      resolveSignal(signal);
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
  });
}

main().then(
  () => process.exit(0),
  (thrown: unknown) => {
    const error = RuntimeError.of(thrown);
    process.stderr.write(
      `runtimemanagerd: ${error.message}\n${error.next === undefined ? '' : `  next: ${error.next}\n`}`,
    );
    if (error.code === 'INTERNAL') process.stderr.write(`${(thrown as Error).stack ?? ''}\n`);
    process.exit(1);
  },
);
