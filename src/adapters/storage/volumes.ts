/**
 * Storage with a limit: an ext4 file system in a sparse file, mounted on the app's directory. The kernel holds the limit. The loop
 * device is of the kind that the kernel frees with its last mount (mount(8), -o loop).
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, open, readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno, RuntimeError } from '../../domain/errors.ts';
import type { StorageUse } from '../../domain/info.ts';
import { listDirectory } from '../files/list-directory.ts';
import { mountsBelow } from '../files/mount-table.ts';
import type { StorageTools } from './tools.ts';

export type VolumeOrder = {
  readonly path: string;
  /** Null: no limit of its own; one that was made with a limit keeps it. */
  readonly sizeBytes: number | null;
  /** Another instance of the app works in it. */
  readonly inUse: boolean;
};

export type Volumes = {
  /** Made, made larger or smaller, checked and mounted as needed; false for one without limit. Throws INVALID_ARGUMENT, NO_SPACE, CORRUPT_FILE. */
  readonly mount: (name: string, order: VolumeOrder) => Promise<boolean>;
  readonly unmount: (path: string) => Promise<void>;
  readonly isMounted: (path: string) => boolean;
  /** Mount points directly in this directory. */
  readonly mounted: (directory: string) => readonly string[];
  readonly has: (name: string) => Promise<boolean>;
  /** Of one that is not mounted: what its file takes on the disk. */
  readonly describe: (name: string) => Promise<StorageUse | undefined>;
  readonly remove: (name: string) => Promise<void>;
  /** What a killed daemon left half-made. */
  readonly clean: () => Promise<void>;
};

const SUFFIX = '.ext4';
const DRAFT = '.new+';
/** `discard`: what the app deletes comes back to the disk. */
const MOUNT_OPTIONS = 'loop,nosuid,nodev,discard';

const mountInfo = (): string => readFileSync('/proc/self/mountinfo', 'utf8');
const isMounted = (path: string): boolean => mountsBelow(path, mountInfo()).includes(path);

export function volumesIn(tools: StorageTools, directory: string): Volumes {
  const fileOf = (name: string): string => join(directory, `${name}${SUFFIX}`);
  return {
    mount: async (name, { path, sizeBytes, inUse }) => {
      const file = fileOf(name);
      const before = await sizeOf(file);
      const wanted = sizeBytes === null ? before : wholeBlocks(sizeBytes);
      if (wanted === undefined) return false;
      if (isMounted(path)) {
        if (wanted === before) return true;
        if (inUse) {
          throw refuse(path, 'is in use with another size', 'end its other instances first, or give their size');
        }
        await detach(tools, path);
      }
      if (before === undefined) {
        await refuseFilled(path, inUse);
        await make(tools, { directory, file, sizeBytes: wanted });
      } else {
        await check(tools, file);
        if (wanted !== before || (await isHalfGrown(file, wanted))) {
          await resize(tools, file, { from: before, to: wanted });
        }
      }
      await tools(['mount', '-t', 'ext4', '-o', MOUNT_OPTIONS, file, path]);
      await tools(['mount', '--make-private', path]);
      // of a file system that is new; e2fsck would make it when it needs it
      await rmdir(join(path, 'lost+found')).catch(() => undefined);
      return true;
    },
    unmount: (path) => detach(tools, path),
    isMounted,
    mounted: (base) => mountsBelow(base, mountInfo()).filter((point) => point !== base),
    has: async (name) => (await sizeOf(fileOf(name))) !== undefined,
    describe: async (name) => {
      const found = await stat(fileOf(name)).catch(() => undefined);
      return found && { usedBytes: found.blocks * 512, limitBytes: found.size };
    },
    remove: (name) => rm(fileOf(name), { force: true }),
    clean: async () => {
      for (const name of await listDirectory(directory)) {
        if (name.startsWith(DRAFT)) await rm(join(directory, name), { force: true });
      }
    },
  };
}

const BLOCK = 4096;
/** ext4's superblock, and in it the number of blocks (ext4 disk layout, s_blocks_count_lo). */
const BLOCK_COUNT_AT = 1024 + 4;

const wholeBlocks = (sizeBytes: number): number => Math.floor(sizeBytes / BLOCK) * BLOCK;

/** mke2fs(8) and resize2fs(8) leave out a last group that would be too small to use. */
const LEFT_OUT_BYTES = 8 * 2 ** 20;

/** Of the file; undefined when there is none. */
async function sizeOf(path: string): Promise<number | undefined> {
  return stat(path).then(
    ({ size }) => size,
    (error: unknown) => {
      if (isErrno(error, 'ENOENT')) return undefined;
      throw error;
    },
  );
}

/** Growing it was interrupted: the file is larger than the file system in it. */
async function isHalfGrown(path: string, sizeBytes: number): Promise<boolean> {
  await using file = await open(path);
  const { buffer } = await file.read(Buffer.alloc(4), 0, 4, BLOCK_COUNT_AT);
  return buffer.readUInt32LE(0) * BLOCK < sizeBytes - LEFT_OUT_BYTES;
}

/** Those who run have their own view of it. */
async function detach(tools: StorageTools, path: string): Promise<void> {
  for (const point of mountsBelow(path, mountInfo())) await tools(['umount', point]);
}

/** What is there already would be hidden. */
async function refuseFilled(path: string, inUse: boolean): Promise<void> {
  if (inUse) throw refuse(path, 'is in use without a limit', 'end its other instances first');
  if ((await readdir(path)).length === 0) return;
  throw refuse(
    path,
    'holds files and has no limit',
    'clear it first (runtimectl storage clear), or leave storage.sizeBytes out',
  );
}

type Making = { readonly directory: string; readonly file: string; readonly sizeBytes: number };

/** Under its name only when it is whole. */
async function make(tools: StorageTools, { directory, file, sizeBytes }: Making): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const draft = join(directory, `${DRAFT}${randomUUID()}`);
  try {
    await setSize(draft, sizeBytes);
    // no block is root's own, and the app's directory is the app's from the beginning
    await tools(['mkfs.ext4', '-q', '-F', '-b', String(BLOCK), '-m', '0', draft]);
    await rename(draft, file);
  } finally {
    await rm(draft, { force: true });
  }
}

async function setSize(path: string, sizeBytes: number): Promise<void> {
  await using file = await open(path, 'a', 0o600);
  await file.truncate(sizeBytes);
}

/** Exit codes of e2fsck(8): 1, 2: errors were corrected. */
async function check(tools: StorageTools, file: string): Promise<void> {
  await tools(['e2fsck', '-p', file], [0, 1, 2]).catch((error: unknown) => {
    if (error instanceof RuntimeError && error.code !== 'TOOL_FAILED') throw error;
    throw new RuntimeError('CORRUPT_FILE', {
      what: `the app's storage ${file} is damaged and could not be repaired`,
      next: `e2fsck ${file} by hand, or delete it (runtimectl storage delete)`,
      details: { file },
      cause: error,
    });
  });
}

async function resize(tools: StorageTools, file: string, { from, to }: { from: number; to: number }): Promise<void> {
  await tools(['e2fsck', '-f', '-p', file], [0, 1, 2]);
  if (to > from) await setSize(file, to);
  await tools(['resize2fs', file, `${to / 1024}K`]).catch(async (error: unknown) => {
    if (to > from || !(error instanceof RuntimeError) || error.code !== 'TOOL_FAILED') throw error;
    throw refuse(
      file,
      `does not fit into ${to} bytes`,
      'delete files of it, or give a larger storage.sizeBytes',
      error,
    );
  });
  if (to < from) await setSize(file, to);
}

// eslint-disable-next-line max-params -- what the error says, in its order
const refuse = (path: string, why: string, next: string, cause?: unknown): RuntimeError =>
  new RuntimeError('INVALID_ARGUMENT', {
    what: `storage.sizeBytes: the app's storage ${path} ${why}`,
    next,
    details: { member: 'storage.sizeBytes' },
    cause,
  });
