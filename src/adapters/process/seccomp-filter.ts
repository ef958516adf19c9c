/**
 * A filter of system calls for helpers, as a program of classic BPF. Source: Documentation/userspace-api/seccomp_filter.rst,
 * linux/filter.h, linux/audit.h; the numbers: asm/unistd_64.h, asm-generic/unistd.h.
 */

/** On x64 and arm64; null: the machine has none. No helper needs these, and each has been a way out of a sandbox or to all processes. */
const DENIED: readonly (readonly [x64: number, arm64: number | null])[] = [
  ...([
    [101, 117],
    [310, 270],
    [311, 271],
    [312, 272],
    [438, 438],
    [440, 440],
  ] as const), // ptrace, process_vm_*, kcmp, pidfd_getfd, process_madvise
  ...([
    [165, 40],
    [166, 39],
    [155, 41],
    [161, 51],
    [272, 97],
    [308, 268],
  ] as const), // mount, umount2, pivot_root, chroot, unshare, setns
  ...([
    [428, 428],
    [429, 429],
    [430, 430],
    [431, 431],
    [432, 432],
    [433, 433],
    [442, 442],
  ] as const), // open_tree … fspick, mount_setattr
  ...([
    [175, 105],
    [313, 273],
    [176, 106],
    [246, 104],
    [320, 294],
  ] as const), // modules, kexec
  ...([
    [321, 280],
    [298, 241],
    [323, 282],
    [425, 425],
    [426, 426],
    [427, 427],
  ] as const), // bpf, perf, userfaultfd, io_uring
  ...([
    [250, 219],
    [248, 217],
    [249, 218],
    [304, 265],
    [212, 18],
  ] as const), // keys, open_by_handle_at, lookup_dcookie
  ...([
    [279, 239],
    [256, 238],
    [237, 235],
    [238, 237],
    [450, 450],
  ] as const), // move_pages, NUMA
  ...([
    [167, 224],
    [168, 225],
    [169, 142],
    [170, 161],
    [171, 162],
    [163, 89],
  ] as const), // swap, reboot, names, acct
  ...([
    [164, 170],
    [227, 112],
    [305, 266],
    [159, 171],
  ] as const), // clocks
  ...([
    [179, 60],
    [443, 443],
    [180, 42],
    [153, 58],
    [103, 116],
    [135, 92],
    [447, 447],
  ] as const), // quota, nfs, vhangup, syslog, personality, memfd_secret
  ...([
    [172, null],
    [173, null],
    [154, null],
  ] as const), // iopl, ioperm, modify_ldt
];

type Machine = {
  readonly audit: number;
  readonly at: 0 | 1;
  readonly clone: number;
  readonly socket: number;
  readonly ioctl: number;
};

const MACHINES: Readonly<Record<string, Machine>> = {
  x64: { audit: 0xc000003e, at: 0, clone: 56, socket: 41, ioctl: 16 },
  arm64: { audit: 0xc00000b7, at: 1, clone: 220, socket: 198, ioctl: 29 },
};

/** Of Linux 6.12; what came later is not there, and x32's calls, which have a high bit set, neither. */
const LAST_NUMBER = 462;
/** Its flags lie in memory, where a filter cannot look: C libraries take clone then. */
const CLONE3 = 435;
const NEW_NAMESPACES = 0x7e020080;
const TIOCSTI = 0x5412;
const AF_UNIX = 1;

const ERRNO = { EPERM: 1, ENOSYS: 38, EAFNOSUPPORT: 97 } as const;
const ALLOW = 0x7fff0000;
const KILL = 0x80000000;
const refuse = (errno: keyof typeof ERRNO): number => 0x00050000 | ERRNO[errno];

/** Offsets in struct seccomp_data. */
const [NUMBER, ARCHITECTURE, FIRST, SECOND] = [0, 4, 16, 24];

type Step = readonly [code: number, yes: number, no: number, value: number];
const load = (offset: number): Step => [0x20, 0, 0, offset];
const give = (value: number): Step => [0x06, 0, 0, value];
/** Goes on with the next step when equal, else skips so many. */
const onlyIf = (value: number, skip: number): Step => [0x15, 0, skip, value];
const onlyIfAny = (bits: number, skip: number): Step => [0x45, 0, skip, bits];
const unless = (value: number, skip: number): Step => [0x15, skip, 0, value];
const onlyAbove = (value: number, skip: number): Step => [0x25, 0, skip, value];

/** Undefined on another machine. `network`: whether it may open other sockets than UNIX ones. Hexadecimal. */
export function seccompFilter(architecture: string, network: boolean): string | undefined {
  const machine = MACHINES[architecture];
  if (machine === undefined) return undefined;
  const denied = DENIED.flatMap((row) => row[machine.at] ?? []);
  const steps: readonly Step[] = [
    ...[load(ARCHITECTURE), unless(machine.audit, 1), give(KILL)],
    load(NUMBER),
    ...[onlyAbove(LAST_NUMBER, 1), give(refuse('ENOSYS'))],
    ...[onlyIf(CLONE3, 1), give(refuse('ENOSYS'))],
    ...denied.flatMap((number) => [onlyIf(number, 1), give(refuse('EPERM'))]),
    ...[onlyIf(machine.clone, 4), load(FIRST), onlyIfAny(NEW_NAMESPACES, 1), give(refuse('EPERM')), give(ALLOW)],
    ...[onlyIf(machine.ioctl, 4), load(SECOND), onlyIf(TIOCSTI, 1), give(refuse('EPERM')), give(ALLOW)],
    ...(network
      ? []
      : [onlyIf(machine.socket, 4), load(FIRST), unless(AF_UNIX, 1), give(refuse('EAFNOSUPPORT')), give(ALLOW)]),
    give(ALLOW),
  ];
  const bytes = Buffer.alloc(steps.length * 8);
  for (const [at, [code, yes, no, value]] of steps.entries()) {
    bytes.writeUInt16LE(code, at * 8);
    bytes.writeUInt8(yes, at * 8 + 2);
    bytes.writeUInt8(no, at * 8 + 3);
    bytes.writeUInt32LE(value >>> 0, at * 8 + 4);
  }
  return bytes.toString('hex');
}
