/** What a daemon needs of the disk before it can start: directories to write and to run programs in, a journal, a free place for its socket. */
import { lstat, mkdtemp, open, readdir, readFile, realpath, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { closedToPrograms } from '../adapters/files/closed-to-programs.ts';
import { mountOf, type Mount } from '../adapters/files/mount-table.ts';
import { checkDatabase } from '../adapters/sqlite/open-fault.ts';
import { isErrno } from '../domain/errors.ts';
import type { Finding } from '../domain/health.ts';
import { printable } from '../domain/printable.ts';
import { MAX_SOCKET_PATH_BYTES } from '../domain/wire.ts';
import { fail, failed, ok, type Check, type Patient } from './place.ts';

export const examineDirectories: Check = async ({ places }) => {
  // who is not root may not even look
  if (process.getuid?.() !== 0) return [];
  const found: Finding[] = [];
  for (const path of [places.run, places.state, places.logs, places.apps, places.images]) {
    const trouble = await troubleWith(path);
    // what is wrong with a directory is wrong with those in it
    if (trouble !== undefined && !found.some(({ what }) => what === trouble.what)) found.push(trouble);
  }
  for (const { what, why, next } of closedToPrograms(places.state)) {
    found.push(fail('directories', { what, why, next }));
  }
  if (found.length > 0) return found;
  return [ok('directories', `${places.run} and ${places.state} can be written`)];
};

/** Makes a file of one block in it, or where it will be made. */
async function troubleWith(path: string): Promise<Finding | undefined> {
  const there = await nearest(path);
  if (!there.isDirectory) {
    return fail('directories', {
      what: `${there.path} is no directory`,
      why: 'the daemon keeps its files in it, and does not start',
      next: `move it away: mv ${there.path} ${there.path}.aside`,
    });
  }
  try {
    const own = await mkdtemp(join(there.path, '.doctor-'));
    try {
      await using file = await open(join(own, 'block'), 'w', 0o600);
      await file.write(Buffer.alloc(4096));
      await file.sync();
    } finally {
      await rm(own, { recursive: true });
    }
  } catch (error) {
    return unwritable(there.path, error);
  }
  return undefined;
}

type Place = { readonly path: string; readonly isDirectory: boolean };

async function nearest(path: string): Promise<Place> {
  const stats = await stat(path).catch((error: unknown) => {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  });
  return stats === undefined ? await nearest(dirname(path)) : { path, isDirectory: stats.isDirectory() };
}

async function unwritable(path: string, error: unknown): Promise<Finding> {
  const { mountPoint, options } = await mountAt(path);
  const fault = faultOf(error, options);
  return fail('directories', {
    what: `${path} ${fault === 'other' ? `cannot be written: ${String(error)}` : WORDS[fault].what}`,
    why: 'the daemon writes there, and does not start, or starts no app',
    next: fault === 'other' ? `see that root may write to ${path}` : WORDS[fault].next(mountPoint),
  });
}

/** mkdtemp(3) says ENOENT where the file system is read-only. */
function faultOf(error: unknown, options: readonly string[]): 'readOnly' | 'full' | 'other' {
  if (isErrno(error, 'EROFS') || options.includes('ro')) return 'readOnly';
  return isErrno(error, 'ENOSPC', 'EDQUOT') ? 'full' : 'other';
}

const WORDS = {
  readOnly: {
    what: 'is on a file system that is read-only',
    next: (place: string) => `see why (dmesg: a disk with errors is made so), then: mount -o remount,rw ${place}`,
  },
  full: {
    what: 'is on a file system that is full',
    next: (place: string) => `make room, for blocks (df -h ${place}) and for files (df -i ${place})`,
  },
} as const;

const mountAt = async (path: string): Promise<Mount> =>
  mountOf(await realpath(path), await readFile('/proc/self/mountinfo', 'utf8')) ?? { mountPoint: path, options: [] };

/** What stops the start of a daemon that does not run. */
export const examineStart: Check = async (patient) => [
  ...(await examineSocketPlace(patient)),
  ...(await examineDatabase(patient)),
];

async function examineSocketPlace({ places: { socket } }: Patient): Promise<readonly Finding[]> {
  const sizeBytes = Buffer.byteLength(socket);
  if (sizeBytes > MAX_SOCKET_PATH_BYTES) {
    return [
      fail('socket', {
        what: `${socket} is too long for a unix socket: ${sizeBytes} bytes`,
        why: `it may have ${MAX_SOCKET_PATH_BYTES}; the daemon does not start`,
        next: 'use a shorter --root',
      }),
    ];
  }
  const stats = await lstat(socket).catch(() => undefined);
  if (stats === undefined || stats.isSocket()) return [];
  return [
    fail('socket', {
      what: `${socket} is there and is no socket`,
      why: 'the daemon does not remove what is not its own, and does not start',
      next: `move it away: mv ${socket} ${socket}.aside`,
    }),
  ];
}

async function examineDatabase({ places: { database } }: Patient): Promise<readonly Finding[]> {
  const holders = await holdersOf([database, `${database}-shm`]);
  if (holders.length > 0) {
    return [
      fail('journal', {
        what: `${database} is held by ${holders.join(' and ')}`,
        why: 'one daemon at a time works with it, and the one that has it does not answer',
        next: `end it (kill -9 ${holders.map(({ pid }) => pid).join(' ')}; the apps run on), and start the daemon`,
      }),
    ];
  }
  if ((await stat(database).catch(() => undefined)) === undefined) return [];
  try {
    checkDatabase(database);
    return [ok('journal', `${database} is whole`)];
  } catch (error) {
    return [failed('journal', error)];
  }
}

type Holder = { readonly pid: string; readonly toString: () => string };

/**
 * `1: POSIX ADVISORY WRITE PID MAJOR:MINOR:INODE FIRST LAST`. Other file systems use the same inode numbers, and not all have the
 * device here that stat(2) tells, so who is named must have the file open. Source: proc_locks(5).
 */
async function holdersOf(paths: readonly string[]): Promise<readonly Holder[]> {
  const files = (await Promise.all(paths.map(identityOf))).filter((file) => file !== undefined);
  const locks = (await readFile('/proc/locks', 'utf8')).split('\n').map((line) => line.split(/\s+/));
  const pids = locks
    .filter(([, , , , , place]) => files.some((file) => file.endsWith(`:${place?.split(':')[2] ?? ''}`)))
    .map(([, , , , pid = '']) => pid);
  const holders = await Promise.all(
    [...new Set(pids)].map(async (pid) => {
      const open = await openFilesOf(pid);
      if (!files.some((file) => open.has(file))) return undefined;
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      return { pid, toString: () => `${printable(command.replaceAll('\0', ' ')).slice(0, 100)}(pid ${pid})` };
    }),
  );
  return holders.filter((holder) => holder !== undefined);
}

async function openFilesOf(pid: string): Promise<ReadonlySet<string | undefined>> {
  const directory = `/proc/${pid}/fd`;
  const fds = await readdir(directory).catch(() => []);
  return new Set(await Promise.all(fds.map((fd) => identityOf(join(directory, fd)))));
}

/** Undefined when it is not there. */
const identityOf = (path: string): Promise<string | undefined> =>
  stat(path).then(
    ({ dev, ino }) => `${dev}:${ino}`,
    () => undefined,
  );
