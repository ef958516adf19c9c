import { closeSync, constants, openSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { couldNotRun } from './could-not-run.ts';
import { withDescriptors } from './descriptors.ts';
import { becomeOrdinary, isHeld } from './ordinary.ts';
import { forkTurn } from './spawn-gate.ts';

export type Surroundings = {
  readonly cwd?: string;
  /** Where its words go; nowhere when absent. */
  readonly logFile?: string;
  /** Of the files and sockets that it makes; ours when absent. */
  readonly umask?: number;
  /** Directories that it gets as descriptors from 3 on: it may use them where it could not reach them by path. */
  readonly directories?: readonly string[];
  /** A socket that it gets as the descriptor after them; not through a link. */
  readonly socket?: string;
};

const APPEND = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND;

/** Starts a program in a session of its own, without any other of our descriptors: it lives on when we do not. Its pid. */
export async function startDetached(
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
  { cwd = '/', logFile, umask, directories = [], socket }: Surroundings = {},
): Promise<number> {
  const [command = '', ...args] = argv;
  await forkTurn();
  const started = Promise.withResolvers<number>();
  // a /dev/null that is missing must not be made as a file
  const log = logFile === undefined ? 'ignore' : openSync(logFile, APPEND, 0o600);
  try {
    const child = withDescriptors(directories, socket, (descriptors) => {
      const ours = umask === undefined ? undefined : process.umask(umask);
      try {
        const child = spawn(command, args, { env, cwd, stdio: ['ignore', log, log, ...descriptors], detached: true });
        child.on('error', (cause) => {
          started.reject(couldNotRun(command, cause));
        });
        return child;
      } finally {
        if (ours !== undefined) process.umask(ours);
      }
    });
    child.once('spawn', () => {
      child.unref();
      if (!isHeld(argv)) becomeOrdinary(child.pid ?? 0);
      started.resolve(child.pid ?? 0);
    });
    return await started.promise;
  } finally {
    if (log !== 'ignore') closeSync(log);
  }
}
