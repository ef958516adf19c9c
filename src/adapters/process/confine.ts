/**
 * Command lines of helpers that touch what an app, or an image of one, says: each becomes its program with no more than it needs. One
 * runner for all of them (decision 0176): user, abilities, control group, limits, network, files, system calls.
 */
import { CONFINE } from './confine-script.ts';
import { seccompFilter } from './seccomp-filter.ts';

/** Abilities that stay with a helper of root's, by their numbers. Source: linux/capability.h */
const CAPABILITIES = { chown: 0, dacOverride: 1, fowner: 3, fsetid: 4, mknod: 27, setfcap: 31 } as const;

/** Numbers of resources for setrlimit(2). */
const LIMITS = { cpuSeconds: 0, fileBytes: 1, coreBytes: 4 } as const;

export type Confinement = {
  /** Root, with these `capabilities` only, when absent. */
  readonly user?: { readonly uid: number; readonly gid: number };
  readonly capabilities?: readonly (keyof typeof CAPABILITIES)[];
  /** Whether it may reach any network. */
  readonly network: boolean;
  /** Below these, and below what programs need, it may read; `all`: everywhere. */
  readonly reads: readonly string[] | 'all';
  /** Below these it may do anything. */
  readonly writes: readonly string[];
  readonly limits?: Partial<Readonly<Record<keyof typeof LIMITS, number>>>;
  /** `cgroup.procs` of the groups that it joins before it begins. */
  readonly groups?: readonly string[];
  /** Its whole environment; that of the caller when absent. */
  readonly env?: Readonly<Record<string, string>>;
  /** It ends with the daemon. */
  readonly endsWithDaemon: boolean;
};

/** prctl, prlimit64, unshare, setgroups, setresgid, setresuid, openat. Source: asm/unistd_64.h, asm-generic/unistd.h */
const NUMBERS: Readonly<Record<string, readonly number[]>> = {
  x64: [157, 302, 272, 116, 119, 117, 257],
  arm64: [167, 261, 97, 159, 149, 147, 56],
};

/** A job of the daemon's can be done again, so it goes before any app; a display goes no sooner than its app. Never the daemon's own. */
const OOM_SCORES = { job: 500, display: 0 } as const;

/**
 * Programs, their libraries (of a bundle they lie next to the directory that PATH names), and what libc and Go look at. Nothing of /etc
 * that could be a secret, no process but itself.
 */
const PROGRAM_FILES = [
  ...['/usr', '/bin', '/sbin', '/lib', '/lib64', '/proc/self', '/dev/urandom', '/dev/random', '/dev/zero'],
  ...[
    '/etc/ld.so.cache',
    '/etc/ld.so.preload',
    '/etc/localtime',
    '/etc/nsswitch.conf',
    '/etc/passwd',
    '/etc/group',
    '/etc/alternatives',
  ],
  ...[
    '/etc/mke2fs.conf',
    '/etc/e2fsck.conf',
    '/etc/fonts',
    '/proc/sys',
    '/proc/filesystems',
    '/proc/mounts',
    '/sys/kernel/mm',
  ],
];
const ALWAYS_WRITTEN = ['/dev/null', '/dev/full'];

/** On a machine whose system calls we do not know the helper runs as `setpriv` can hold it. */
export function confined(argv: readonly string[], confinement: Confinement): readonly string[] {
  const numbers = NUMBERS[process.arch];
  const filter = seccompFilter(process.arch, confinement.network);
  if (numbers === undefined || filter === undefined) return withSetpriv(argv, confinement);
  return ['perl', '-e', CONFINE, ...numbers.map(String), ...wordsOf(confinement), `filter=${filter}`, '--', ...argv];
}

function wordsOf(confinement: Confinement): readonly string[] {
  const { user, capabilities = [], network, reads, writes, groups = [], env } = confinement;
  const limits = { coreBytes: 0, ...confinement.limits };
  const many = (name: string, values: readonly string[]) => values.map((value) => `${name}=${value}`);
  return [
    ...many('join', groups),
    `oom=${confinement.endsWithDaemon ? OOM_SCORES.job : OOM_SCORES.display}`,
    ...Object.entries(limits).map(([name, most]) => `limit=${LIMITS[name as keyof typeof LIMITS]}:${most}`),
    ...(network ? [] : ['net=1']),
    `caps=${capabilities.map((one) => CAPABILITIES[one]).join(',')}`,
    ...(user === undefined ? [] : [`ids=${user.uid}:${user.gid}`]),
    ...(confinement.endsWithDaemon ? [`parent=${process.pid}`] : []),
    ...(reads === 'all' ? ['rest=1'] : many('read', [...PROGRAM_FILES, ...reads])),
    ...many('write', [...ALWAYS_WRITTEN, ...writes]),
    ...many(
      'env',
      Object.entries(env ?? {}).map(([name, value]) => `${name}=${value}`),
    ),
  ];
}

function withSetpriv(argv: readonly string[], { user, env, endsWithDaemon }: Confinement): readonly string[] {
  const ids =
    user === undefined ? [] : [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups', '--bounding-set=-all'];
  const variables = env && ['/usr/bin/env', '-i', ...Object.entries(env).map(([name, value]) => `${name}=${value}`)];
  const end = endsWithDaemon ? ['--pdeathsig', 'KILL'] : [];
  return ['setpriv', ...ids, '--no-new-privs', ...end, '--', ...(variables ?? []), ...argv];
}
