/** The life of an image until it is one. */
import { chmod, mkdir, readdir, rename, writeFile } from 'node:fs/promises';
import type { ContainerId } from '../../domain/ids.ts';
import type { Draft, ImageSubject } from '../../ports/images.ts';
import { accessFor, type Access } from './access.ts';
import { closeDirectory, giveAccess, look, lookInside, orAbsent, removeDirectory, replaceFile } from './disk.ts';
import { flagsDigest, type Machine } from './fit.ts';
import { FILE_NAME, FORMAT, rawBytesOf, sha256Of, type ImageFile, type Manifest } from './manifest.ts';
import { CONFIG, MANIFEST, OWN_FILES, temporary, type Places } from './places.ts';
import { writeManifest } from './stored-image.ts';
import { explainWrite } from './tools.ts';
import { unusable } from './unusable.ts';

/** Held for the two files that are written when the app is gone already: a manifest with the files of 250 threads fits. */
const HELD_BYTES = 256 * 1024;
export const HELD_IN_ALL_BYTES = 2 * HELD_BYTES;

/** Closed to everybody but root: CRIU writes its files readable for all. */
export async function layOut(directory: string): Promise<Draft> {
  try {
    await mkdir(directory, { mode: 0o700 });
    for (const name of [CONFIG, MANIFEST]) {
      await writeFile(`${directory}/${temporary(name)}`, Buffer.alloc(HELD_BYTES, ' '), { mode: 0o600 });
    }
    return { directory };
  } catch (error) {
    await removeDirectory(directory);
    throw explainWrite(`the draft ${directory} could not be made`, error);
  }
}

/** The images' own directory; what lies in it is closed by itself. */
export async function makeRoot(root: string): Promise<void> {
  const made = await mkdir(root, { recursive: true, mode: 0o711 });
  if (made !== undefined) await chmod(root, 0o711);
}

export type Completion = { readonly machine: Machine; readonly committedAt: string };

/** Writes what makes the files of a draft an image. Repeatable. Nothing here waits for the disk. */
export async function complete(directory: string, subject: ImageSubject, completion: Completion): Promise<Manifest> {
  const { machine, committedAt } = completion;
  const access = accessFor(subject.config);
  const configText = JSON.stringify(subject.config);
  const files = await inspect(directory, subject.containerId, access);
  const manifest: Manifest = {
    format: FORMAT,
    subject: { ...subject, config: { sizeBytes: Buffer.byteLength(configText), sha256: sha256Of(configText) } },
    kernelRelease: machine.kernelRelease,
    cpu: { digest: flagsDigest(machine.cpuFlags), flags: [...machine.cpuFlags] },
    bootId: machine.bootId,
    files: [...files],
    rawBytes: rawBytesOf(files),
    committedAt,
    hardenedAt: null,
    compressedAt: null,
  };
  try {
    await Promise.all([replaceFile(`${directory}/${CONFIG}`, configText), writeManifest(directory, manifest)]);
  } catch (error) {
    throw explainWrite(`the manifest of ${directory} could not be written`, error);
  }
  // only now: the files' own modes are right
  await closeDirectory(directory, access);
  return manifest;
}

async function inspect(directory: string, id: ContainerId, access: Access): Promise<readonly ImageFile[]> {
  const refuse = (why: string): Error => unusable({ id, directory, why });
  const entries = await orAbsent(readdir(directory, { withFileTypes: true }));
  if (entries === undefined) throw refuse('its draft is not there');
  const dumped = entries.filter(({ name }) => !OWN_FILES.has(name));
  if (dumped.length === 0) throw refuse('the draft is empty: nothing was dumped into it');
  const strange = dumped.find((entry) => !entry.isFile() || !FILE_NAME.test(entry.name));
  if (strange !== undefined) throw refuse(`${strange.name} in the draft is not a file as CRIU writes it`);
  const names = dumped.map(({ name }) => name).sort();
  await Promise.all(names.map((name) => giveAccess(`${directory}/${name}`, access.gid, access.fileMode)));
  return names.map((name): ImageFile => {
    const { sizeBytes, stamp, sha256 } = lookInside(`${directory}/${name}`, !name.startsWith('pages-'));
    return { name, sizeBytes, sha256, stored: 'raw', storedBytes: sizeBytes, stamp };
  });
}

/**
 * Puts a complete draft in the place of the image, and of an older one if there is one. A crash between the steps leaves the older
 * image aside and the draft complete: the commit can be repeated, or the draft discarded, which puts the older one back.
 */
export async function putInPlace(places: Places, id: ContainerId): Promise<void> {
  const older = (await look(places.image(id))) !== undefined;
  if (older) {
    await removeDirectory(places.replaced(id));
    await rename(places.image(id), places.replaced(id));
  }
  await rename(places.draft(id), places.image(id));
  await removeAside(places, id);
}

/** What an interrupted replacement left: back to its place when there is no newer image, else gone. */
export async function settleReplaced(places: Places, id: ContainerId): Promise<void> {
  if ((await look(places.replaced(id))) === undefined) return;
  if ((await look(places.image(id))) === undefined) await rename(places.replaced(id), places.image(id));
  else await removeDirectory(places.replaced(id));
}

const removeAside = async (places: Places, id: ContainerId): Promise<void> => {
  if ((await look(places.replaced(id))) !== undefined) await removeDirectory(places.replaced(id));
};

/** Gone by one rename: half an image is never seen. */
export async function removeImage(places: Places, id: ContainerId): Promise<void> {
  await removeDirectory(places.gone(id));
  await orAbsent(rename(places.image(id), places.gone(id)));
  await Promise.all([places.gone(id), places.replaced(id)].map(removeDirectory));
}
