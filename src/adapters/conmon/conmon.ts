/**
 * conmon(8): one small process a container. It holds the pipes, writes the log, waits for the end and writes the exit code,
 * whether or not the daemon lives.
 */
import { watch, type FSWatcher } from 'node:fs';
import { mkdir, rm, stat } from 'node:fs/promises';
import { isErrno, RuntimeError } from '../../domain/errors.ts';
import type { ContainerId } from '../../domain/ids.ts';
import type { Ended, Live } from '../../ports/engine.ts';
import type { CreateOrder, Monitor } from '../../ports/monitor.ts';
import type { ProcessId, Processes } from '../../ports/processes.ts';
import type { Wait } from '../../ports/wait.ts';
import { readSmallIfThere } from '../files/read-small.ts';
import { readIfThere } from '../files/kernel-file.ts';
import { findTool } from '../process/find-tool.ts';
import { closedInput } from './closed-input.ts';
import { sweepHalfExits } from './half-exits.ts';
import { spawnMonitor } from './spawn-monitor.ts';

type Options = {
  readonly binary: string;
  /** conmon writes `<exitDir>/<id>`. */
  readonly exitDir: string;
  /** conmon writes `<persistDir>/<id>/oom`. */
  readonly persistDir: string;
  readonly env: Readonly<Record<string, string>>;
  /** Where conmon lives on without the daemon: there when `ready` resolves; `enter` puts a process there. */
  readonly place: { readonly ready: () => Promise<void>; readonly enter: (pid: number) => void };
  /** The runtime takes what it is handed as the container's: it gets a closed pipe as input, not the machine's /dev/null. */
  readonly takesInput: boolean;
};

/**
 * No process started then: a restored app goes on at once and may have ended before we look. It was restored all the same, and
 * its exit code is seen like any other.
 */
const ENDED = '0';

export function conmon(processes: Processes, options: Options): Monitor {
  const { binary, exitDir, persistDir, env, place, takesInput } = options;
  const exitFile = (id: ContainerId): string => `${exitDir}/${id}`;
  const persist = (id: ContainerId): string => `${persistDir}/${id}`;
  const searchPath = env['PATH'] ?? '';

  async function create(order: CreateOrder, wait: Wait): Promise<Live> {
    await Promise.all([
      mkdir(persist(order.id), { recursive: true, mode: 0o700 }),
      rm(exitFile(order.id), { force: true }),
      place.ready(),
    ]);
    const argv = [binary, ...conmonArguments(order, { exitDir, persist: persist(order.id), searchPath, takesInput })];
    const means = { env, enter: place.enter, roomIn: persist(order.id) };
    const pid = await spawnMonitor(argv, means, wait);
    const init = processes.identify(pid) ?? (order.restore === undefined ? undefined : { pid, startTime: ENDED });
    if (init === undefined) {
      throw new RuntimeError('START_FAILED', { what: `the first process of ${order.id} ended before it was started` });
    }
    return { init, monitor: monitorOf(processes, order.bundle) };
  }

  return {
    create,
    exit: (id) => readExit(exitFile(id), `${persist(id)}/oom`),
    find: (_id, bundle) => {
      const init = identifyIn(processes, `${bundle}/pid`);
      if (init === undefined) return undefined;
      const monitor = monitorOf(processes, bundle);
      // an older daemon may have left it in its own group
      if (monitor !== null) place.enter(monitor.pid);
      return { init, monitor };
    },
    forget: async (id) => {
      await Promise.all([rm(exitFile(id), { force: true }), rm(persist(id), { recursive: true, force: true })]);
      await sweepHalfExits(exitDir, persistDir);
    },
    watch: (mayHaveEnded) => {
      // what an earlier boot or a killed daemon left; the next container that is forgotten does it otherwise
      sweepHalfExits(exitDir, persistDir).catch(() => undefined);
      // the file is renamed into place whole; its temporary name is no container's
      const watcher = watchIfPossible(exitDir, (name) => {
        mayHaveEnded(name as ContainerId);
      });
      return {
        [Symbol.asyncDispose]: () => {
          watcher?.close();
          return Promise.resolve();
        },
      };
    },
  };
}

/** Without it (no inotify instance or descriptor is left) the keeper's rounds still see every end, a second later. */
function watchIfPossible(directory: string, listener: (name: string) => void): FSWatcher | undefined {
  try {
    const watcher = watch(directory, (_event, name) => {
      if (name !== null) listener(name);
    });
    // the directory has gone: own-places makes it again, and the keeper listens anew
    watcher.on('error', () => undefined);
    return watcher;
  } catch (error) {
    if (isErrno(error, 'EMFILE', 'ENFILE', 'ENOSPC')) return undefined;
    throw error;
  }
}

function identifyIn(processes: Processes, pidFile: string): ProcessId | undefined {
  const pid = Number(readIfThere(pidFile));
  return Number.isInteger(pid) && pid > 0 ? processes.identify(pid) : undefined;
}

/** The pid in conmon's own pid file, if that is still this container's conmon and no later process. */
function monitorOf(processes: Processes, bundle: string): ProcessId | null {
  const found = identifyIn(processes, `${bundle}/conmon.pid`);
  const args = found && readIfThere(`/proc/${found.pid}/cmdline`)?.split('\0');
  return args?.includes(bundle) === true ? (found ?? null) : null;
}

/**
 * How a container ended: 0–255, or 128 + signal; `undefined` while it runs. -1 on disk: conmon itself could not tell.
 * On disk: decimal text, written whole (temporary file, rename). Throws CORRUPT_FILE on anything else.
 * Source: conmon(8) --exit-dir, --persist-dir; src/ctr_exit.c.
 */
async function readExit(exitFile: string, oomFile: string): Promise<Ended | undefined> {
  const text = await readSmallIfThere(exitFile);
  if (text === undefined) return undefined;
  const code = Number(text);
  if (text.trim() === '' || !Number.isInteger(code) || code < -1 || code > 255) {
    throw new RuntimeError('CORRUPT_FILE', { what: `${exitFile} holds ${JSON.stringify(text)}, not an exit code` });
  }
  const oom = await stat(oomFile).then(
    () => true,
    () => false,
  );
  return { code: code === -1 ? null : code, oom };
}

/**
 * At a restore runc mounts the root file system, and in it each bind, where it is called; one that is killed leaves them. There they
 * are in the way of every app with the same root directory, and whoever removes that directory removes the host's own files through
 * them. In a mount namespace of its own (unshare(1)) they end with the runtime. Not conmon's: it lives as long as the app, and would
 * keep a copy of every mount of the host for that time. Mounts made on the host in the meantime are still seen.
 * Source: runc libcontainer/criu_linux.go, prepareCriuRestoreMounts, Restore; conmon src/runtime_args.c, configure_runtime_args.
 */
const MOUNTING_APART: readonly string[] = ['--mount', '--propagation', 'slave', '--'];

/** conmon calls it with `create …` or `restore …` after these. */
function runtimeCommand(
  { runtime, restore, terminal }: CreateOrder,
  { searchPath, takesInput }: Places,
): readonly string[] {
  const apart = restore === undefined ? [] : [findTool('unshare', searchPath) ?? 'unshare', ...MOUNTING_APART];
  return [...(takesInput ? closedInput(terminal) : []), ...apart, runtime.binary, '--root', runtime.stateRoot];
}

type Places = {
  readonly exitDir: string;
  readonly persist: string;
  readonly searchPath: string;
  readonly takesInput: boolean;
};

function conmonArguments(order: CreateOrder, places: Places): readonly string[] {
  const { exitDir, persist } = places;
  const { id, bundle, restore } = order;
  const [runtime = '', ...args] = runtimeCommand(order, places);
  return [
    ...['--api-version', '1', '--cid', id, '--cuuid', id, '--name', id],
    ...['--runtime', runtime, '--bundle', bundle],
    ...['--container-pidfile', `${bundle}/pid`, '--conmon-pidfile', `${bundle}/conmon.pid`],
    ...['--exit-dir', exitDir, '--persist-dir', persist, '--full-attach'],
    ...['--log-path', `k8s-file:${order.logFile}`, '--log-size-max', String(order.logMaxBytes), '--log-level', 'error'],
    ...(order.terminal ? ['--terminal'] : []),
    ...args.flatMap((arg) => ['--runtime-arg', arg]),
    ...(restore === undefined ? [] : restoreArguments(restore)),
  ];
}

/** conmon then calls `restore` in place of `create`, with the bundle as CRIU's work directory. */
const restoreArguments = ({ imageDirectory, lazyPages }: NonNullable<CreateOrder['restore']>): readonly string[] => [
  ...['--restore', imageDirectory, '--runtime-opt', '--manage-cgroups-mode=ignore'],
  ...(lazyPages ? ['--runtime-opt', '--lazy-pages'] : []),
];
