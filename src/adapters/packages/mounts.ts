/** One read-only mount a package, at a place that anybody may reach, shared by all instances that hold the package. */
import { mkdir, open, readFile, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno } from '../../domain/errors.ts';
import { mountsBelow } from '../files/mount-table.ts';
import { listDirectory } from '../files/list-directory.ts';
import { invalid } from './reference.ts';
import { reasonOf, type PackageTools } from './tools.ts';
import { verdictOf } from '../process/run-tool.ts';

/** What is mounted. The loop device of a file is freed by the kernel with the last mount of it (LO_FLAGS_AUTOCLEAR, mount(8)). */
export type MountSource =
  | { readonly kind: 'directory'; readonly path: string }
  | { readonly kind: 'squashfs' | 'erofs'; readonly path: string }
  /** The first one at the bottom. */
  | { readonly kind: 'layers'; readonly paths: readonly string[] };

export type Mounts = {
  readonly placeOf: (key: string) => string;
  /** Nothing when it is there already. Throws BUNDLE_INVALID. */
  readonly mount: (key: string, source: MountSource) => Promise<void>;
  /** Those who run from it keep what they have: a container has its own view of it. */
  readonly unmount: (key: string) => Promise<void>;
  readonly mounted: () => Promise<readonly string[]>;
};

const OPTIONS = 'ro,nosuid,nodev';

/** `directory` and all above it let others enter. */
export function packageMounts(tools: PackageTools, directory: string): Mounts {
  const placeOf = (key: string): string => join(directory, key);
  const isMounted = async (key: string): Promise<boolean> =>
    mountsBelow(placeOf(key), await readFile('/proc/self/mountinfo', 'utf8')).length > 0;
  return {
    placeOf,
    mount: async (key, source) => {
      if (await isMounted(key)) return;
      await mkdir(placeOf(key), { recursive: true, mode: 0o711 });
      try {
        await tools([...(await commandFor(source)), placeOf(key)]);
        await tools(['mount', '--make-private', placeOf(key)]);
      } catch (error) {
        await detach(tools, placeOf(key));
        throw explained(error, source);
      }
    },
    unmount: (key) => detach(tools, placeOf(key)),
    mounted: () => listDirectory(directory),
  };
}

async function detach(tools: PackageTools, place: string): Promise<void> {
  for (const point of mountsBelow(place, await readFile('/proc/self/mountinfo', 'utf8'))) {
    await tools(['umount', '--lazy', point]);
  }
  // never recursively: what is still mounted must not be emptied
  await rmdir(place).catch((error: unknown) => {
    if (!isErrno(error, 'ENOENT')) throw error;
  });
}

async function commandFor(source: MountSource): Promise<readonly string[]> {
  switch (source.kind) {
    case 'directory':
      return ['mount', '--bind', '-o', OPTIONS, source.path];
    case 'squashfs':
    case 'erofs':
      await refuseCutOff(source.kind, source.path);
      return ['mount', '-t', source.kind, '-o', `loop,${OPTIONS}`, source.path];
    case 'layers': {
      const [only, ...others] = source.paths;
      if (only !== undefined && others.length === 0) return ['mount', '--bind', '-o', OPTIONS, only];
      return ['mount', '-t', 'overlay', '-o', `${OPTIONS},lowerdir=${source.paths.toReversed().join(':')}`, 'package'];
    }
  }
}

/** Where each format's superblock says how long the file is. Sources: squashfs_fs.h bytes_used, erofs_fs.h blocks and blkszbits. */
async function refuseCutOff(kind: 'squashfs' | 'erofs', path: string): Promise<void> {
  await using file = await open(path);
  const head = Buffer.alloc(1100);
  await file.read(head, 0, head.length, 0);
  const wanted =
    kind === 'squashfs'
      ? Number(head.readBigUInt64LE(40))
      : head.readUInt32LE(1024 + 36) * 2 ** head.readUInt8(1024 + 12);
  const { size } = await stat(path);
  if (size >= wanted) return;
  throw invalid(path, `is cut off: it has ${size} bytes of ${wanted}`, 'copy the image anew');
}

function explained(error: unknown, source: MountSource): unknown {
  if (verdictOf(error) === undefined) return error;
  const what = 'path' in source ? source.path : source.paths.join(', ');
  const kind = source.kind === 'layers' ? 'an overlay' : source.kind;
  return invalid(
    what,
    `cannot be mounted as ${kind}`,
    'build or copy it anew; the kernel log (dmesg) may say more',
    reasonOf(error),
  );
}
