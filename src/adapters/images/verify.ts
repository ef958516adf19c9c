/** Whether an image is still what was committed: every file there, of the right size, and with the right contents. */
import { readFile } from 'node:fs/promises';
import type { TimeLeft } from './patience.ts';
import { LARGE_BYTES, look, sameStamp, type Look } from './disk.ts';
import { sha256Of, storedName, type ImageFile } from './manifest.ts';
import type { StoredImage } from './stored-image.ts';
import type { ImageTools } from './tools.ts';
import { nameSome, unusable } from './unusable.ts';

export type Verified = {
  readonly file: ImageFile;
  readonly found: Look;
  /** Nobody has written to it since its stamp was taken, in this boot: it need not be read. */
  readonly untouched: boolean;
};

export type VerifyOptions = { readonly bootId: string; readonly tools: ImageTools; readonly timeLeft: TimeLeft };

/**
 * Files that are not untouched are read. Of a compressed one only the stored form is looked at here: its contents can be checked
 * when it is decompressed. Throws IMAGE_UNUSABLE.
 */
export async function verify(image: StoredImage, options: VerifyOptions): Promise<readonly Verified[]> {
  const sameBoot = image.manifest.bootId === options.bootId;
  const files = await lookAt(image, sameBoot);
  await checkContents(image, files, options);
  return files;
}

/**
 * What a power cut leaves, seen without reading it all: sizes, what was never flushed, and the contents of small files; in the same
 * boot also of whatever was written to since. Throws IMAGE_UNUSABLE.
 */
export async function glance(image: StoredImage, options: VerifyOptions): Promise<void> {
  const sameBoot = image.manifest.bootId === options.bootId;
  const files = (await lookAt(image, sameBoot)).filter(
    ({ file }) => sameBoot || file.sha256 === null || file.sizeBytes < LARGE_BYTES,
  );
  await checkContents(image, files, options);
}

async function lookAt(image: StoredImage, sameBoot: boolean): Promise<readonly Verified[]> {
  const looked = await Promise.all(
    image.manifest.files.map(async (file) => ({ file, found: await look(`${image.directory}/${storedName(file)}`) })),
  );
  return checkSizes(image, looked).map(({ file, found }): Verified => ({
    file,
    found,
    untouched: sameBoot && sameStamp(file.stamp, found.stamp),
  }));
}

type Looked = { readonly file: ImageFile; readonly found: Look | undefined };
type Present = { readonly file: ImageFile; readonly found: Look };

function checkSizes({ id, directory }: StoredImage, looked: readonly Looked[]): readonly Present[] {
  const refuse = (those: readonly Looked[], why: (names: string) => string): void => {
    const files = those.map(({ file }) => storedName(file));
    if (files.length > 0) throw unusable({ id, directory, why: why(nameSome(files)), files });
  };
  refuse(
    looked.filter(({ found }) => found === undefined),
    (names) => `${names}: missing`,
  );
  const present = looked.flatMap(({ file, found }) => (found === undefined ? [] : [{ file, found }]));
  refuse(
    present.filter(({ found }) => !found.isFile),
    (names) => `${names}: not a plain file`,
  );
  const [wrong] = present.filter(({ file, found }) => found.sizeBytes !== file.storedBytes);
  if (wrong !== undefined) {
    const { file, found } = wrong;
    const how = found.sizeBytes < file.storedBytes ? 'cut off' : 'too long';
    refuse([wrong], (name) => `${name} is ${how}: ${found.sizeBytes} bytes instead of ${file.storedBytes}`);
  }
  return present;
}

async function checkContents(
  image: StoredImage,
  files: readonly Verified[],
  { bootId, tools, timeLeft }: VerifyOptions,
): Promise<void> {
  const { id, directory, manifest } = image;
  const doubtful = files.filter(({ file, untouched }) => !untouched && file.stored === 'raw');
  const unknown = doubtful.filter(({ file }) => file.sha256 === null).map(({ file }) => file.name);
  if (unknown.length > 0) {
    const why =
      manifest.bootId === bootId
        ? `${nameSome(unknown)} changed after it was written, and there is no checksum to tell whether it is still right`
        : `${nameSome(unknown)} was not flushed to the disk before the power went or the machine was started anew, so it may be incomplete`;
    throw unusable({ id, directory, why, files: unknown });
  }
  const actual = await checksumsOf(
    doubtful.map(({ file }) => ({ path: `${directory}/${file.name}`, sizeBytes: file.sizeBytes })),
    tools,
    timeLeft,
  );
  const damaged = doubtful.filter(({ file }) => actual.get(`${directory}/${file.name}`) !== file.sha256);
  if (damaged.length === 0) return;
  const names = damaged.map(({ file }) => file.name);
  throw unusable({ id, directory, why: `${nameSome(names)}: the contents changed (checksum mismatch)`, files: names });
}

type Sized = { readonly path: string; readonly sizeBytes: number };

/** Small files here, large ones by sha256sum(1). */
export async function checksumsOf(
  files: readonly Sized[],
  tools: ImageTools,
  timeLeft: TimeLeft,
): Promise<ReadonlyMap<string, string>> {
  const small = files.filter(({ sizeBytes }) => sizeBytes < LARGE_BYTES);
  const large = files.filter(({ sizeBytes }) => sizeBytes >= LARGE_BYTES).map(({ path }) => path);
  const [here, there] = await Promise.all([
    Promise.all(small.map(async ({ path }) => [path, sha256Of(await readFile(path))] as const)),
    tools.checksums(large, timeLeft()),
  ]);
  return new Map([...here, ...there]);
}
