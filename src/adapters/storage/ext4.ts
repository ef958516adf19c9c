/** An ext4 file system in a sparse file that nothing has mounted: made, checked, made larger or smaller. */
import { randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno, RuntimeError } from '../../domain/errors.ts';
import type { StorageTools } from './tools.ts';
import { verdictOf } from '../process/run-tool.ts';

export const SUFFIX = '.ext4';
/** Begins the name of a file that is not whole yet. */
export const DRAFT = '.new+';

const BLOCK = 4096;
/** ext4's superblock, and in it the number of blocks (ext4 disk layout, s_blocks_count_lo). */
const BLOCK_COUNT_AT = 1024 + 4;

export const wholeBlocks = (sizeBytes: number): number => Math.floor(sizeBytes / BLOCK) * BLOCK;

/** mke2fs(8) and resize2fs(8) leave out a last group that would be too small to use. */
const LEFT_OUT_BYTES = 8 * 2 ** 20;

/** Of the file; undefined when there is none. */
export async function sizeOf(path: string): Promise<number | undefined> {
  return stat(path).then(
    ({ size }) => size,
    (error: unknown) => {
      if (isErrno(error, 'ENOENT')) return undefined;
      throw error;
    },
  );
}

/** Growing it was interrupted: the file is larger than the file system in it. */
export async function isHalfGrown(path: string, sizeBytes: number): Promise<boolean> {
  await using file = await open(path);
  const { buffer } = await file.read(Buffer.alloc(4), 0, 4, BLOCK_COUNT_AT);
  return buffer.readUInt32LE(0) * BLOCK < sizeBytes - LEFT_OUT_BYTES;
}

type Making = { readonly directory: string; readonly file: string; readonly sizeBytes: number };

/** Under its name only when it is whole. */
export async function makeExt4(tools: StorageTools, { directory, file, sizeBytes }: Making): Promise<void> {
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

export type Volume = { readonly file: string; readonly appId: string };

/** Exit codes of e2fsck(8): 1, 2: errors were corrected. */
export async function check(tools: StorageTools, volume: Volume, how: readonly string[] = ['-p']): Promise<void> {
  await tools(['e2fsck', ...how, volume.file], [0, 1, 2]).catch((error: unknown) => {
    throw verdictOf(error) === undefined ? error : damaged(volume, error);
  });
}

export const damaged = ({ file, appId }: Volume, cause: unknown): RuntimeError =>
  new RuntimeError('CORRUPT_FILE', {
    what: `the storage of ${appId} is damaged: ${file} is not a file system that can be mounted without losing something`,
    next: `repair it with runtimectl storage repair ${appId}; it says what was lost, and keeps what it changes`,
    details: { file },
    cause,
  });

type Sizes = { readonly from: number; readonly to: number };

export async function resize(tools: StorageTools, volume: Volume, { from, to }: Sizes): Promise<void> {
  const { file } = volume;
  await check(tools, volume, ['-f', '-p']);
  if (to > from) await setSize(file, to);
  await tools(['resize2fs', file, `${to / 1024}K`]).catch(async (error: unknown) => {
    if (to > from || verdictOf(error) === undefined) throw error;
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
export const refuse = (path: string, why: string, next: string, cause?: unknown): RuntimeError =>
  new RuntimeError('INVALID_ARGUMENT', {
    what: `storage.sizeBytes: the app's storage ${path} ${why}`,
    next,
    details: { member: 'storage.sizeBytes' },
    cause,
  });
