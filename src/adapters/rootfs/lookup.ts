/** Path resolution as the kernel will do it inside the container, from outside (path_resolution(7)). */
import type { Stats } from 'node:fs';
import { lstat, readlink, stat } from 'node:fs/promises';
import { isErrno } from '../../domain/errors.ts';
import { isBelow, plainPath, type Bind, type CommandQuery } from '../../domain/rootfs.ts';

export type View = Pick<CommandQuery, 'root' | 'binds' | 'opaque' | 'uid' | 'gid'>;

/** What is at the end of a path. `hidden`: inside a mount that nobody can look into before the start. */
export type Found =
  | { readonly kind: 'found'; readonly path: string; readonly host: string; readonly stats: Stats }
  | { readonly kind: 'hidden' }
  | { readonly kind: 'missing' | 'loop' | 'not-a-directory' | 'closed'; readonly path: string };

const MAX_LINKS = 40;

/** `path` is absolute. Symbolic links are followed, absolute ones from the container's root. */
export async function lookup(view: View, path: string): Promise<Found> {
  let parts = path.split('/').filter((part) => part !== '' && part !== '.');
  let at = await entry(view, '/');
  let links = 0;
  for (let name = parts.shift(); name !== undefined; name = parts.shift()) {
    if (at.kind !== 'found') return at;
    if (!at.stats.isDirectory()) return { kind: 'not-a-directory', path: at.path };
    if (!mayExecute(at.stats, view)) return { kind: 'closed', path: at.path };
    const next = await entry(view, plainPath(`${at.path}/${name}`));
    if (next.kind !== 'found' || !next.stats.isSymbolicLink()) {
      at = next;
      continue;
    }
    links += 1;
    if (links > MAX_LINKS) return { kind: 'loop', path: next.path };
    const target = await readlink(next.host);
    parts = [...target.split('/').filter((part) => part !== '' && part !== '.'), ...parts];
    if (target.startsWith('/')) at = await entry(view, '/');
  }
  return at;
}

/** One entry, not followed. A mount's source is: the runtime follows it, too. */
async function entry({ root, binds, opaque }: View, path: string): Promise<Found> {
  const bind = longest(binds, path);
  const blind = opaque.some(
    (point) => (point === path || isBelow(path, point)) && point.length > (bind?.destination.length ?? 0),
  );
  if (blind) return { kind: 'hidden' };
  const host = bind === undefined ? root + path : bind.source + path.slice(bind.destination.length);
  try {
    const stats = await (bind?.destination === path ? stat(host) : lstat(host));
    return { kind: 'found', path, host, stats };
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return { kind: 'missing', path };
    throw error;
  }
}

function longest(binds: readonly Bind[], path: string): Bind | undefined {
  let best: Bind | undefined;
  for (const bind of binds) {
    const covers = bind.destination === path || isBelow(path, bind.destination);
    if (covers && bind.destination.length >= (best?.destination.length ?? 0)) best = bind;
  }
  return best;
}

/** To execute a file or to enter a directory: permission bits, as for a process without capabilities or further groups (inode(7)). Access lists are not looked at. */
export function mayExecute(stats: Stats, { uid, gid }: Pick<View, 'uid' | 'gid'>): boolean {
  const bit = stats.uid === uid ? 0o100 : stats.gid === gid ? 0o010 : 0o001;
  return (stats.mode & bit) !== 0;
}
