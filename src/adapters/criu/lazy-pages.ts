/**
 * The process that hands pages to a woken app when it touches them, and the rest in the background (criu lazy-pages, userfaultfd(2)).
 * It is nobody's child: the app needs it, whatever becomes of the daemon.
 */
import { rm, stat, writeFile } from 'node:fs/promises';
import { RuntimeError } from '../../domain/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Processes, ProcessId } from '../../ports/processes.ts';
import type { Wait } from '../../ports/wait.ts';
import { readIfThere } from '../files/kernel-file.ts';
import { startDetached } from '../process/start-detached.ts';

type Options = {
  readonly binary: string;
  readonly env: Readonly<Record<string, string>>;
  readonly processes: Processes;
  readonly clock: Clock;
  /** Puts it where it lives on without the daemon. */
  readonly enter: (pid: number) => void;
};

export type LazyPages = (
  places: { readonly imageDirectory: string; readonly workDirectory: string },
  wait: Wait,
) => Promise<ProcessId>;

const POLL_MS = 1;

/** Its exit code as text, in the work directory; {@link COMING} before that. */
const STATUS = 'lazy-pages.status';
const COMING = 'coming';
/** Fixed text. $0 is the status file; a shell, because somebody must see the server's end when the daemon does not. */
const TELL_STATUS = '"$@"; echo $? > "$0"';

/** Ready to serve when it returns. `workDirectory` must be that of the restore: they meet at its socket. */
export const lazyPages =
  ({ binary, env, processes, clock, enter }: Options): LazyPages =>
  async ({ imageDirectory, workDirectory }, { signal, timeoutMs }) => {
    const socket = `${workDirectory}/lazy-pages.socket`;
    const places = ['--images-dir', imageDirectory, '--work-dir', workDirectory];
    await Promise.all([rm(socket, { force: true }), writeFile(`${workDirectory}/${STATUS}`, COMING)]);
    const serve = [binary, 'lazy-pages', ...places, '-o', 'lazy.log'];
    const pid = await startDetached(['/bin/sh', '-c', TELL_STATUS, `${workDirectory}/${STATUS}`, ...serve], env);
    enter(pid);
    const server = processes.identify(pid);
    const deadline = performance.now() + timeoutMs;
    while (server !== undefined && processes.isAlive(server)) {
      if (await isThere(socket)) return server;
      if (performance.now() > deadline || signal.aborted) {
        processes.signal(server, 'SIGKILL');
        break;
      }
      await clock.sleep(POLL_MS);
    }
    throw new RuntimeError('RESTORE_FAILED', { what: 'the page server (criu lazy-pages) did not come up' });
  };

/**
 * How far it is, whoever asks: a server that was killed has not brought all pages, and nobody else would tell.
 * Undefined when no page was ever to be brought.
 */
export function lazyPagesState(workDirectory: string): 'coming' | 'in' | 'lost' | undefined {
  const status = readIfThere(`${workDirectory}/${STATUS}`);
  if (status === undefined) return undefined;
  return status === '0' ? 'in' : status === COMING ? 'coming' : 'lost';
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
