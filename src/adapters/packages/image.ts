/** An image in an OCI layout, as far as we use it (image-spec: image-layout.md, manifest.md, config.md). */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { isReserved, plainPath, type BundleConfig } from '../../domain/rootfs.ts';
import { sha256 } from './files.ts';
import { invalid } from './reference.ts';

const MAX_JSON_BYTES = 4 * 2 ** 20;

const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'must be a sha256 digest');
const descriptor = z.object({ mediaType: z.string(), digest, size: z.int().nonnegative() });
const index = z.object({ manifests: z.array(descriptor).length(1, 'must be one manifest') });
const manifest = z.object({ config: descriptor, layers: z.array(descriptor).max(256) });
const list = z.array(z.string()).nullish();
const config = z.object({
  config: z
    .object({
      Entrypoint: list,
      Cmd: list,
      Env: list,
      WorkingDir: z.string().nullish(),
      Volumes: z.record(z.string(), z.unknown()).nullish(),
      Labels: z.record(z.string(), z.string()).nullish(),
    })
    .nullish(),
  rootfs: z.object({ diff_ids: z.array(digest) }),
});

export type Layer = {
  /** As the manifest tells of the blob. */
  readonly blob: z.infer<typeof descriptor>;
  /** Of the uncompressed layer. */
  readonly diffId: string;
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

/** `layout` holds just this image. `source`: for errors. Throws BUNDLE_INVALID. */
export async function readImage(layout: string, source: string): Promise<Image> {
  const read = <Schema extends z.ZodType>(name: string, schema: Schema) => readJson(layout, { name, schema, source });
  const [found] = (await read('index.json', index)).manifests;
  const { config: described, layers } = await read(blobPath(found?.digest ?? ''), manifest);
  const { config: asked, rootfs } = await read(blobPath(described.digest), config);
  if (rootfs.diff_ids.length !== layers.length) {
    const why = `has ${layers.length} layers in its manifest and ${rootfs.diff_ids.length} in its configuration (rootfs.diff_ids)`;
    throw invalid(source, why, 'build the image anew');
  }
  const chain: Layer[] = [];
  for (const [at, blob] of layers.entries()) {
    const diffId = rootfs.diff_ids[at] ?? '';
    const below = chain.at(-1)?.chainId;
    chain.push({ blob, diffId, chainId: below === undefined ? hexOf(diffId) : sha256(`sha256:${below} ${diffId}`) });
  }
  return { id: hexOf(described.digest), layers: chain, bundle: bundleOf(asked ?? {}, source) };
}

export const blobPath = (one: string): string => `blobs/sha256/${hexOf(one)}`;

type Wanted<Schema> = { readonly name: string; readonly schema: Schema; readonly source: string };

async function readJson<Schema extends z.ZodType>(
  layout: string,
  { name, schema, source }: Wanted<Schema>,
): Promise<z.output<Schema>> {
  const file = join(layout, name);
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
    'build the image anew',
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

type Asked = NonNullable<z.infer<typeof config>['config']>;

/**
 * In the words of a bundle. `User` stays out: every app has ids of its own, and may read all of its image. What the image calls
 * volumes are places to write to: a tmpfs each, gone when the app ends; what is to stay belongs into /data.
 */
function bundleOf({ Entrypoint, Cmd, Env, WorkingDir, Volumes, Labels }: Asked, source: string): BundleConfig {
  const args = [...(Entrypoint ?? []), ...(Cmd ?? [])];
  const cwd = WorkingDir === '' ? undefined : (WorkingDir ?? undefined);
  if (cwd !== undefined && !cwd.startsWith('/')) {
    throw invalid(
      source,
      `has the working directory ${JSON.stringify(cwd)}, which is not absolute`,
      'build the image anew',
    );
  }
  const volumes = Object.keys(Volumes ?? {}).map((path) => plainPath(path));
  return {
    args: args.length > 0 ? args : undefined,
    env: Env ?? [],
    cwd,
    hostname: undefined,
    mounts: volumes
      .filter((destination) => !isReserved(destination) && destination !== '/tmp')
      .map((destination) => ({ destination, type: 'tmpfs', source: 'tmpfs', readOnly: false, options: ['mode=0755'] })),
    annotations: Labels ?? {},
  };
}
