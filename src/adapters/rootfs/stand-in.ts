/** Stand-in roots on disk, named after what is in them: equal ones are shared, none is ever changed. */
import { createHash, randomUUID } from 'node:crypto';
import { copyFile, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno } from '../../domain/errors.ts';
import { isThere } from '../files/is-there.ts';
import type { Directory, Node } from './tree.ts';

/** Everything that decides what lies on disk; what will be bound there does not. */
function describe(node: Node): unknown {
  switch (node.kind) {
    case 'directory':
      return [...node.children]
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, child]) => [name, describe(child)]);
    case 'bind':
    case 'point':
      return node.directory ? 'd' : 'f';
    case 'link':
      return { link: node.target };
    case 'copy':
      return { copy: node.source, signature: node.signature };
  }
}

const nameOf = (what: unknown): string => createHash('sha256').update(JSON.stringify(what)).digest('hex').slice(0, 32);

/**
 * The path of a directory with this content, made when it is not there. It appears whole, by rename, so it does not matter
 * who else makes the same one at this moment. What a crash leaves is a `new-…` directory that nobody uses.
 */
async function contentNamed(path: string, make: (path: string) => Promise<void>): Promise<string> {
  if (await isThere(path)) return path;
  const draft = join(path, '..', `new-${randomUUID()}`);
  try {
    await make(draft);
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    // Somebody else was faster, with the same content.
    if (!isErrno(error, 'ENOTEMPTY', 'EEXIST')) throw error;
  }
  return path;
}

/** `directory`: where stand-ins live; others must be able to enter it, for the container's root is nobody out here. */
export const standIn = (directory: string, root: Directory): Promise<string> =>
  contentNamed(join(directory, nameOf(describe(root))), (path) => write(root, path));

async function write(node: Node, path: string): Promise<void> {
  switch (node.kind) {
    case 'directory':
      await mkdir(path, { mode: 0o755 });
      await Promise.all([...node.children].map(([name, child]) => write(child, join(path, name))));
      return;
    case 'bind':
    case 'point':
      await (node.directory ? mkdir(path, { mode: 0o755 }) : writeFile(path, ''));
      return;
    case 'link':
      return symlink(node.target, path);
    case 'copy':
      return copyFile(node.source, path);
  }
}

export type IdentityFiles = { readonly passwd: string; readonly group: string; readonly hosts: string };
type Names = { readonly uid: number; readonly gid: number; readonly hostname: string };

const NOBODY = 65_534;

/** Many programs want a name for their own uid, and an address for their own host name. */
export async function identityFiles(directory: string, names: Names): Promise<IdentityFiles> {
  const texts = identityTexts(names);
  const path = await contentNamed(join(directory, nameOf(texts)), async (draft) => {
    await mkdir(draft, { mode: 0o755 });
    await Promise.all(Object.entries(texts).map(([name, text]) => writeFile(join(draft, name), text)));
  });
  return { passwd: join(path, 'passwd'), group: join(path, 'group'), hosts: join(path, 'hosts') };
}

function identityTexts({ uid, gid, hostname }: Names): IdentityFiles {
  const known = (id: number, line: string, own: number) => (id === own ? [] : [line]);
  return {
    passwd: lines([
      'root:x:0:0:root:/:/usr/sbin/nologin',
      `app:x:${uid}:${gid}:app:/data:/bin/sh`,
      ...known(NOBODY, `nobody:x:${NOBODY}:${NOBODY}:nobody:/:/usr/sbin/nologin`, uid),
    ]),
    group: lines(['root:x:0:', `app:x:${gid}:`, ...known(NOBODY, `nogroup:x:${NOBODY}:`, gid)]),
    hosts: lines(['127.0.0.1 localhost', '::1 localhost', `127.0.1.1 ${hostname}`]),
  };
}

const lines = (list: readonly string[]): string => list.map((line) => `${line}\n`).join('');
