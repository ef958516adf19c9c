/**
 * The root that an app gets is a stand-in: a directory of ours with nothing but links, empty directories and a few copies,
 * filled by read-only binds of what the user gave.
 *
 * Why not the user's directory itself: inside a user namespace neither runc nor crun can make a missing mount point in it
 * (`mkdirat proc: permission denied`), nor start from a directory that others may not enter; with rights they would change
 * the user's files; and `root.readonly` does not reach what is mounted below it. A stand-in needs nothing from the user's
 * directory, works on a read-only disk, and follows no link of it: /data is ours even where rootfs/data -> /etc.
 */
import { lstat, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno, RuntimeError } from '../../domain/errors.ts';
import { isBelow, plainPath, type Bind } from '../../domain/rootfs.ts';

export type Directory = { readonly kind: 'directory'; readonly children: Map<string, Node> };
/** `signature` changes when the source does. */
type Copy = { readonly kind: 'copy'; readonly source: string; readonly signature: string };
type Link = { readonly kind: 'link'; readonly target: string };
type BindNode = { readonly kind: 'bind'; readonly source: string; readonly directory: boolean };
/** An empty place that a mount of the configuration will cover. */
type Point = { readonly kind: 'point'; readonly directory: boolean };
export type Node = Directory | Copy | Link | BindNode | Point;

/** `source`: host path of what is mounted; null where the runtime can make directories of its own (tmpfs, storage). */
export type MountPoint = {
  readonly destination: string;
  readonly directory: boolean;
  readonly source: string | null;
};

/** More than this many binds for one directory would make the start slow. */
const MAX_ENTRIES = 256;
/** As the kernel's (path_resolution(7)). */
const MAX_LINKS = 40;

export const directoryNode = (children: Iterable<readonly [string, Node]> = []): Directory => ({
  kind: 'directory',
  children: new Map(children),
});

/**
 * A user's directory, each entry bound by itself. Sockets, pipes and devices are left out: an app has no use for them; so is a name whose
 * bytes are no UTF-8, which a configuration cannot say.
 */
export async function directoryTree(directory: string): Promise<Directory> {
  const entries = await readdir(directory, { withFileTypes: true });
  if (entries.length > MAX_ENTRIES) {
    throw new RuntimeError('BUNDLE_INVALID', {
      what: `${directory} has ${entries.length} entries and lacks a directory that a mount needs, so each would have to be bound by itself`,
      next: 'make the missing directory in it, or mount somewhere else',
    });
  }
  const node = directoryNode();
  for (const entry of entries) {
    if (entry.name.includes('\uFFFD')) continue;
    const source = join(directory, entry.name);
    if (entry.isSymbolicLink()) node.children.set(entry.name, { kind: 'link', target: await readlink(source) });
    else if (entry.isDirectory()) node.children.set(entry.name, { kind: 'bind', source, directory: true });
    else if (entry.isFile()) node.children.set(entry.name, { kind: 'bind', source, directory: false });
  }
  return node;
}

/** Makes sure that every mount point is there, in our own directories where it is not in the user's. Parents first. */
export async function placeAll(root: Directory, points: readonly MountPoint[]): Promise<void> {
  const placed: MountPoint[] = [];
  for (const point of points) {
    await place({ root, placed, point, links: 0 });
    placed.push(point);
  }
}

type Placing = {
  readonly root: Directory;
  readonly placed: readonly MountPoint[];
  readonly point: MountPoint;
  readonly links: number;
};

async function place(placing: Placing): Promise<void> {
  const { root, placed, point } = placing;
  const { destination } = point;
  const cover = placed.findLast((other) => isBelow(destination, other.destination));
  if (cover !== undefined) return requireInside(cover, point);
  const parts = destination.slice(1).split('/');
  const last = parts.pop() ?? '';
  let parent = root;
  for (const [index, name] of parts.entries()) {
    const rest = [...parts.slice(index + 1), last];
    const step = await enter(parent, name, { rest, point });
    if (step === 'there') return;
    if ('target' in step) {
      const here = `/${[...parts.slice(0, index), ...step.before].join('/')}`;
      return redirect(placing, { here, target: step.target, rest: step.rest });
    }
    parent = step;
  }
  parent.children.set(last, { kind: 'point', directory: point.directory });
}

type Detour = { readonly target: string; readonly before: readonly string[]; readonly rest: readonly string[] };
type Ahead = { readonly rest: readonly string[]; readonly point: MountPoint };

/** One step down towards a mount point: the next directory of ours, a link to follow, or that the place exists already. */
async function enter(parent: Directory, name: string, { rest, point }: Ahead): Promise<Directory | Detour | 'there'> {
  const child = parent.children.get(name);
  if (child?.kind === 'directory') return child;
  if (child?.kind === 'link') return { target: child.target, before: [], rest };
  if (child === undefined) {
    const made = directoryNode();
    parent.children.set(name, made);
    return made;
  }
  if (child.kind === 'bind' && child.directory) {
    const seen = await look(child.source, rest, point.directory);
    if (seen === 'there') return seen;
    if (seen !== 'missing') return { ...seen, before: [name, ...seen.before] };
    const opened = await directoryTree(child.source);
    parent.children.set(name, opened);
    return opened;
  }
  throw new RuntimeError('INVALID_ARGUMENT', {
    what: `mounts: ${point.destination} cannot be a mount point: ${name} on the way to it is a file`,
    next: 'choose another destination',
  });
}

/** Is this place in a user's directory fit to be mounted on? A link as the place itself is not: it may lead anywhere. */
async function look(
  directory: string,
  parts: readonly string[],
  wantsDirectory: boolean,
): Promise<'there' | 'missing' | Detour> {
  let path = directory;
  for (const [index, name] of parts.entries()) {
    path = join(path, name);
    const isLast = index === parts.length - 1;
    const stats = await lstatIfAny(path);
    if (stats === undefined) return 'missing';
    if (isLast) return !stats.isSymbolicLink() && stats.isDirectory() === wantsDirectory ? 'there' : 'missing';
    if (stats.isSymbolicLink()) {
      return { target: await readlink(path), before: parts.slice(0, index), rest: parts.slice(index + 1) };
    }
    if (!stats.isDirectory()) return 'missing';
  }
  return 'missing';
}

async function lstatIfAny(path: string) {
  try {
    return await lstat(path);
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

type Crossing = { readonly here: string; readonly target: string; readonly rest: readonly string[] };

function redirect(placing: Placing, { here, target, rest }: Crossing): Promise<void> {
  const { point, links } = placing;
  if (links >= MAX_LINKS) {
    throw new RuntimeError('BUNDLE_INVALID', {
      what: `${point.destination} cannot be a mount point: the symbolic links on the way to it go round in a circle`,
      next: 'choose another destination, or mend the links in the root file system',
    });
  }
  const start = target.startsWith('/') ? target : `${here}/${target}`;
  const destination = plainPath(`${start}/${rest.join('/')}`);
  return place({ ...placing, point: { ...point, destination }, links: links + 1 });
}

/** A mount inside another mount: its place must be there, because that other one is the user's, too. */
async function requireInside(cover: MountPoint, { destination, directory }: MountPoint): Promise<void> {
  if (cover.source === null) return;
  const parts = destination.slice(cover.destination.length + 1).split('/');
  if ((await look(cover.source, parts, directory)) === 'there') return;
  throw new RuntimeError('INVALID_ARGUMENT', {
    what: `mounts: ${destination} lies in the mount on ${cover.destination}, and ${join(cover.source, ...parts)} is not there to be mounted on`,
    next: `make ${directory ? 'the directory' : 'an empty file'} ${join(cover.source, ...parts)}, or choose another destination`,
  });
}

/** What fills the stand-in; parents before children. */
export function bindsOf(node: Directory, path = ''): readonly Bind[] {
  return [...node.children].flatMap(([name, child]) => {
    const destination = `${path}/${name}`;
    if (child.kind === 'directory') return bindsOf(child, destination);
    return child.kind === 'bind' ? [{ source: child.source, destination }] : [];
  });
}
