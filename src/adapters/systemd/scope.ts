/**
 * A scope of systemd (systemd.scope(5)) in a slice of its own, with control groups below it that are ours (Delegate=yes): systemd shows
 * them (systemd-cgls), hands all controllers down to them, and neither moves nor removes one. A scope is there as long as a process is
 * in it, and outlives the daemon with the apps: one process of ours, which ends with the daemon, keeps it while there is no app.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { RuntimeError } from '../../domain/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import { readIfThere } from '../files/kernel-file.ts';

/** sd_booted(3). */
export const isBooted = (): boolean => existsSync('/run/systemd/system');

/** systemd.slice(5): `a-b.slice` lies in `a.slice`. */
const SLICE = 'runtime-manager.slice';
const SLICE_PATH = '/runtime.slice/runtime-manager.slice';

export const scopePath = (name: string): string => `${SLICE_PATH}/${name}.scope`;

/**
 * TasksMax: each app has its own limit. Before: at a shutdown the daemon ends first, so that it starts no app again that systemd has
 * ended. TimeoutStopSec: of apps that do not hear SIGTERM then.
 */
const PROPERTIES = ['Delegate=yes', 'TasksMax=infinity', 'TimeoutStopSec=15s', 'Before=runtimemanagerd.service'];
/** Reads until its other end is closed, by us or by our end. */
const KEEPER = 'cat';
const POLL_MS = 5;
const LIMIT_MS = 15_000;
const MAX_WORDS = 2000;

type Options = {
  readonly name: string;
  readonly searchPath: string;
  readonly clock: Clock;
  /** Puts a process into a group below the scope: the scope itself must have none (cgroups(7), "no internal processes"). */
  readonly enter: (pid: number) => void;
  /** Whether the group of the scope is there. */
  readonly isThere: () => Promise<boolean>;
};

export type Scope = AsyncDisposable & {
  /** There when it resolves, also when somebody has stopped it meanwhile. Throws ENGINE_UNAVAILABLE. */
  readonly ready: () => Promise<void>;
};

export function scope(options: Options): Scope {
  let coming: Promise<ChildProcess> | undefined;
  const again = (): void => {
    coming = undefined;
  };
  const hold = async (): Promise<ChildProcess> => {
    const keeper = await keep(options).catch((error: unknown) => {
      again();
      throw error;
    });
    keeper.once('exit', again);
    return keeper;
  };
  return {
    ready: async () => {
      coming ??= hold();
      await coming;
    },
    [Symbol.asyncDispose]: async () => {
      // ready() has told why it did not come
      const keeper = await coming?.catch(() => undefined);
      keeper?.stdin?.end();
    },
  };
}

/** A process of ours in the scope, which is made for it when it is not there: systemd-run puts itself in, and becomes the program. */
async function keep({ name, searchPath, clock, enter, isThere }: Options): Promise<ChildProcess> {
  const wanted = PROPERTIES.flatMap((property) => ['--property', property]);
  const made = ['systemd-run', '--scope', '--quiet', '--collect', `--slice=${SLICE}`, `--unit=${name}`, ...wanted];
  const isOld = await isThere();
  const [command = '', ...args] = isOld ? [KEEPER] : [...made, '--description=Apps of Runtime Manager', '--', KEEPER];
  const child = spawn(command, args, { env: { PATH: searchPath }, stdio: ['pipe', 'ignore', 'pipe'] });
  let words = '';
  const fail = (cause: unknown): RuntimeError =>
    new RuntimeError('ENGINE_UNAVAILABLE', { what: `systemd made no scope ${name}.scope for the apps`, cause });
  let ended: unknown;
  child.on('error', (error) => (ended ??= error));
  child.once('exit', () => (ended ??= words.trim() || 'systemd-run ended'));
  // its end is heard in `exit`, and that of a pipe says nothing more
  child.stdin.on('error', () => undefined);
  child.stderr.on('data', (chunk: Buffer) => (words = `${words}${chunk.toString()}`.slice(-MAX_WORDS)));
  child.stderr.on('error', () => undefined);
  const { pid } = child;
  const deadline = performance.now() + LIMIT_MS;
  while (!isOld && ended === undefined && !isIn(pid, scopePath(name))) {
    if (performance.now() > deadline) ended = `it took more than ${LIMIT_MS / 1000} s`;
    else await clock.sleep(POLL_MS);
  }
  try {
    if (ended !== undefined || pid === undefined) throw fail(ended);
    enter(pid);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  // nobody waits for it at our end
  child.unref();
  return child;
}

/** Lines of `HIERARCHY:CONTROLLERS:PATH` (cgroups(7)). */
const isIn = (pid: number | undefined, path: string): boolean =>
  (readIfThere(`/proc/${pid ?? 0}/cgroup`) ?? '').split('\n').some((line) => line.endsWith(`:${path}`));
