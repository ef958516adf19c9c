/** Paths of the device that an app's description names, looked at. */
import { constants } from 'node:fs';
import { lstat, open, readdir, realpath, stat } from 'node:fs/promises';
import { isErrno, RuntimeError } from '../../domain/errors.ts';
import type { DeviceNode } from '../../domain/rootfs.ts';
import type { PathKind } from '../../ports/root-filesystems.ts';

export async function present(paths: readonly string[]): Promise<ReadonlySet<string>> {
  const looks = await Promise.all(
    paths.map((path) =>
      lstat(path).then(
        () => [path],
        () => [],
      ),
    ),
  );
  return new Set(looks.flat());
}

/** What cannot be followed keeps its name: the runtime cannot follow it either, and says so. */
export const realOf = (path: string): Promise<string> => realpath(path).catch(() => path);

export async function kindsOf(paths: readonly string[]): Promise<ReadonlyMap<string, PathKind>> {
  const looks = await Promise.all(
    paths.map((path) =>
      stat(path).then(
        (found) => [[path, found.isDirectory() ? 'directory' : 'other'] as const],
        () => [],
      ),
    ),
  );
  return new Map(looks.flat());
}

/** A directory of devices has no more (drm, dri, dvb). */
const MOST_NODES = 64;

export async function nodesAt(paths: readonly string[]): Promise<readonly DeviceNode[]> {
  const found = await Promise.all(
    paths.map(async (path) => {
      const names = await readdir(path).catch(() => undefined);
      return (names?.slice(0, MOST_NODES).map((name) => `${path}/${name}`) ?? [path]).map(nodeAt);
    }),
  );
  const nodes = (await Promise.all(found.flat())).filter((node) => node !== undefined);
  return [...new Map(nodes.map((node) => [node.path, node])).values()];
}

/** Numbers of a device: linux/kdev_t.h, as glibc's gnu_dev_major has them. */
async function nodeAt(path: string): Promise<DeviceNode | undefined> {
  const node = await stat(path).catch(() => undefined);
  if (node === undefined || !(node.isCharacterDevice() || node.isBlockDevice())) return undefined;
  const { rdev } = node;
  return {
    path,
    type: node.isBlockDevice() ? 'b' : 'c',
    major: ((rdev >>> 8) & 0xfff) | (Math.floor(rdev / 2 ** 32) & ~0xfff),
    minor: (rdev & 0xff) | ((rdev >>> 12) & 0xfff00),
  };
}

/** Only plain files are opened: a pipe would hold the daemon up, and a device may do something. */
export async function readText(path: string, mostBytes: number): Promise<string | undefined> {
  try {
    if (!(await stat(path)).isFile()) throw unreadable(path, 'is no plain file');
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const { size } = await file.stat();
    if (size > mostBytes) throw unreadable(path, `has ${size} bytes; ${mostBytes} is the most that is read`);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size), 0, size, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return undefined;
    if (error instanceof RuntimeError) throw error;
    throw unreadable(path, 'cannot be read', error);
  }
}

const unreadable = (path: string, why: string, cause?: unknown): RuntimeError =>
  new RuntimeError('BUNDLE_INVALID', {
    what: `${path} ${why}`,
    next: 'give the path of a readable file of this device',
    details: { file: path },
    cause,
  });
