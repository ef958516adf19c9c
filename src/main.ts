/** runtimemanagerd: reads what it is told, builds the world, serves until it is told to end. */
import { mkdir, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from './adapters/process/clock.ts';
import { openJournal } from './adapters/sqlite/journal.ts';
import { readConfig, type Config } from './config.ts';
import { isErrno, RuntimeError } from './domain/errors.ts';
import { layout } from './domain/layout.ts';
import { VERSION } from './domain/version.ts';
import type { Journal } from './ports/journal.ts';
import { startServer } from './server/http.ts';
import { BOOTSTRAP } from './server/telemetry.ts';
import { build, toolsOf } from './start/build.ts';
import { connectionBudget, readLimits } from './start/connection-budget.ts';
import { lastNet } from './start/last-net.ts';
import { tcpOptions } from './start/listen.ts';
import { openPlatform } from './start/platform.ts';
import { openLog } from './start/log.ts';
import { readOptions, USAGE, type Options } from './start/options.ts';
import { serviceManager } from './start/service-manager.ts';

type Log = ReturnType<typeof openLog>;

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
  const read = await readConfig(options.config ?? places.config, options.config !== undefined);
  const config = { ...read, engine: options.engine ?? read.engine };
  const platform = config.platform === undefined ? null : await openPlatform(config.platform);
  const log = openLog(config.logLevel, process.stderr.isTTY);
  await using held = new AsyncDisposableStack();
  const net = held.use(lastNet(log));
  const begin = performance.now();
  // the run directory is passed by the apps' container roots; what is in it is closed by itself
  await mkdir(places.run, { recursive: true, mode: 0o711 });
  if (root !== undefined) await refuseOpenRoot(root);
  for (const path of [places.state, places.logs, places.apps]) await mkdir(path, { recursive: true, mode: 0o700 });
  const tcp = await tcpOptions(config, places, options.listen);
  const tools = toolsOf({ config, env: process.env });
  const searchPath = [tools, process.env['PATH']].filter(Boolean).join(':');
  const systemd = held.use(serviceManager(process.env));
  const stopped = stopSignal(log);
  const journal = await openState(places.database, config, log);
  held.defer(() => journal.close());
  let webAddress: string | null = null;
  const { world, manager, close } = await build({
    ...{ places, config, log, journal, searchPath, platform, dobbyBus: options.dobbyBus },
    env: process.env,
    root: root ?? '/',
    webAddress: () => webAddress,
  });
  held.defer(close);
  held.use(manager);
  net.onFault(manager.isolate);
  const { socketGid: groupId, profile } = config;
  const budget = connectionBudget(readLimits(), config.tcpLimits.maxConnections);
  const server = await startServer({
    ...{ service: manager, log, profile, socketPath: places.socket, groupId, maxConnections: budget.unix },
    tcp: tcp && { ...tcp, maxConnections: budget.tcp },
    pageDirectory: fileURLToPath(new URL('../page', import.meta.url)),
  });
  webAddress = server.url ?? null;
  held.defer(() => server.close(DRAIN_MS));
  if (!world.settings.countsSwap) {
    log.warn('the kernel does not count swap: a memory limit does not keep an app from it');
  }
  const ms = Math.round(performance.now() - begin);
  const at = server.url === undefined ? places.socket : `${places.socket} and ${server.url}`;
  log.info({ version: VERSION, runtime: world.engine.runtimeName, ms }, `ready: listening on ${at}`);
  log.info({ marker: BOOTSTRAP.marker, [BOOTSTRAP.field]: ms, appId: '' }, 'telemetry');
  systemd.ready();
  const signal = await stopped;
  systemd.stopping();
  log.info({ signal }, options.stopApps ? 'ending, with the apps' : 'ending; the apps run on');
  if (options.stopApps) await manager.endAllApps();
}

function openState(file: string, { maxEvents, maxEventBytes, maxEventAgeMs }: Config, log: Log): Promise<Journal> {
  return openJournal({
    ...{ file, maxEvents, maxEventBytes, maxEventAgeMs },
    clock: systemClock,
    fatal: (error) => {
      log.fatal(
        { err: error },
        'the state could not be flushed to the disk: ending; the apps run on, and the next start reads the truth',
      );
      process.exit(1);
    },
  });
}

/** Who can write to it could put links where root writes, and hand us any app and any state. */
async function refuseOpenRoot(root: string): Promise<void> {
  const { uid, mode } = await stat(root);
  if (uid === 0 && (mode & 0o022) === 0) return;
  throw new RuntimeError('INVALID_ARGUMENT', {
    what: `${root} belongs to user ${uid} with mode ${(mode & 0o7777).toString(8)}: others than root could change what the daemon trusts`,
    next: `chown root ${root} && chmod go-w ${root}, or use another --root`,
  });
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

/** A directory that cannot be made is no fault of ours. */
function startFault(thrown: unknown): RuntimeError {
  if (!(thrown instanceof Error && 'syscall' in thrown && thrown.syscall === 'mkdir')) return RuntimeError.of(thrown);
  const { code } = isErrno(thrown, 'EEXIST', 'ENOENT') ? IN_THE_WAY : RuntimeError.of(thrown);
  return new RuntimeError(code, {
    what: 'a directory of the daemon cannot be made',
    next: 'runtimectl doctor, with the same --root, says what is in the way and how to mend it',
    cause: thrown,
  });
}

const IN_THE_WAY = { code: 'CORRUPT_FILE' } as const;

main().then(
  () => process.exit(0),
  (thrown: unknown) => {
    const error = startFault(thrown);
    process.stderr.write(
      `runtimemanagerd: ${error.message}\n${error.next === undefined ? '' : `  next: ${error.next}\n`}`,
    );
    if (error.code === 'INTERNAL') process.stderr.write(`${(thrown as Error).stack ?? ''}\n`);
    process.exit(1);
  },
);
