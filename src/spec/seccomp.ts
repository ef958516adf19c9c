/**
 * Which system calls an app may make: an allow-list of what ordinary programs without capabilities need. Everything else
 * answers EPERM, so that a program can go on without it.
 *
 * One entry holds all names that need no look at arguments: every entry with arguments costs code in the filter, and the
 * filter is made anew at every start. Names that an older libseccomp does not know are left out by runc and crun; calls
 * newer than all names here answer ENOSYS (runc). Only the native architecture: a 32-bit program is killed at its first
 * call, and making the filter takes half as long.
 *
 * Left out: mounts and namespaces, modules, keyrings, bpf, perf, userfaultfd, fanotify, swap, clocks, reboot, quotas,
 * handles to files by number, NUMA placement, modify_ldt, io ports, the kernel's log.
 */
import type { OciSeccomp, OciSeccompRule } from './oci-types.ts';
import { SYSTEM_CALLS } from './system-calls.ts';

export type Architecture = 'x64' | 'arm64';

const ARCHITECTURES = { x64: 'SCMP_ARCH_X86_64', arm64: 'SCMP_ARCH_AARCH64' } as const;

const EPERM = 1;
const ENOSYS = 38;

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET (sched.h). */
const NEW_NAMESPACES = 0x7e02_0000;

/** Unix, IPv4, IPv6, netlink. Not vsock or AF_ALG, and none of the old and rare ones, where the kernel's holes are. */
const FAMILIES = [1, 2, 10, 16];
const AF_UNIX = 1;

/** PER_LINUX, PER_LINUX32, both with UNAME26, and the question which one it is (personality(2)). */
const PERSONALITIES = [0x0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff];

/**
 * ENOSYS tells a program to use the older way, and it does: glibc tries clone3 (whose flags lie in memory, where a filter
 * cannot look), then clone. An app with an io_uring or secret memory cannot be hibernated, so it shall not have one.
 */
const ABSENT = ['clone3', 'io_uring_enter', 'io_uring_register', 'io_uring_setup', 'memfd_secret'];

const allowFirst = (name: string, value: number): OciSeccompRule => ({
  names: [name],
  action: 'SCMP_ACT_ALLOW',
  args: [{ index: 0, value, op: 'SCMP_CMP_EQ' }],
});

const RULES: readonly OciSeccompRule[] = [
  { names: SYSTEM_CALLS, action: 'SCMP_ACT_ALLOW' },
  {
    names: ['clone'],
    action: 'SCMP_ACT_ALLOW',
    args: [{ index: 0, value: NEW_NAMESPACES, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }],
  },
  ...FAMILIES.map((family) => allowFirst('socket', family)),
  allowFirst('socketpair', AF_UNIX),
  ...PERSONALITIES.map((value) => allowFirst('personality', value)),
  { names: ABSENT, action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS },
];

export const seccomp = (architecture: Architecture): OciSeccomp => ({
  defaultAction: 'SCMP_ACT_ERRNO',
  defaultErrnoRet: EPERM,
  architectures: [ARCHITECTURES[architecture]],
  syscalls: RULES,
});
