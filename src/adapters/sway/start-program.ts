/** Starts a program of a display as the app's user and with nothing that root has; it outlives the daemon. */
import { chown, mkdir, readFile } from 'node:fs/promises';
import { RuntimeError } from '../../domain/errors.ts';
import type { ProcessId } from '../../ports/processes.ts';
import { lastWords } from '../process/run-tool.ts';
import { startDetached } from '../process/start-detached.ts';
import { confined } from '../process/confine.ts';
import type { User } from './user.ts';
import { connectFirst, type Destination } from './connect-first.ts';
import type { SwayParts } from './parts.ts';
import type { DisplayPlaces } from './places.ts';

/** What a program calls the directory that it is started in: a socket's path has at most 107 bytes (unix(7)), and that of ours may be longer. */
export const WORKING_DIRECTORY = '/proc/self/cwd';

export type Program = {
  readonly argv: readonly string[];
  /** The whole environment, but for PATH. */
  readonly env: Readonly<Record<string, string>>;
  /** That it gets as descriptors from 3 on. */
  readonly directories: readonly string[];
  /** What it is connected to from its first moment. */
  readonly to?: Destination;
  /** Of a file that it makes, shared memory too. */
  readonly fileBytes?: number;
  /** It draws on the machine's screens: devices, udev, a seat. */
  readonly usesDevices?: boolean;
};

export type ProgramOrder = {
  readonly user: User;
  readonly program: Program;
  /** Called as soon as there is a process. */
  readonly began: (process: ProcessId) => void;
};

/** Sockets of 0600. */
const UMASK = 0o177;

/** In a directory of its own (`own`), which is made here. Throws DISPLAY_FAILED. */
export async function startProgram(
  { processes, searchPath }: Pick<SwayParts, 'processes' | 'searchPath'>,
  places: DisplayPlaces,
  { user, program, began }: ProgramOrder,
): Promise<ProcessId> {
  await mkdir(places.own, { mode: 0o700 });
  await chown(places.own, user.uid, user.gid);
  const { env, directories, to } = program;
  const own = held(program, user, places);
  const argv = to === undefined ? own : connectFirst(to, directories.length, own);
  const pid = await startDetached(
    argv,
    { PATH: searchPath, ...env },
    {
      ...{ cwd: places.own, logFile: places.log, umask: UMASK, directories },
      ...(to !== undefined && { socket: to.socket }),
    },
  );
  const process = processes.identify(pid);
  if (process === undefined) throw await endedAtOnce(places);
  began(process);
  return process;
}

/** What it reads is an app's. It outlives the daemon. */
function held(
  { argv, directories, fileBytes, usesDevices = false }: Program,
  user: User,
  places: DisplayPlaces,
): readonly string[] {
  return confined(argv, {
    user,
    network: usesDevices,
    reads: usesDevices ? 'all' : [...directories, places.config],
    writes: usesDevices ? ['/'] : [places.own, '/dev/shm'],
    ...(fileBytes !== undefined && { limits: { fileBytes } }),
    endsWithDaemon: false,
  });
}

/** With the program's own last words. */
export async function endedAtOnce({ log }: DisplayPlaces): Promise<RuntimeError> {
  const words = lastWords(await readFile(log, 'utf8').catch(() => ''));
  return new RuntimeError('DISPLAY_FAILED', {
    what: 'a program of the display ended as soon as it was started',
    cause: words,
  });
}
