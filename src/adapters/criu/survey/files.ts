/** Open files: devices, deleted files, files that were handed in from outside, and things that only look like files. */
import { readFileSync } from 'node:fs';
import { lstat, stat, statfs } from 'node:fs/promises';
import type { Finding } from '../../../domain/hibernation.ts';
import { sizeWords, who } from '../words.ts';
import { isCovered, type Mount } from './mounts.ts';
import { processOf, type Descriptor } from './tasks.ts';

export type Told = Pick<Finding, 'code' | 'blocks' | 'what' | 'why' | 'next'>;

/** statfs(2), linux/magic.h. */
const MQUEUE_MAGIC = 0x1980_0202;
const HUGETLBFS_MAGIC = 0x9584_58f6;

/** Of the memory and terminal drivers, which CRIU knows (its files.c, tty.c). */
const KNOWN_DEVICE = /^\/dev\/(?:null|zero|full|random|urandom|tty|console|ptmx|pts\/\w+|net\/tun)$/;
/** CRIU 4.2, files.c dump_one_file. */
const KNOWN_ANONYMOUS = /^anon_inode:\[?(?:eventfd|eventpoll|inotify|fanotify|signalfd|timerfd|pidfd|bpf-map)\]?$/;
const BLOCK_BYTES = 512;

const told = (code: string, what: string, rest: Pick<Finding, 'why' | 'next'>): Told => ({
  code,
  blocks: true,
  what,
  ...rest,
});

const IO_URING = {
  why: 'the kernel gives nobody a way to save an io_uring: its requests are under way in the kernel',
  next: 'switch io_uring off in the app (Node: UV_USE_IO_URING=0), or run it with the filter of system calls of Runtime Manager, which hides io_uring',
};
const CLOSE = { why: 'CRIU does not know this kind of descriptor', next: 'let the app close it before it hibernates' };

const ANONYMOUS: readonly (readonly [RegExp, (name: string) => Told])[] = [
  [/io_uring/, (name) => told('IO_URING', `${name} uses io_uring`, IO_URING)],
  [/userfaultfd/, (name) => told('USERFAULTFD', `${name} handles its own page faults (userfaultfd)`, CLOSE)],
  [/perf_event/, (name) => told('PERF_EVENT', `${name} measures itself with perf events`, CLOSE)],
  [/bpf/, (name) => told('BPF', `${name} holds a BPF program or link`, CLOSE)],
];

export function anonymousFinding(name: string, target: string): Told | undefined {
  if (!/^(?:anon_inode|dmabuf):/.test(target) || KNOWN_ANONYMOUS.test(target)) return undefined;
  const special = ANONYMOUS.find(([pattern]) => pattern.test(target));
  return special === undefined
    ? told('UNSUPPORTED_DESCRIPTOR', `${name} has something open that cannot be saved (${target})`, CLOSE)
    : special[1](name);
}

export type FileQuery = {
  readonly mounts: readonly Mount[];
  readonly ghostLimitBytes: number;
};

/** `descriptor` has a path for a target. */
export async function fileFinding(descriptor: Descriptor, query: FileQuery): Promise<Told | undefined> {
  const { task, fd, target } = descriptor;
  const name = who(processOf(task));
  const link = `/proc/${task.pid}/fd/${fd}`;
  if (target.startsWith('/memfd:')) return hugePages(name, link);
  if (target.startsWith('/secretmem')) {
    return told('SECRET_MEMORY', `${name} has secret memory (memfd_secret)`, {
      why: 'nobody but the app can read it, so it cannot be saved',
      next: 'switch secret memory off in the app',
    });
  }
  const place = mountOf(descriptor, query.mounts);
  if (place === 'outside') return outside(name, link, target);
  if (place === 'covered') return covered(name, target);
  // a node that the app was given is a mount of its own, wherever it lies
  const isGiven = query.mounts.some(({ point }) => point === target);
  if (isGiven || (target.startsWith('/dev/') && !KNOWN_DEVICE.test(target))) {
    const device = await deviceFinding(name, link, target);
    if (device !== undefined) return device;
  }
  return target.endsWith(' (deleted)') ? deletedFinding({ name, link, target, pid: task.pid }, query) : undefined;
}

function mountOf({ task, fd }: Descriptor, mounts: readonly Mount[]): 'inside' | 'outside' | 'covered' {
  if (mounts.length === 0) return 'inside';
  try {
    const id = Number(/^mnt_id:\s*(\d+)/m.exec(readFileSync(`/proc/${task.pid}/fdinfo/${fd}`, 'latin1'))?.[1]);
    const mount = mounts.find((one) => one.id === id);
    if (mount === undefined) return 'outside';
    return isCovered(mount, mounts) ? 'covered' : 'inside';
  } catch {
    return 'inside'; // closed meanwhile
  }
}

async function hugePages(name: string, link: string): Promise<Told | undefined> {
  if ((await typeOf(link)) !== HUGETLBFS_MAGIC) return undefined;
  return told('HUGETLB_MEMFD', `${name} has shared memory in huge pages`, {
    why: 'CRIU can save it only on a machine that has huge pages to put it back into',
    next: 'switch huge pages off in the app, or reserve some on this machine (vm.nr_hugepages)',
  });
}

const typeOf = (link: string): Promise<number | undefined> =>
  statfs(link).then(
    ({ type }) => type,
    () => undefined,
  );

async function outside(name: string, link: string, target: string): Promise<Told | undefined> {
  const type = await typeOf(link);
  if (type === undefined) return undefined;
  if (type === MQUEUE_MAGIC) {
    return told('MQUEUE', `${name} has the POSIX message queue ${target} open`, {
      why: 'CRIU cannot save POSIX message queues',
      next: 'let the app close its message queues before it hibernates, or use a unix socket or a System V queue instead',
    });
  }
  return told('HOST_FILE', `${name} has ${target} open, which is not on any mount of the app`, {
    why: 'the file was handed in from outside, and after a wake the app could not find it again',
    next: 'give the app pipes for its output, and files only by mounts',
  });
}

const covered = (name: string, target: string): Told =>
  told('OVERMOUNTED', `${name} has ${target} open below a place where something else was mounted later`, {
    why: 'the file cannot be reached by its path any more, so it could not be opened again',
    next: 'do not mount two things on the same place of the app',
  });

export async function deviceFinding(name: string, link: string, target: string): Promise<Told | undefined> {
  const found = await stat(link).catch(() => undefined);
  const isMemoryDriver = found !== undefined && found.rdev >> 8 === 1;
  if (found === undefined || isMemoryDriver || !(found.isCharacterDevice() || found.isBlockDevice())) return undefined;
  return told('DEVICE', `${name} has a device open (${target})`, {
    why: 'what a driver knows about the app is in the kernel and in the device, where CRIU cannot save it',
    next: 'let the app close the device before it hibernates, or do not give it the device',
  });
}

export type Deleted = {
  readonly name: string;
  readonly link: string;
  readonly target: string;
  readonly pid: number;
};

export async function deletedFinding(
  { name, link, target, pid }: Deleted,
  { ghostLimitBytes }: Pick<FileQuery, 'ghostLimitBytes'>,
): Promise<Told | undefined> {
  const found = await stat(link).catch(() => undefined);
  if (found?.isFile() !== true) return undefined;
  // a file may really be called so
  const namesake = await lstat(`/proc/${pid}/root${target}`).catch(() => undefined);
  if (namesake?.ino === found.ino) return undefined;
  const path = target.replace(/ \(deleted\)$/, '');
  if (found.nlink > 0) {
    return told(
      'DELETED_HARD_LINK',
      `${name} has a file open by a name that was deleted (${path}), while the file has another name`,
      {
        why: 'CRIU would have to make a name for it again in the file system',
        next: 'let the app close the file before it hibernates',
      },
    );
  }
  const bytes = found.blocks * BLOCK_BYTES;
  if (bytes <= ghostLimitBytes) return undefined;
  return told('DELETED_FILE_TOO_BIG', `${name} holds a deleted file of ${sizeWords(bytes)} open (${path})`, {
    why: `a deleted file lives on only in the image, and the limit for the size of such files is ${sizeWords(ghostLimitBytes)}`,
    next: 'let the app close the file, or raise the limit',
  });
}
