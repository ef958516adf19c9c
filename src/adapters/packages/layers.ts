/** Directories that are laid over each other. */
import { realpath, stat } from 'node:fs/promises';
import { isErrno } from '../../domain/errors.ts';
import { sha256 } from './files.ts';
import type { Hold } from './holds.ts';
import { invalid } from './reference.ts';

/** The characters that overlayfs reads as its own. */
const OVERLAY_SPECIAL = /[:,\\]/;
/** All options of a mount have one page (mount(2)); some of it are the others. */
const MAX_OPTION_BYTES = 4000;

/** Throws BUNDLE_INVALID. */
export async function layersHold(layers: readonly string[]): Promise<Hold> {
  const paths: string[] = [];
  for (const [at, layer] of layers.entries()) paths.push(await layerAt(layer, `rootfs.layers.${at}`));
  if (Buffer.byteLength(paths.join(':')) > MAX_OPTION_BYTES) {
    throw invalid('rootfs.layers', `has paths of more than ${MAX_OPTION_BYTES} bytes together`, 'give shorter paths');
  }
  return { kind: 'layers', key: sha256(JSON.stringify(paths)).slice(0, 32), paths };
}

async function layerAt(layer: string, member: string): Promise<string> {
  const next = 'give directories that exist on this device';
  const path = await realpath(layer).catch((error: unknown) => {
    if (!isErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP')) throw error;
    throw invalid(layer, `(${member}) cannot be used as a layer`, next, error);
  });
  if (!(await stat(path)).isDirectory()) throw invalid(layer, `(${member}) is not a directory`, next);
  if (path === '/') throw invalid(layer, `(${member}) is the device's own root`, next);
  if (OVERLAY_SPECIAL.test(path)) throw invalid(layer, `(${member}) has one of : , \\ in its path`, 'move it');
  return path;
}
