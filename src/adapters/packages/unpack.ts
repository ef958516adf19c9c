/**
 * Layers → directories. Each of the lower layers is kept on its own with all below it, its files linked from there: images on the
 * same base share the base's files, on disk and in memory.
 */
import { mkdir, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno } from '../../domain/errors.ts';
import { isThere } from '../files/is-there.ts';
import { boundedTools, refuseBeyond, type Bounds } from './bounds.ts';
import { refuseHostile } from './entries.ts';
import { sha256 } from './files.ts';
import type { Image, Layer } from './image.ts';
import { invalid } from './reference.ts';
import { reasonOf, type PackageTools } from './tools.ts';
import { verdictOf } from '../process/run-tool.ts';

export type Unpacking = {
  readonly tools: PackageTools;
  readonly bounds: Bounds;
  /** Of the finished directories, by chain id. */
  readonly chains: string;
  /** Ours alone, with the image's layers in `layout`; removed by the caller. */
  readonly draft: string;
  /** For errors. */
  readonly source: string;
};

/** Images share bases, not tops; and every kept step costs a directory tree. */
const SHARED_LAYERS = 8;

/** The directory of the whole image. Throws BUNDLE_INVALID, NO_SPACE; then nothing new is there but whole steps. */
export async function unpack(image: Image, unpacking: Unpacking): Promise<string> {
  const { chains, draft } = unpacking;
  const { layers } = image;
  const done = await firstMissing(layers, chains);
  const top = layers.at(-1)?.chainId ?? 'empty';
  if (layers.length === 0) await mkdir(join(draft, 'root'), { mode: 0o755 });
  let base = layers[done - 1]?.chainId;
  let begun = layers.length === 0;
  for (const [at, layer] of layers.entries()) {
    if (at < done) continue;
    if (!begun) await begin(unpacking, base);
    await apply(unpacking, { layer, at, of: layers.length });
    begun = true;
    if (at < SHARED_LAYERS && at < layers.length - 1) {
      await finish(unpacking, layer.chainId);
      base = layer.chainId;
      begun = false;
    }
  }
  if (begun) await finish(unpacking, top);
  const directory = join(chains, top);
  const now = new Date();
  await utimes(directory, now, now);
  return top;
}

/** How many layers need not be unpacked. */
async function firstMissing(layers: readonly Layer[], chains: string): Promise<number> {
  for (let at = layers.length; at > 0; at--) {
    const chainId = layers[at - 1]?.chainId ?? '';
    if (await isThere(join(chains, chainId))) return at;
  }
  return 0;
}

async function begin({ tools, chains, draft }: Unpacking, base: string | undefined): Promise<void> {
  const root = join(draft, 'root');
  if (base === undefined) await mkdir(root, { mode: 0o755 });
  else await tools(['cp', '--archive', '--link', '--no-target-directory', join(chains, base, 'root'), root]);
}

type Step = { readonly layer: Layer; readonly at: number; readonly of: number };

async function apply(unpacking: Unpacking, { layer, at, of }: Step): Promise<void> {
  const { tools, bounds, draft, source } = unpacking;
  const where = `layer ${at + 1} of ${of} (${layer.digest})`;
  const [layout, root] = [join(draft, 'layout'), join(draft, 'root')];
  await refuseHostile(tools, { file: join(layout, 'blobs', 'sha256', hexOf(layer.digest)), where, source });
  await describeAlone(layout, layer);
  const guarded = boundedTools(tools, bounds, [root]);
  await guarded(['umoci', 'raw', 'unpack', '--image', `${layout}:one`, root]).catch((error: unknown) => {
    if (verdictOf(error) === undefined) throw error;
    throw invalid(source, `cannot be unpacked: ${where}`, 'build or copy the image again', reasonOf(error));
  });
  await refuseBeyond(tools, bounds, [root]);
}

const hexOf = (digest: string): string => digest.slice('sha256:'.length);

/** The layer as an image of its own: umoci knows whole images only, and checks its digest. */
async function describeAlone(layout: string, { digest, sizeBytes }: Layer): Promise<void> {
  const put = async (content: object, mediaType: string) => {
    const text = JSON.stringify(content);
    const hex = sha256(text);
    await writeFile(join(layout, 'blobs', 'sha256', hex), text);
    return { mediaType, digest: `sha256:${hex}`, size: Buffer.byteLength(text) };
  };
  const config = await put(
    { architecture: 'amd64', os: 'linux', config: {}, rootfs: { type: 'layers', diff_ids: [digest] } },
    'application/vnd.oci.image.config.v1+json',
  );
  const blob = { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest, size: sizeBytes };
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = await put({ schemaVersion: 2, mediaType, config, layers: [blob] }, mediaType);
  const named = { ...manifest, annotations: { 'org.opencontainers.image.ref.name': 'one' } };
  await writeFile(join(layout, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  await writeFile(join(layout, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [named] }));
}

/**
 * The package is the app's: it may read and execute all of it, whoever owned it in the image, and write nothing. No set-uid bit,
 * device, pipe or socket stays. Flushed, then renamed: what has its name is whole, also after a power cut.
 */
async function finish({ tools, chains, draft }: Unpacking, chainId: string): Promise<void> {
  const root = join(draft, 'root');
  await tools(['find', root, '-xdev', '(', ...SPECIAL, ')', '-delete']);
  await tools(['chown', '--recursive', '--no-dereference', '0:0', root]);
  await tools(['chmod', '--recursive', 'u+rX,go=u,go-w,ug-s,-t', root]);
  const made = join(draft, chainId);
  await mkdir(made, { mode: 0o700 });
  await rename(root, join(made, 'root'));
  await tools(['sync', '--file-system', made]);
  await rename(made, join(chains, chainId)).catch(async (error: unknown) => {
    if (!isErrno(error, 'ENOTEMPTY', 'EEXIST')) throw error;
    // the same base was made for another image at this moment
    await rm(made, { recursive: true });
  });
}

const SPECIAL = ['-type', 'b', '-o', '-type', 'c', '-o', '-type', 'p', '-o', '-type', 's'];
