/** Memory: mappings, huge pages, pages on demand. */
import type { Message } from './message.ts';

const UNSUPPORTED = {
  code: 'UNSUPPORTED_MAPPING',
  next: 'find out with /proc/PID/maps what it is, and let the app unmap it before it hibernates',
} as const;

const LIMIT = {
  code: 'MEMORY_LIMIT',
  next: 'give the app a higher memory limit, or free memory on the machine, and wake it again',
} as const;

const LAZY = {
  code: 'PAGE_DAEMON',
  why: 'an app that wakes before its memory is read needs this process until all of its memory is there',
  next: 'wake the app again: its image is kept',
} as const;

export const MEMORY_MESSAGES: readonly Message[] = [
  {
    ...UNSUPPORTED,
    match: /Unknown shit \d+ \((?<path>.*)\)/,
    source: 'criu/proc_parse.c',
    about: 'process',
    what: '{who} has mapped something into its memory that cannot be saved ({path})',
    why: 'CRIU does not know this kind of memory',
  },
  {
    ...UNSUPPORTED,
    match: /Unsupported mapping found|Bogus mapping|Strange file mapped/,
    source: 'criu/proc_parse.c',
    about: 'process',
    what: '{who} has memory of a kind that cannot be saved',
    why: 'CRIU does not know this kind of memory',
  },
  {
    code: 'DEVICE_MAPPING',
    match: /Can't handle non-regular mapping on (?<pid>\d+)'s map/,
    source: 'criu/proc_parse.c',
    about: 'process',
    what: '{who} has the memory of a device mapped',
    why: 'what is in a device (a graphics card, for instance) cannot be saved',
    next: 'let the app close the device before it hibernates, or run it without the device',
  },
  {
    code: 'UPROBES',
    match: /PID (?<pid>\d+) has uprobes vma/,
    source: 'criu/proc_parse.c',
    about: 'process',
    what: '{who} is being traced with uprobes',
    why: 'the tracer has put code of the kernel into its memory, which cannot be saved',
    next: 'end the tracing (bpftrace, perf probe, SystemTap) and try again',
  },
  {
    code: 'AIO',
    match: /Failed to check aio rings|Ring setup failed with|wrong aio:|Can't submit aio/,
    source: 'criu/cr-dump.c, criu/pie/restorer.c',
    about: 'process',
    what: 'the kernel AIO of {who} could not be saved or set up again',
    why: 'requests under way belong to the kernel and cannot be saved',
    next: 'try again when the app is idle, or switch kernel AIO off in it',
  },
  {
    code: 'KERNEL_FEATURE',
    match: /Can't dump high memory region|kernel does only support vmas up to/,
    source: 'criu/proc_parse.c, criu/mem.c',
    what: 'the kernel cannot handle memory at the addresses that {who} uses',
    why: 'CRIU needs a newer kernel for it',
    next: 'use a newer kernel',
  },
  {
    ...LIMIT,
    match: /: Cannot allocate memory$/,
    source: 'criu/mem.c and others',
    what: 'there was not enough memory to go on',
    why: "CRIU works inside the app's own memory limit",
  },
  {
    ...LIMIT,
    match: /(?<inner>\d+) killed by signal 9: /,
    source: 'criu/cr-restore.c',
    what: 'process {inner} of the app was killed while it was being restored',
    why: 'most often its memory limit is too small: the app and CRIU together must fit into it at a wake',
  },
  {
    ...LIMIT,
    match: /read unixpacket @->@: EOF/,
    source: 'runc',
    what: 'CRIU was killed while it restored the app',
    why: 'most often the memory limit is too small: the app and CRIU together must fit into it at a wake',
    weak: true,
  },
  {
    code: 'VDSO',
    match: /Task had vdso, restorer doesn't|Failed to map vdso|Can't fixup vdso VMAs|Can't find vDSO\/VVAR bounds/,
    source: 'criu/vdso.c, criu/pie/restorer.c',
    what: 'the part of the kernel that lives in every process (vDSO) could not be fitted',
    why: 'the image was made on another kernel, or this CRIU is too old for this kernel',
    next: 'wake the app on the kernel it was hibernated on, or install a newer CRIU',
  },
  {
    code: 'MEMORY_TRACKING',
    match: /criu is missing features: \[MemTrack\]|dirty memory tracker/,
    source: 'runc, criu/mem.c',
    what: 'the kernel does not track which memory an app changes',
    why: 'hibernating in steps (pre-dump) needs a kernel with CONFIG_MEM_SOFT_DIRTY',
    next: 'hibernate in one step',
  },
  {
    code: 'CRIU_FEATURE',
    match: /criu is missing features: \[(?<features>.*)\]/,
    source: 'runc',
    what: 'CRIU or the kernel lacks: {features}',
    why: 'the runtime asks for it before it begins',
    next: 'install a newer CRIU, or use a newer kernel',
  },
  {
    code: 'USERFAULTFD_FORBIDDEN',
    match: /Unable to open an userfaultfd descriptor: (?<reason>.*)$/,
    source: 'criu/uffd.c',
    what: 'the app could not be woken before its memory was read',
    why: 'userfaultfd is not allowed here ({reason}): in a user namespace it needs vm.unprivileged_userfaultfd = 1 at the wake',
    next: 'set vm.unprivileged_userfaultfd to 1, or wake the app without lazy pages',
  },
  {
    ...LAZY,
    match: /connect to (?<path>\S+) failed: (?<reason>.*)$/,
    source: 'criu/uffd.c',
    what: "the process that hands out the app's memory on demand (criu lazy-pages) does not run: {reason}",
  },
  {
    ...LAZY,
    match:
      /lazy-pages: register \w+ failed|Failed sending restore finished indication|page server doesn't answer|Remote side closed connection/,
    source: 'criu/uffd.c, criu/page-xfer.c, criu/pie/restorer.c',
    what: "the process that hands out the app's memory on demand (criu lazy-pages) ended too early",
  },
  {
    code: 'HUGE_PAGES',
    match: /Can't create memfd:|Cannot disable THP|Unable to map ANON_VMA: /,
    source: 'criu/memfd.c, criu/mem.c',
    what: 'memory of {who} could not be set up again',
    why: 'huge pages that the app had are not there any more, or the kernel refused',
    next: 'reserve as many huge pages as the app had (vm.nr_hugepages) and wake it again',
  },
];
