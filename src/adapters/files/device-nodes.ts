/** The device nodes of the machine that every container has, too: who owns them, and what others may do with them. */
import { chmodSync, chownSync, statSync } from 'node:fs';
import { isErrno } from '../../domain/errors.ts';

/** runtime-spec config-linux.md, "Default Devices", and the terminals. */
const NODES = ['null', 'zero', 'full', 'random', 'urandom', 'tty', 'ptmx', 'console'].map((name) => `/dev/${name}`);
const EVERYBODY = 0o666;

type Node = { readonly uid: number; readonly gid: number; readonly mode: number };

/** By path, at one moment. */
export type NodesSeen = ReadonlyMap<string, Node>;

export function lookAtNodes(): NodesSeen {
  return new Map(
    NODES.flatMap((path) => {
      const node = nodeAt(path);
      return node === undefined ? [] : [[path, node] as const];
    }),
  );
}

function nodeAt(path: string): Node | undefined {
  try {
    const { uid, gid, mode } = statSync(path);
    return { uid, gid, mode };
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
