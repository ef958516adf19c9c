/** The device nodes of the machine that every container has, too: what they must be, who owns them, and what others may do with them. */
import { chmodSync, chownSync, lstatSync, statSync, type Stats } from 'node:fs';
import { isErrno } from '../../domain/errors.ts';
import type { MachineFault } from '../../domain/health.ts';

/** Character devices: runtime-spec config-linux.md, "Default Devices", and the terminals. Numbers: the kernel's admin-guide/devices.txt. */
const NUMBERS: Readonly<Record<string, string>> = {
  ...{ '/dev/null': '1:3', '/dev/zero': '1:5', '/dev/full': '1:7', '/dev/random': '1:8', '/dev/urandom': '1:9' },
  ...{ '/dev/tty': '5:0', '/dev/ptmx': '5:2' },
};
const NODES = [...Object.keys(NUMBERS), '/dev/console'];
const EVERYBODY = 0o666;

type Node = { readonly uid: number; readonly gid: number; readonly mode: number };

/** By path, at one moment. */
export type NodesSeen = ReadonlyMap<string, Node>;

export function lookAtNodes(): NodesSeen {
  return new Map(
    NODES.flatMap((path) => {
      const node = nodeAt(path);
      return node === undefined ? [] : [[path, { uid: node.uid, gid: node.gid, mode: node.mode }] as const];
    }),
  );
}

function nodeAt(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENXIO', 'EACCES')) return undefined;
    throw error;
  }
}

/** What was taken from root or from everybody since then is given back: `/dev/null belongs to 30004:30004`. */
export function giveBackNodes(before: NodesSeen): readonly string[] {
  return [...before].flatMap(([path, { uid, gid, mode }]) => {
    const now = nodeAt(path);
    if (now === undefined) return [];
    const isTaken = now.uid !== uid && now.uid !== 0;
    const isClosed = (mode & EVERYBODY & ~now.mode) !== 0;
    if (!isTaken && !isClosed) return [];
    chownSync(path, uid, gid);
    chmodSync(path, mode & 0o7777);
    return [`${path} belonged to ${now.uid}:${now.gid} with mode ${(now.mode & 0o7777).toString(8)}`];
  });
}

/** Each node that is not what it must be, with the command that repairs it. */
export const wrongNodes = (): readonly MachineFault[] =>
  Object.entries(NUMBERS).flatMap(([path, number]) => faultOf(path, number) ?? []);

function faultOf(path: string, number: string): MachineFault | undefined {
  // a link into devpts has the mode that devpts gives it (Documentation/filesystems/devpts.rst)
  if (path === '/dev/ptmx' && lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true) return undefined;
  const node = nodeAt(path);
  const make = `mknod -m 666 ${path} c ${number.replace(':', ' ')}`;
  if (node === undefined) return fault(path, `${path} is missing`, { state: gradeOf(path, 'missing'), next: make });
  const kind = kindOf(node);
  if (kind !== `character device ${number}`) {
    const what = `${path} is a ${kind} and not the character device ${number}`;
    return fault(path, what, { state: gradeOf(path, 'wrong'), next: `rm -r ${path} && ${make}` });
  }
  const mode = (node.mode & 0o777).toString(8);
  if ((node.mode & EVERYBODY) !== EVERYBODY) {
    const what = `${path} has mode ${mode} and not 666`;
    return fault(path, what, { state: gradeOf(path, 'wrong'), next: `chmod 666 ${path}` });
  }
  if (OWNERS.has(node.uid)) return undefined;
  return fault(path, `${path} belongs to user ${node.uid} and not to root`, {
    state: 'warn',
    next: `chown 0 ${path}`,
  });
}

/** Root of the machine, also as a user namespace shows it that does not have it (proc(5), /proc/sys/kernel/overflowuid). */
const OWNERS: ReadonlySet<number> = new Set([0, 65_534]);

/** runc and crun bind each but ptmx into a container, and runc opens its null there (libcontainer/utils_linux.go, reOpenDevNull). */
function gradeOf(path: string, how: 'missing' | 'wrong'): 'warn' | 'fail' {
  if (path === '/dev/ptmx') return 'warn';
  return how === 'missing' || path === '/dev/null' ? 'fail' : 'warn';
}

function fault(path: string, what: string, { state, next }: Pick<MachineFault, 'state' | 'next'>): MachineFault {
  const shared =
    path === '/dev/ptmx' ? 'programs of this machine get their terminals by it' : 'every app gets it as it is here';
  return {
    code: 'DEVICE_NODE',
    state,
    what,
    why: state === 'fail' ? `${shared}, and none can be started` : shared,
    next,
  };
}

function kindOf(node: Stats): string {
  const number = `${(node.rdev >> 8) & 0xfff}:${(node.rdev & 0xff) | ((node.rdev >> 12) & 0xfff00)}`;
  if (node.isCharacterDevice()) return `character device ${number}`;
  if (node.isBlockDevice()) return `block device ${number}`;
  if (node.isDirectory()) return 'directory';
  return node.isFile() ? 'file' : 'FIFO or socket';
}
