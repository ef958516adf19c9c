/**
 * The process that hands pages to a woken app when it touches them, and the rest in the background (criu lazy-pages, userfaultfd(2)).
 * It is nobody's child: the app needs it, whatever becomes of the daemon.
 */
import { rm, stat } from 'node:fs/promises';
import { RuntimeError } from '../../domain/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Processes, ProcessId } from '../../ports/processes.ts';
import type { Wait } from '../../ports/wait.ts';
import { startDetached } from '../process/start-detached.ts';

type Options = {
  readonly binary: string;
  readonly env: Readonly<Record<string, string>>;
  readonly processes: Processes;
  readonly clock: Clock;
};

export type LazyPages = (
  places: { readonly imageDirectory: string; readonly workDirectory: string },
  wait: Wait,
) => Promise<ProcessId>;

const POLL_MS = 1;

/** Ready to serve when it returns. `workDirectory` must be that of the restore: they meet at its socket. */
export const lazyPages =
  ({ binary, env, processes, clock }: Options): LazyPages =>
  async ({ imageDirectory, workDirectory }, { signal, timeoutMs }) => {
    const socket = `${workDirectory}/lazy-pages.socket`;
    await rm(socket, { force: true });
    const pid = await startDetached(
      [binary, 'lazy-pages', '--images-dir', imageDirectory, '--work-dir', workDirectory, '-o', 'lazy.log'],
      env,
    );
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

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
