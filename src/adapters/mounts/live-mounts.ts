/** Mounts into and out of containers that run or stand still, by a process of our own in their mount namespace. */
import { readFile, realpath, stat } from 'node:fs/promises';
import { isErrno, RuntimeError, type ErrorCode } from '../../domain/errors.ts';
import type { ProcessId } from '../../ports/processes.ts';
import type { Wait } from '../../ports/wait.ts';
import { mountsBelow } from '../files/mount-table.ts';
import type { RunTool } from '../process/run-tool.ts';
import { ATTACH } from './attach-script.ts';

export type LiveMount = { readonly source: string; readonly destination: string; readonly readOnly: boolean };

export type LiveMounts = {
  /** Throws INVALID_ARGUMENT, MOUNT_FAILED, NOT_SUPPORTED; then nothing is mounted. TIMED_OUT, ABORTED: that is not known. */
  readonly attach: (init: ProcessId, mount: LiveMount, wait: Wait) => Promise<void>;
  /** Throws BUSY when something in the app uses it, MOUNT_FAILED; then it is as before. */
  readonly detach: (init: ProcessId, destination: string, wait: Wait) => Promise<void>;
  /** Mount points that this process sees. */
  readonly points: (init: ProcessId) => Promise<readonly string[]>;
};

type Options = { readonly perl: string | undefined; readonly architecture: string };

/** setns, fchdir, umount2, prctl. Source: asm/unistd_64.h, asm-generic/unistd.h */
const NUMBERS: Readonly<Record<string, readonly number[]>> = {
  x64: [308, 81, 166, 157],
  arm64: [268, 50, 39, 167],
};
const REFUSED = 9;

export function liveMounts(runTool: RunTool, { perl, architecture }: Options): LiveMounts {
  const change = async ({ pid, startTime }: ProcessId, words: readonly string[], wait: Wait): Promise<string> => {
    const numbers = NUMBERS[architecture];
    if (perl === undefined || numbers === undefined) throw notHere();
    const argv = [perl, '-e', ATTACH, ...[...numbers, process.pid, pid].map(String), startTime, ...words];
    const { exitCode, stdout } = await runTool(argv, { ...wait, accept: [0, REFUSED] });
    return exitCode === 0 ? '' : stdout;
  };
  const points = async ({ pid }: ProcessId): Promise<readonly string[]> =>
    mountsBelow('/', await readFile(`/proc/${pid}/mountinfo`, 'utf8').catch(() => ''));

  return {
    points,
    attach: async (init, { source, destination, readOnly }, wait) => {
      const real = await sourceOf(source);
      const refusal = await change(init, ['mount', destination, real, readOnly ? '1' : ''], wait);
      if (refusal !== '') throw refused(refusal, { source, destination, deed: 'mounted' });
    },
    detach: async (init, destination, wait) => {
      const refusal = await change(init, ['unmount', destination], wait);
      if (refusal !== '') throw refused(refusal, { destination, deed: 'unmounted' });
    },
  };
}

async function sourceOf(source: string): Promise<string> {
  let real: string;
  try {
    real = await realpath(source);
    await stat(real);
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP')) throw error;
    throw new RuntimeError('INVALID_ARGUMENT', {
      what: `the source ${source} cannot be used`,
      next: 'give a file or directory that exists on this device',
      cause: error,
    });
  }
  // as for the mounts of an app's description, such an app could not be hibernated; here it is said before
  const below = mountsBelow(real, await readFile('/proc/self/mountinfo', 'utf8')).find((point) => point !== real);
  if (below === undefined) return real;
  throw new RuntimeError('INVALID_ARGUMENT', {
    what: `${source} has another file system mounted below it: ${below}`,
    next: 'mount directories that have none below them, each by itself',
  });
}

type Attempt = { readonly source?: string; readonly destination: string; readonly deed: string };
type Story = { readonly code: ErrorCode; readonly why: string; readonly next: string };

const ERRNO = { ENOENT: 2, EBUSY: 16, ENOTDIR: 20, EINVAL: 22, ELOOP: 40 } as const;

const STORIES: Readonly<Record<string, Story>> = {
  [`destination ${ERRNO.ENOENT}`]: {
    code: 'INVALID_ARGUMENT',
    why: 'there is no such place in the app',
    next: 'make it first: an empty directory for a directory, an empty file for a file (runtimectl exec ID -- mkdir DIR)',
  },
  [`destination ${ERRNO.ELOOP}`]: {
    code: 'INVALID_ARGUMENT',
    why: 'a symbolic link is on the way to it, and could lead anywhere',
    next: 'give the path without links',
  },
  [`destination ${ERRNO.ENOTDIR}`]: {
    code: 'INVALID_ARGUMENT',
    why: 'a file is on the way to it',
    next: 'give another destination',
  },
  [`move ${ERRNO.ENOTDIR}`]: {
    code: 'INVALID_ARGUMENT',
    why: 'one of both is a directory, the other is not',
    next: 'mount directories on directories and files on files',
  },
  [`unmount ${ERRNO.EBUSY}`]: {
    code: 'BUSY',
    why: 'the app uses it: an open file, a working directory, a program',
    next: 'have the app close what it uses there, and try again',
  },
  [`unmount ${ERRNO.EINVAL}`]: {
    code: 'MOUNT_FAILED',
    why: 'nothing is mounted there any more: the app has moved the directory',
    next: 'it goes away when the app ends',
  },
  'moved 0': {
    code: 'MOUNT_FAILED',
    why: 'the app exchanged the directories on the way to it at the same time',
    next: 'try again, or give a destination that the app cannot change',
  },
};

function refused(words: string, { source, destination, deed }: Attempt): RuntimeError {
  const [step = '', errno = '', ...message] = words.split(' ');
  const what = `${source === undefined ? destination : `${source} on ${destination}`} was not ${deed}`;
  if (step === 'process') {
    return new RuntimeError('ABORTED', { what: `${what}: the app has ended` });
  }
  const story = STORIES[`${step} ${errno}`];
  if (story !== undefined) return new RuntimeError(story.code, { what, next: story.next, cause: story.why });
  return new RuntimeError('MOUNT_FAILED', {
    what,
    next: 'the kernel refused it at this step; its log (dmesg) may say more',
    details: { step },
    cause: `${step}: ${message.join(' ')}`,
  });
}

const notHere = (): RuntimeError =>
  new RuntimeError('NOT_SUPPORTED', {
    what: 'mounts into apps that run need perl, on x64 or arm64',
    next: "install Debian's package perl-base, or give the mount with the run",
  });
