/** An image as it was copied: its manifest, its configuration, and a plain tar a layer, each named by its digest (image-spec: manifest.md, config.md). */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import type { BundleConfig } from '../../domain/rootfs.ts';
import { sha256 } from './files.ts';
import { bundleOf, imageConfig } from './image-config.ts';
import { refuseForeign } from './platform.ts';
import { invalid } from './reference.ts';

const MAX_JSON_BYTES = 4 * 2 ** 20;
export const MAX_LAYERS = 256;

const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'must be a sha256 digest');
const descriptor = z.object({ digest });
const manifest = z.object({ config: descriptor, layers: z.array(descriptor).max(MAX_LAYERS) });
const config = z.object({
  architecture: z.string().optional(),
  os: z.string().optional(),
  config: imageConfig.nullish(),
  rootfs: z.object({ diff_ids: z.array(digest) }),
});

export type Layer = {
  /** Of its tar, which the image really has. */
  readonly digest: string;
  readonly sizeBytes: number;
  /** Of this layer on all below it; equal ones have the same files. Hexadecimal. */
  readonly chainId: string;
};
export type Image = {
  /** Digest of its configuration, which names all its layers. Hexadecimal. */
  readonly id: string;
  readonly layers: readonly Layer[];
  readonly bundle: BundleConfig;
};

const hexOf = (one: string): string => one.slice('sha256:'.length);

/**
 * `blobs` holds just this image, as skopeo's `dir:` writes it with `--dest-decompress`: the digest of each layer is that of the bytes
 * that came out. What the configuration says of a layer (its diff id) is only compared with it, so that no image gets the files of a
 * layer by naming it. `source`: for errors. Throws BUNDLE_INVALID.
 */
export async function readImage(blobs: string, source: string): Promise<Image> {
  const read = <Schema extends z.ZodType>(name: string, schema: Schema) => readJson(blobs, { name, schema, source });
  const { config: described, layers } = await read('manifest.json', manifest);
  const { config: asked, rootfs, architecture, os } = await read(hexOf(described.digest), config);
  await refuseForeign({ architecture, os }, source);
  if (rootfs.diff_ids.length !== layers.length) {
    const why = `has ${layers.length} layers in its manifest and ${rootfs.diff_ids.length} in its configuration (rootfs.diff_ids)`;
    throw invalid(source, why, 'build the image again');
  }
  const chain: Layer[] = [];
  for (const [at, layer] of layers.entries()) {
    const diffId = rootfs.diff_ids[at] ?? '';
    const where = `layer ${at + 1} of ${layers.length}`;
    if (diffId !== layer.digest) {
      const why = `is inconsistent: ${where} is ${layer.digest}, its configuration says ${diffId} (rootfs.diff_ids): mismatch`;
      throw invalid(source, why, 'build or copy the image again; do not use it if you did not make it');
    }
    const file = await stat(join(blobs, hexOf(layer.digest))).catch((error: unknown) => {
      throw invalid(source, `does not contain ${where} (${layer.digest})`, 'copy the image with all its layers', error);
    });
    const below = chain.at(-1)?.chainId;
    const chainId = below === undefined ? hexOf(diffId) : sha256(`sha256:${below} ${diffId}`);
    chain.push({ digest: layer.digest, sizeBytes: file.size, chainId });
  }
  return { id: hexOf(described.digest), layers: chain, bundle: bundleOf(asked ?? {}, source) };
}

type Wanted<Schema> = { readonly name: string; readonly schema: Schema; readonly source: string };

async function readJson<Schema extends z.ZodType>(
  blobs: string,
  { name, schema, source }: Wanted<Schema>,
): Promise<z.output<Schema>> {
  const file = join(blobs, name);
  if ((await stat(file)).size > MAX_JSON_BYTES) {
    throw invalid(source, `has a ${name} of more than ${MAX_JSON_BYTES} bytes`, 'is this an image?');
  }
  const result = schema.safeParse(parse(await readFile(file, 'utf8')));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const member = issue === undefined || issue.path.length === 0 ? 'the whole' : issue.path.join('.');
  throw invalid(
    source,
    `is no image that can be run: ${member}: ${issue?.message ?? 'wrong'} (in ${name})`,
    'build the image again',
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
