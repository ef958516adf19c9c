/** Makes an image ready to be restored, or says why it cannot be. */
import { randomUUID } from 'node:crypto';
import { rename, unlink } from 'node:fs/promises';
import * as z from 'zod';
import type { RuntimeError } from '../../domain/errors.ts';
import { readSmallIfThere } from '../files/read-small.ts';
import { accessFor, type Access } from './access.ts';
import { closeDirectory, giveAccess, lookInside, look, orAbsent, replaceFile, sameStamp } from './disk.ts';
import { misfits, type Machine } from './fit.ts';
import { refuseAborted } from './lanes.ts';
import { removeLeftovers, scratch } from './leftovers.ts';
import { stampSchema, storedName } from './manifest.ts';
import type { TimeLeft } from './patience.ts';
import { OPENED } from './places.ts';
import type { StoredImage } from './stored-image.ts';
import type { ImageTools } from './tools.ts';
import { unusable } from './unusable.ts';
import { checksumsOf, verify, type Verified } from './verify.ts';
import { verdictOf } from '../process/run-tool.ts';

export type Opening = {
  readonly machine: Machine;
  readonly tools: ImageTools;
  readonly timeLeft: TimeLeft;
  /** Throws NO_SPACE when so much cannot be written. */
  readonly refuseFullDisk: (neededBytes: number) => Promise<void>;
};

/**
 * Throws IMAGE_UNUSABLE, NO_SPACE. The stored files and the manifest stay as they are: what is decompressed lies beside them, so
 * that a power cut, a crash or a failed restore on the way finds the image that was there before.
 */
export async function openImage(image: StoredImage, opening: Opening): Promise<void> {
  const { directory, manifest } = image;
  const { machine, tools, timeLeft } = opening;
  refuseMisfits(image, machine);
  const files = await verify(image, { bootId: machine.bootId, tools, timeLeft });
  await removeLeftovers(directory, manifest, { keepOpened: true });
  const access = accessFor(image.config);
  await closeDirectory(directory, access);
  const packed = files.filter(({ file }) => file.stored === 'zstd');
  if (packed.length > 0) await unpackAll(image, packed, { ...opening, access });
}

function refuseMisfits({ id, directory, manifest }: StoredImage, machine: Machine): void {
  const { kernelRelease, cpu, subject } = manifest;
  const found = misfits({ kernelRelease, cpuFlags: cpu.flags, criu: subject.criu }, machine);
  if (found.length === 0) return;
  const why = found.map((misfit) => misfit.why).join('; ');
  throw unusable({ id, directory, why, next: found.map(({ next }) => next).join('; ') });
}

const openedSchema = z.object({
  bootId: z.string(),
  files: z.array(z.object({ name: z.string(), stamp: stampSchema })),
});
type Opened = z.output<typeof openedSchema>;

type Unpacking = Opening & { readonly access: Access };

async function unpackAll(image: StoredImage, packed: readonly Verified[], unpacking: Unpacking): Promise<void> {
  const { directory } = image;
  const { machine } = unpacking;
  const missing = await withoutOpened(directory, packed, machine.bootId);
  if (missing.length === 0) return;
  await unpacking.refuseFullDisk(missing.reduce((sum, { file }) => sum + file.sizeBytes, 0));
  for (const one of missing) await unpack(image, one, unpacking);
  const opened: Opened = {
    bootId: machine.bootId,
    files: packed.map(({ file }) => ({ name: file.name, stamp: lookInside(`${directory}/${file.name}`, false).stamp })),
  };
  await replaceFile(`${directory}/${OPENED}`, JSON.stringify(opened));
}

/** Those that an earlier attempt in this boot did not decompress already. */
async function withoutOpened(
  directory: string,
  packed: readonly Verified[],
  bootId: string,
): Promise<readonly Verified[]> {
  const text = await readSmallIfThere(`${directory}/${OPENED}`);
  const opened = text === undefined ? undefined : readOpened(text);
  if (opened?.bootId !== bootId) return packed;
  const stamps = new Map(opened.files.map(({ name, stamp }) => [name, stamp]));
  const looked = await Promise.all(
    packed.map(async (one) => ({ one, found: await look(`${directory}/${one.file.name}`) })),
  );
  return looked
    .filter(({ one, found }) => {
      const stamp = stamps.get(one.file.name);
      return stamp === undefined || found?.isFile !== true || !sameStamp(stamp, found.stamp);
    })
    .map(({ one }) => one);
}

function readOpened(text: string): Opened | undefined {
  try {
    return openedSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined; // lost in a power cut, which costs nothing: it only spares work
  }
}

/** Under its own name only when it is whole. zstd checks a checksum of 32 bits; a file that may have changed is checked by ours. */
async function unpack(
  { id, directory }: StoredImage,
  { file, untouched }: Verified,
  { tools, timeLeft, access }: Unpacking,
): Promise<void> {
  const source = storedName(file);
  const temp = `${directory}/${scratch(file.name, randomUUID())}`;
  const damaged = (why: string): Error => unusable({ id, directory, why: `${source} ${why}`, files: [source] });
  try {
    refuseAborted(timeLeft().signal, 'opening the image');
    await tools.decompress(`${directory}/${source}`, temp, timeLeft()).catch((error: unknown) => {
      throw isDecodingError(error) ? damaged(`cannot be decompressed (${error.message})`) : error;
    });
    const found = await look(temp);
    if (found?.sizeBytes !== file.sizeBytes) {
      throw damaged(`holds ${found?.sizeBytes ?? 0} bytes instead of ${file.sizeBytes}`);
    }
    if (!untouched) {
      const sums = await checksumsOf([{ path: temp, sizeBytes: file.sizeBytes }], tools, timeLeft);
      if (sums.get(temp) !== file.sha256) throw damaged('does not hold what was saved (checksum mismatch)');
    }
    await giveAccess(temp, access.gid, access.fileMode);
    await rename(temp, `${directory}/${file.name}`);
  } finally {
    await orAbsent(unlink(temp));
  }
}

/** zstd ran and did not like what it read; that it could not be run at all says nothing about the image. */
const isDecodingError = (error: unknown): error is RuntimeError => verdictOf(error) === 1;
