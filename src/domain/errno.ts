/** What errors of the operating system mean to callers: the one place where an errno becomes a code. Source: errno(3). */

export type Meaning = {
  /** Of errors.ts. */
  readonly code: 'NO_SPACE' | 'OUT_OF_RESOURCES' | 'DISK_UNUSABLE' | 'CORRUPT_FILE';
  /** For an error that has no words of its own. */
  readonly what: string;
  readonly next: string;
};

const FULL: Meaning = {
  code: 'NO_SPACE',
  what: 'a disk of the daemon is full',
  next: 'make room on the disk of the state and run directories, for blocks (df -h) and for files (df -i)',
};
const READ_ONLY: Meaning = {
  code: 'DISK_UNUSABLE',
  what: 'a file system of the daemon cannot be written',
  next: 'look at its mount options (findmnt) and at the kernel log (dmesg): a file system with errors becomes read-only',
};
const REFUSED: Meaning = {
  code: 'DISK_UNUSABLE',
  what: 'the kernel refuses the daemon a file',
  next: 'look at owner, mode and mount options of the file; a security module (AppArmor, SELinux) or the settings of the service may be in the way',
};
const WRONG_KIND: Meaning = {
  code: 'CORRUPT_FILE',
  what: 'a file or directory of the daemon is of another kind than it must be',
  next: 'look at it with ls -l, and move away what is in its place',
};
const KERNEL_LIMIT: Meaning = {
  code: 'OUT_OF_RESOURCES',
  what: 'a limit of the kernel is reached',
  next: 'raise what the error names: user.max_*_namespaces or fs.inotify.max_user_watches (sysctl), or the cpus and mems of the parent control group',
};

/** Something is used up: true whatever was being done, so that it says more than "the start failed". */
const LACKS: Readonly<Record<string, Meaning>> = {
  ENOSPC: FULL,
  EDQUOT: {
    ...FULL,
    what: 'the disk quota of the daemon is used up',
    next: 'make room, or raise the quota (quota(1))',
  },
  EMFILE: {
    code: 'OUT_OF_RESOURCES',
    what: 'the daemon has no file descriptor left',
    next: 'close clients and end apps that are not needed, or raise the limit (LimitNOFILE= of the service, prlimit --nofile)',
  },
  ENFILE: {
    code: 'OUT_OF_RESOURCES',
    what: 'the machine has no file descriptor left',
    next: 'find the process that holds them (lsof), or raise fs.file-max (sysctl)',
  },
  ENOMEM: {
    code: 'OUT_OF_RESOURCES',
    what: 'the machine has no memory left for it',
    next: 'hibernate or end apps that are not needed (runtimectl top)',
  },
  EAGAIN: {
    code: 'OUT_OF_RESOURCES',
    what: 'no more processes can be made',
    next: 'end apps that are not needed, or raise kernel.pid_max (sysctl) or the limit of the service (TasksMax=)',
  },
};

/** Said of a file of the daemon; in a tool's words they may be about a file of the app. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  ...LACKS,
  EROFS: READ_ONLY,
  EIO: {
    ...READ_ONLY,
    what: 'a disk of the daemon has failed',
    next: 'look at the kernel log (dmesg) and at the disk',
  },
  EACCES: REFUSED,
  EPERM: REFUSED,
  ELOOP: WRONG_KIND,
  ENOTDIR: WRONG_KIND,
  EISDIR: WRONG_KIND,
};

type Words = { readonly match: RegExp; readonly meaning: Meaning };

/** strerror(3) as tools print it; the first that fits counts. The kernel says ENOSPC for used up namespaces and watches, too. */
const WORDS: readonly Words[] = [
  {
    match: /(?:unshare|clone|fork\/exec|namespace|inotify|cgroup|cpuset)[^|\n]*no space left on device/i,
    meaning: KERNEL_LIMIT,
  },
  { match: /no space left on device|\bENOSPC\b|database or disk is full/i, meaning: FULL },
  { match: /disk quota exceeded|quota exceeded|\bEDQUOT\b/i, meaning: LACKS['EDQUOT'] ?? FULL },
  { match: /too many open files in system|\bENFILE\b/i, meaning: LACKS['ENFILE'] ?? KERNEL_LIMIT },
  { match: /too many open files|\bEMFILE\b/i, meaning: LACKS['EMFILE'] ?? KERNEL_LIMIT },
];

/** Codes that only say what did not work. */
const GENERAL: ReadonlySet<string> = new Set([
  ...['INTERNAL', 'TOOL_FAILED', 'START_FAILED', 'ENGINE_UNAVAILABLE', 'COMMAND_NOT_FOUND'],
  ...['CHECKPOINT_FAILED', 'RESTORE_FAILED', 'SUSPEND_FAILED', 'RESUME_FAILED', 'CORRUPT_FILE'],
  ...['DISPLAY_FAILED', 'MOUNT_FAILED', 'NETWORK_FAILED', 'LIMIT_FAILED', 'BUNDLE_INVALID'],
]);

export const isGeneral = (code: string): boolean => GENERAL.has(code);

const codeOf = (error: Error): string => ('code' in error ? String(error.code) : '');

/** Of an error that Node itself threw; undefined for what is none of these. */
export const meaningOf = (thrown: unknown): Meaning | undefined =>
  thrown instanceof Error ? (MEANINGS[codeOf(thrown)] ?? wordsOf(thrown.message)) : undefined;

/** What is used up, by an error or the words of a tool somewhere below one with this code; undefined when the code says enough. */
export function lackBelow(code: string, cause: unknown): Meaning | undefined {
  if (!isGeneral(code)) return undefined;
  if (typeof cause === 'string') return wordsOf(cause);
  if (!(cause instanceof Error)) return undefined;
  return LACKS[codeOf(cause)] ?? wordsOf(cause.message) ?? lackBelow(code, cause.cause);
}

const wordsOf = (text: string): Meaning | undefined => WORDS.find(({ match }) => match.test(text))?.meaning;
