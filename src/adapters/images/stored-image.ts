/** An image as it lies on the disk. */
import { lstat } from 'node:fs/promises';
import type { ImageInfo } from '../../domain/hibernation.ts';
import { RuntimeError } from '../../domain/errors.ts';
import type { ContainerId } from '../../domain/ids.ts';
import type { Image } from '../../ports/images.ts';
import { readSmallIfThere } from '../files/read-small.ts';
import { orAbsent, replaceFile } from './disk.ts';
import { infoOf, manifestText, readManifest, sha256Of, type Manifest } from './manifest.ts';
import { CONFIG, MANIFEST } from './places.ts';
import type { ImageTools } from './tools.ts';
import { patience } from './patience.ts';
import { unusable } from './unusable.ts';

export type StoredImage = {
  readonly id: ContainerId;
  readonly directory: string;
  readonly manifest: Manifest;
  readonly config: object;
};

/** Undefined when there is none. Throws IMAGE_UNUSABLE for one that is no image of ours, or whose own files are broken. */
export async function readImage(id: ContainerId, directory: string): Promise<StoredImage | undefined> {
  const refuse = (why: string, next?: string): Error =>
    unusable({ id, directory, why, ...(next !== undefined && { next }) });
  const found = await orAbsent(lstat(directory));
  if (found === undefined) return undefined;
  if (!found.isDirectory()) throw refuse(`${directory} is not a directory`);
  const [text, config] = await Promise.all(
    [MANIFEST, CONFIG].map((name) =>
      readSmallIfThere(`${directory}/${name}`).catch((error: unknown) => {
        if (error instanceof RuntimeError) throw refuse(error.message, error.next);
        throw error;
      }),
    ),
  );
  if (text === undefined) throw refuse('manifest.json is missing');
  const reading = readManifest(text);
  if ('broken' in reading) throw refuse(reading.broken);
  const { manifest } = reading;
  const { containerId, appInstanceId } = manifest.subject;
  if (containerId !== id) {
    throw refuse(
      `it is the image of ${containerId} (app instance ${appInstanceId})`,
      `move ${directory} to where it belongs`,
    );
  }
  if (config === undefined) throw refuse(`${CONFIG} is missing`);
  if (sha256Of(config) !== manifest.subject.config.sha256) {
    throw refuse(`${CONFIG} is not the container's configuration that was saved`);
  }
  return { id, directory, manifest, config: JSON.parse(config) as object };
}

export function toImage({ directory, manifest, config }: StoredImage): Image {
  const { appId, appInstanceId, containerId, engine, runtime, criu, hibernatedAt } = manifest.subject;
  const subject = { appId, appInstanceId, containerId, engine, runtime, criu, config, hibernatedAt };
  return { directory, subject, info: infoOf(manifest) };
}

export const writeManifest = (directory: string, manifest: Manifest): Promise<void> =>
  replaceFile(`${directory}/${MANIFEST}`, manifestText(manifest));

/** As {@link writeManifest}; when it returns, a power cut does not take it back. */
export async function writeManifestFlushed(
  { directory }: StoredImage,
  manifest: Manifest,
  { tools, signal }: { readonly tools: ImageTools; readonly signal: AbortSignal },
): Promise<ImageInfo> {
  const flush = (path: string): Promise<void> => tools.flush([path], patience(0, signal)());
  await replaceFile(`${directory}/${MANIFEST}`, manifestText(manifest), flush);
  await flush(directory);
  return infoOf(manifest);
}
