/** The files of an app's RALF packages, read: what they mean is `spec/ralf`'s to say. */
import { join } from 'node:path';
import { notesOf } from '../../domain/bundle-notes.ts';
import { leftMounts } from '../../spec/ralf/base-mounts.ts';
import type { Platform } from '../../spec/platform/platform.ts';
import type { Ralf } from '../../spec/ralf/app.ts';
import {
  baseSpecSchema,
  gpuLayerSchema,
  manifestSchema,
  MOST_RALF_BYTES,
  ralfInvalid,
  ralfListSchema,
  readRalfText,
} from '../../spec/ralf/schema.ts';
import type { World } from '../world.ts';

function baseOf(file: string, text: string): NonNullable<Ralf['base']> {
  const spec = readRalfText(baseSpecSchema, file, text);
  return { file, ...spec, notes: [...notesOf(JSON.parse(text)), ...leftMounts(spec)] };
}

/** `list`: `ralfPkgPath`. Throws BUNDLE_INVALID naming file and member. */
export async function readRalf({ rootfs }: World, list: string, { ralf }: Platform): Promise<Ralf> {
  const read = (file: string): Promise<string | undefined> => rootfs.readText(file, MOST_RALF_BYTES);
  const must = async (file: string): Promise<string> => {
    const text = await read(file);
    if (text === undefined) throw ralfInvalid(file, 'is not there');
    return text;
  };
  if (!list.startsWith('/')) throw ralfInvalid(list, 'is no absolute path');
  const { packages } = readRalfText(ralfListSchema, list, await must(list));
  const gpuFile = join(ralf.value.gpuLayer, 'config.json');
  const baseFile = ralf.value.baseSpec;
  const [base, gpu, ...manifests] = await Promise.all([
    read(baseFile),
    read(gpuFile),
    ...packages.map(async ({ pkgMetaDataPath }) => must(pkgMetaDataPath)),
  ]);
  return {
    list,
    packages: packages.map(({ pkgMetaDataPath: metadata, pkgMountPath: mount }, at) => ({
      mount,
      metadata,
      manifest: readRalfText(manifestSchema, metadata, manifests[at] ?? ''),
    })),
    base: base === undefined ? null : baseOf(baseFile, base),
    gpu: {
      rootfs: join(ralf.value.gpuLayer, 'rootfs'),
      config: gpu === undefined ? null : { file: gpuFile, ...readRalfText(gpuLayerSchema, gpuFile, gpu) },
    },
  };
}
