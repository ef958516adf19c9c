/** Makes an image survive a power cut: everything on the disk, and a checksum of every file to tell. */
import { dirname } from 'node:path';
import { look, sameStamp } from './disk.ts';
import { refuseAborted } from './lanes.ts';
import { removeLeftovers } from './leftovers.ts';
import { storedName, type ImageFile, type Manifest } from './manifest.ts';
import { patience } from './patience.ts';
import { writeManifestFlushed, type StoredImage } from './stored-image.ts';
import type { ImageTools } from './tools.ts';
import { unusable } from './unusable.ts';
import { checksumsOf, verify, type Verified } from './verify.ts';

export type BackgroundWork = {
  readonly tools: ImageTools;
  readonly bootId: string;
  readonly now: () => string;
  readonly signal: AbortSignal;
};

/** The manifest as it is on the disk afterwards. Idempotent. */
export async function harden(image: StoredImage, work: BackgroundWork): Promise<Manifest> {
  const { directory, manifest } = image;
  const { tools, bootId, signal } = work;
  refuseAborted(signal, 'flushing the image');
  if (manifest.hardenedAt !== null) return manifest;
  const timeLeft = patience(manifest.rawBytes, signal);
  const files = await verify(image, { bootId, tools, timeLeft });
  await removeLeftovers(directory, manifest, { keepOpened: true });
  const paths = files.map(({ file }) => `${directory}/${storedName(file)}`);
  // side by side: the checksums read the page cache while the disk writes it out
  const [checksums] = await Promise.all([
    checksumsOf(unhashed(image), tools, timeLeft),
    tools.flush([...paths, `${directory}/config.json`, directory], timeLeft()),
  ]);
  const hardened: Manifest = {
    ...manifest,
    bootId,
    files: await Promise.all(files.map((one) => settled(image, one, checksums))),
    hardenedAt: work.now(),
  };
  refuseAborted(signal, 'flushing the image');
  await writeManifestFlushed(image, hardened, work);
  // its name, too, and that of the directory of all images
  await tools.flush([dirname(directory), dirname(dirname(directory))], timeLeft());
  return hardened;
}

const unhashed = ({ directory, manifest }: StoredImage) =>
  manifest.files
    .filter(({ sha256 }) => sha256 === null)
    .map(({ name, sizeBytes }) => ({ path: `${directory}/${name}`, sizeBytes }));

/** The checksum counts only when nobody wrote to the file meanwhile. */
async function settled(
  { id, directory }: StoredImage,
  { file, found }: Verified,
  checksums: ReadonlyMap<string, string>,
): Promise<ImageFile> {
  const path = `${directory}/${storedName(file)}`;
  const now = await look(path);
  if (now === undefined || !sameStamp(now.stamp, found.stamp)) {
    throw unusable({ id, directory, why: `${file.name} changed while it was read`, files: [file.name] });
  }
  return { ...file, sha256: file.sha256 ?? checksums.get(path) ?? null, stamp: now.stamp };
}
