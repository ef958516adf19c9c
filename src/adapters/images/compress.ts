/** Makes a sleeping image small. At every moment the manifest speaks of files that are whole and flushed. */
import { randomUUID } from 'node:crypto';
import { rename, unlink } from 'node:fs/promises';
import { formatSize } from '../../domain/size.ts';
import { RuntimeError } from '../../domain/errors.ts';
import { freeBytes, LARGE_BYTES, look, orAbsent } from './disk.ts';
import { harden, type BackgroundWork } from './harden.ts';
import { refuseAborted } from './lanes.ts';
import { removeLeftovers, scratch } from './leftovers.ts';
import { type ImageFile, type Manifest } from './manifest.ts';
import { patience } from './patience.ts';
import { compressed } from './places.ts';
import { readImage, writeManifestFlushed, type StoredImage } from './stored-image.ts';

/** A gain that is worth the time of decompressing it at the wake. */
const WORTH_IT = 0.95;

export async function compress(raw: StoredImage, work: BackgroundWork & { readonly level: number }): Promise<Manifest> {
  const manifest = await harden(raw, work);
  const { directory } = raw;
  await removeLeftovers(directory, manifest, { keepOpened: false });
  if (manifest.compressedAt !== null) return manifest;
  const candidates = manifest.files.filter(({ stored, sizeBytes }) => stored === 'raw' && sizeBytes >= LARGE_BYTES);
  await refuseFullDisk(raw, candidates);
  const made = new Map<string, ImageFile>();
  try {
    for (const file of candidates) {
      const smaller = await compressFile(directory, file, work);
      if (smaller !== undefined) made.set(file.name, smaller);
    }
    const done: Manifest = {
      ...manifest,
      files: manifest.files.map((file) => made.get(file.name) ?? file),
      compressedAt: work.now(),
    };
    const paths = [...made.keys()].map((name) => `${directory}/${compressed(name)}`);
    await work.tools.flush([...paths, directory], patience(manifest.rawBytes, work.signal)());
    refuseAborted(work.signal, 'compressing the image');
    await writeManifestFlushed(raw, done, work);
    // the manifest that is on the disk does not speak of them any more
    await Promise.all([...made.keys()].map((name) => unlink(`${directory}/${name}`)));
    return done;
  } catch (error) {
    await undo(raw);
    throw error;
  }
}

/** By the manifest that is there now: when it was switched already, that is the new one. File systems with a journal keep the order. */
async function undo({ id, directory, manifest }: StoredImage): Promise<void> {
  const now = await readImage(id, directory).catch(() => undefined);
  await removeLeftovers(directory, now?.manifest ?? manifest, { keepOpened: false });
}

/** Undefined when it does not become smaller. */
async function compressFile(
  directory: string,
  file: ImageFile,
  { tools, signal, level }: BackgroundWork & { readonly level: number },
): Promise<ImageFile | undefined> {
  const target = `${directory}/${compressed(file.name)}`;
  const temp = `${directory}/${scratch(compressed(file.name), randomUUID())}`;
  try {
    const wait = patience(file.sizeBytes, signal)();
    await tools.compress(`${directory}/${file.name}`, temp, { level, wait });
    const found = await look(temp);
    if (found === undefined || found.sizeBytes === 0) {
      throw new RuntimeError('TOOL_FAILED', { what: `zstd made nothing of ${file.name}` });
    }
    if (found.sizeBytes > file.sizeBytes * WORTH_IT) return undefined;
    await rename(temp, target);
    const renamed = (await look(target)) ?? found;
    return { ...file, stored: 'zstd', storedBytes: renamed.sizeBytes, stamp: renamed.stamp };
  } finally {
    await orAbsent(unlink(temp));
  }
}

/** Raw and compressed lie side by side for a while; an image that cannot be compressed is no reason to fill the disk. */
async function refuseFullDisk({ id, directory }: StoredImage, candidates: readonly ImageFile[]): Promise<void> {
  const neededBytes = candidates.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const free = await freeBytes(directory);
  if (free >= neededBytes) return;
  throw new RuntimeError('NO_SPACE', {
    what: `the image of ${id} is not compressed: that takes up to ${formatSize(neededBytes)} for a while, and ${formatSize(free)} are free`,
    next: 'make room on the disk of the images; the image stays as it is',
    details: { neededBytes, freeBytes: free },
  });
}
