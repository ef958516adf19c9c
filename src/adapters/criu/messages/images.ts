/** The image and what it needs: space, whole files, the same files and machine at the wake; and the runtime's own words. */
import { SET_UP } from '../../../domain/set-up.ts';
import type { Message } from './message.ts';

const DAMAGED = {
  code: 'IMAGE_DAMAGED',
  next: 'the app cannot be woken from this image: kill it and run it anew, or put the image back from a copy',
} as const;

const CHANGED = {
  code: 'FILE_CHANGED',
  why: 'the app has this file open or mapped and goes on as if it were the same',
  next: 'put the file back as it was when the app hibernated and wake it again, or kill the app and run it anew',
} as const;

const MACHINE = {
  code: 'CPU_MISMATCH',
  what: 'this processor cannot do what the app was using when it hibernated',
  why: 'the image was made on another machine, or the processor features of this one were changed',
  next: 'wake the app on the machine it was hibernated on, or kill it and run it anew',
} as const;

export const IMAGE_MESSAGES: readonly Message[] = [
  {
    code: 'NO_SPACE',
    match: /(?:No space left on device|Disk quota exceeded|File too large)$/,
    source: 'criu/page-xfer.c, criu/bfd.c, criu/image.c',
    what: 'the disk for hibernation images is full',
    why: 'an image takes about as much room as the app has memory in use',
    next: 'make room, or end or wake another hibernated app, and try again',
  },
  {
    code: 'NO_SPACE',
    match: /Img trimmed \d+\/\d+/,
    source: 'criu/image.c',
    what: 'a file of the image could not be written or read as a whole',
    why: 'the disk for hibernation images is full, or the file was cut off',
    next: 'make room and try again',
  },
  {
    ...DAMAGED,
    match: /Read \d+ bytes while \d+ expected (?:from|on) (?<path>[^:\s]+)/,
    source: 'criu/protobuf.c',
    what: 'the image is cut off: {path} is too short',
    why: 'the file was not written to its end, or was changed since',
  },
  {
    ...DAMAGED,
    match: /Unexpected EOF on \(empty-image\)/,
    source: 'criu/protobuf.c',
    what: 'a file of the image is missing',
    why: 'it was deleted, or was never written',
  },
  {
    ...DAMAGED,
    match: /Unexpected EOF on (?<path>\S+)/,
    source: 'criu/protobuf.c',
    what: 'the image is cut off: {path} is too short',
    why: 'the file was not written to its end, or was changed since',
  },
  {
    ...DAMAGED,
    match: /Reached EOF unexpectedly while reading page|Can't read (?:async pr bytes|pages data|mapping page)/,
    source: 'criu/pagemap.c, criu/pie/restorer.c',
    what: 'the memory of the app is not whole in the image (pages-*.img)',
    why: 'the file is missing or too short',
  },
  {
    ...DAMAGED,
    match: /(?:Head magic|Magic) doesn't match for (?<path>\S+)/,
    source: 'criu/image.c',
    what: '{path} is not a file of a hibernation image',
    why: 'the file was overwritten, or is compressed or encrypted',
  },
  {
    ...DAMAGED,
    match:
      /Failed unpacking object|[Cc]orrupt(?:ed|ion)|Parent missed on non-root task|Can't find a parent for|Page entry address|Core (?:task state|IDS|info) data missed/,
    source: 'criu/protobuf.c, criu/pstree.c, criu/cr-restore.c',
    what: 'the image is damaged',
    why: 'what it says does not fit together',
  },
  {
    code: 'IMAGE_FOREIGN',
    match:
      /Not supported images version|Too old image|Core march mismatch|Missing required plugin|No IDS for root task/,
    source: 'criu/image.c, criu/cr-restore.c',
    what: 'this CRIU cannot read the image',
    why: 'it was made by another version of CRIU or on another kind of machine',
    next: 'use the CRIU and the machine that the app was hibernated with',
  },
  {
    code: 'IMAGE_UNREADABLE',
    match: /Unable to open (?<path>\S+\.img): (?<reason>.*)$/,
    source: 'criu/image.c',
    what: '{path} of the image could not be opened',
    why: "the kernel says: {reason}; the container's own root, who is nobody outside, must be able to enter the directory",
    next: 'let others pass through the image directory and all above it (mode 0711), and see that the file is there',
  },
  {
    code: 'IMAGE_MISSING',
    match: /open (?<path>\S+)\/descriptors\.json: no such file or directory|Can't open dir (?<path2>\S+): No such file/,
    source: 'runc, criu/image.c',
    what: 'there is no image at {path}',
    why: 'it was deleted or moved',
    next: 'put the image back, or kill the app and run it anew',
  },
  {
    ...CHANGED,
    match: /File \/?(?<path>.*) has bad size (?<size>\d+) \(expect (?<expected>\d+)\)/,
    source: 'criu/files-reg.c',
    what: '/{path} has another size now ({size} bytes) than when the app hibernated ({expected} bytes)',
  },
  {
    ...CHANGED,
    match: /File \/?(?<path>.*) has bad build-ID/,
    source: 'criu/files-reg.c',
    what: '/{path} is another build of the program or library than when the app hibernated',
  },
  {
    ...CHANGED,
    match: /File \/?(?<path>.*) has bad mode (?<mode>\d+) \(expect (?<expected>\d+)\)/,
    source: 'criu/files-reg.c',
    what: '/{path} has other permissions now ({mode}) than when the app hibernated ({expected})',
    next: 'give the file its permissions back and wake the app again',
  },
  {
    code: 'FILE_MISSING',
    match: /Can't open file \/?(?<path>.*?)(?: on restore)?: (?<reason>.*)$/,
    source: 'criu/files-reg.c',
    what: '/{path}, which the app had open, could not be opened again',
    why: 'the kernel says: {reason}',
    next: 'put the file back as it was when the app hibernated and wake it again',
  },
  {
    code: 'FILE_MISSING',
    match: /Can't open file \/?(?<path>.*) on restore$/,
    source: 'criu/files-reg.c',
    what: '/{path}, which the app had open, could not be opened again',
    why: 'the file, or the root file system it is on, is not there',
    next: 'put it back as it was when the app hibernated and wake it again',
  },
  {
    ...MACHINE,
    match:
      /CPU (?:instruction )?capabilities do not match|FPU feature required by image|CPU xfeatures has unsupported|CPU xsave (?:max )?size mismatch|Image carries unknown vendor/,
    source: 'criu/arch/x86/cpu.c',
  },
  {
    code: 'CRIU_MISSING',
    match: /(?:exec: )?"?criu"?: executable file not found/,
    source: 'runc',
    what: 'CRIU is not there',
    why: 'the runtime looks for `criu` in the PATH of the daemon',
    next: `install CRIU (${SET_UP})`,
  },
  {
    code: 'CRIU_OPTION',
    match: /criu: unrecognized option '(?<option>[^']*)'/,
    source: 'criu/config.c',
    what: 'CRIU does not know the option {option}',
    why: 'a configuration file of CRIU names it (/etc/criu, or the one that the container names)',
    next: 'remove the line from the file, or install a newer CRIU',
  },
  {
    code: 'ID_IN_USE',
    match: /container with given ID already exists/,
    source: 'runc',
    what: 'the runtime still has a container with this id',
    why: 'an earlier attempt was broken off and what it left was not cleared away',
    next: 'wake the app again: Runtime Manager clears the rest away first',
  },
  {
    code: 'RUNTIME_REFUSED',
    match: /(?:Pre dump|Pre-resume|Post-resume) script .*(?:failed with|ret code)|due to (?:pre|post)-restore script/,
    source: 'criu/cr-dump.c, criu/cr-restore.c',
    what: 'the runtime broke off the work of CRIU',
    why: 'a step of the runtime (a hook, the network set-up, its own state file) failed',
    next: "read what the runtime wrote beside CRIU's log",
  },
  {
    code: 'RUNTIME_REFUSED',
    match: /criu failed: type NOTIFY errno (?<errno>\d+)/,
    source: 'runc',
    what: 'the runtime and CRIU did not come to an end together',
    why: 'CRIU ended, or refused to go on, at a step that it had announced to the runtime; {reason}',
    next: "read CRIU's log; most often CRIU was killed, or there was no memory left",
    weak: true,
  },
];
