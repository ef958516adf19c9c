/**
 * Unpacked images below one directory: `chains/<chain id>/root`, which appear whole, `sources/` (what a reference was found to be,
 * as long as its file is the same) and `drafts/`, which belong to a work under way and are worth nothing without it.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { RuntimeError } from '../../domain/errors.ts';
import type { Pruned } from '../../domain/packages.ts';
import type { BundleConfig } from '../../domain/rootfs.ts';
import { isThere } from '../files/is-there.ts';
import { boundsFor, type PackageLimits } from './bounds.ts';
import { copyImage, nameOf } from './copy.ts';
import { explainWrite, readRecord, sha256, stampOf, writeRecord } from './files.ts';
import { withHidden } from './hidden.ts';
import { readImage } from './image.ts';
import { invalid, type Located } from './reference.ts';
import { agesOf, forgetSources, sizeOf, stockOf, type Shelved } from './stock.ts';
import type { PackageTools } from './tools.ts';
import { unpack } from './unpack.ts';

const strings = z.array(z.string()).readonly();
const bundleSchema = z
  .object({
    args: strings.optional(),
    env: strings,
    cwd: z.string().optional(),
    hostname: z.string().optional(),
    mounts: z.array(
      z.object({
        destination: z.string(),
        type: z.enum(['bind', 'tmpfs']),
        source: z.string(),
        readOnly: z.boolean(),
        options: strings,
      }),
    ),
    annotations: z.record(z.string(), z.string()),
    ignored: strings.default([]),
  })
  .transform(({ args, cwd, hostname, ...rest }): BundleConfig => ({ args, cwd, hostname, ...rest }));

/** `chain`: the directory of its files. */
export const unpackedSchema = z.object({ id: z.string(), chain: z.string(), bundle: bundleSchema });
export type Unpacked = z.output<typeof unpackedSchema>;
/** `source`: the reference, as `runtimectl packages` shows it. `checked`: by the rules of this version; an older one is copied again. */
const knownSchema = unpackedSchema.extend({ stamp: z.string(), source: z.string(), checked: z.literal(2) });

/** The chains that nobody may delete at this moment. */
type InUse = () => ReadonlySet<string>;

export type Library = {
  /** Unpacked now, if it was not before; once for all who ask at the same time. Throws BUNDLE_INVALID, NO_SPACE, NOT_SUPPORTED. */
  readonly provide: (located: Located) => Promise<Unpacked>;
  readonly rootOf: (chain: string) => string;
  /** Deletes those longest unused until all together are within the budget; never one in use. */
  readonly trim: (inUse: InUse) => Promise<unknown>;
  /** All that is there now. */
  readonly list: () => Promise<{ readonly shelved: readonly Shelved[]; readonly totalBytes: number }>;
  /** Deletes all that is not in use. Throws BUSY. */
  readonly prune: (inUse: InUse) => Promise<Pruned>;
  /** What a killed daemon left. */
  readonly clean: () => Promise<void>;
};

type Options = { readonly directory: string; readonly tools: PackageTools; readonly limits: PackageLimits };

type Shelf = Options & {
  readonly chains: string;
  readonly sources: string;
  readonly drafts: string;
  /** What is being unpacked, by reference and stamp. */
  readonly working: Map<string, Promise<Unpacked>>;
};

export function library(options: Options): Library {
  const { directory } = options;
  const shelf: Shelf = {
    ...options,
    chains: join(directory, 'chains'),
    sources: join(directory, 'sources'),
    drafts: join(directory, 'drafts'),
    working: new Map(),
  };
  let trimming: Promise<unknown> = Promise.resolve();
  /** Nothing is deleted or begun meanwhile. */
  const alone = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const mine = trimming.then(work);
    trimming = mine.catch(() => undefined);
    return mine;
  };
  return {
    provide: async (located) => {
      const { working } = shelf;
      const stamp = await stampOf(located.stampedFile).catch((error: unknown) => {
        throw invalid(located.path, 'has no index.json, so it is no OCI image layout', 'give an image', error);
      });
      const key = sha256(JSON.stringify([located.kind, located.path, located.tag ?? null]));
      const job = `${key} ${stamp}`;
      const found = working.get(job);
      if (found !== undefined) return found;
      const made = trimming
        .then(() => provideOnce(shelf, located, { key, stamp }))
        .finally(() => {
          working.delete(job);
        });
      working.set(job, made);
      return made;
    },
    rootOf: (chain) => join(shelf.chains, chain, 'root'),
    trim: (inUse) => alone(() => trimNow(shelf, { inUse, budgetBytes: shelf.limits.budgetBytes })),
    list: () => alone(() => stockOf(shelf)),
    prune: (inUse) => alone(() => pruneNow(shelf, inUse)),
    clean: () => rm(shelf.drafts, { recursive: true, force: true }),
  };
}

type Source = { readonly key: string; readonly stamp: string };

async function provideOnce(shelf: Shelf, located: Located, { key, stamp }: Source): Promise<Unpacked> {
  const { tools, chains, sources, drafts } = shelf;
  const record = join(sources, `${key}.json`);
  const known = knownSchema.safeParse(await readRecord(record)).data;
  if (known?.stamp === stamp && (await touch(join(chains, known.chain)))) return known;
  const draft = join(drafts, randomUUID());
  try {
    for (const path of [chains, sources, draft]) await mkdir(path, { recursive: true, mode: 0o700 });
    const bounds = await boundsFor(located, shelf.limits);
    const blobs = await copyImage(located, { tools, bounds, draft });
    const image = await readImage(blobs, located.path);
    const chain = await unpack(image, { tools, bounds, chains, draft, source: located.path });
    const bundle = await withHidden(image.bundle, join(chains, chain, 'root'));
    const unpacked = { id: image.id, chain, bundle };
    await writeRecord(record, { ...unpacked, stamp, source: nameOf(located), checked: 2 });
    return unpacked;
  } catch (error) {
    throw explainWrite(error);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

type Trim = { readonly inUse: InUse; readonly budgetBytes: number };

/** How many went. */
async function trimNow({ chains, drafts, tools, working }: Shelf, { inUse, budgetBytes }: Trim): Promise<number> {
  let deleted = 0;
  for (const { name } of await agesOf(chains)) {
    if ((await sizeOf(chains, tools)) <= budgetBytes) break;
    // looked at last: what is being unpacked may stand on any of them
    if (working.size > 0) break;
    if (inUse().has(name)) continue;
    const doomed = join(drafts, randomUUID());
    await mkdir(drafts, { recursive: true, mode: 0o700 });
    // gone at once for whoever looks; then its files
    await rename(join(chains, name), doomed);
    await tools(['rm', '--recursive', '--force', '--one-file-system', '--', doomed]);
    deleted += 1;
  }
  return deleted;
}

async function pruneNow(shelf: Shelf, inUse: InUse): Promise<Pruned> {
  if (shelf.working.size > 0) {
    throw new RuntimeError('BUSY', {
      what: 'an image is being unpacked, and may stand on any that is there',
      next: 'try again when the run has its answer',
    });
  }
  const before = await sizeOf(shelf.chains, shelf.tools);
  const deleted = await trimNow(shelf, { inUse, budgetBytes: 0 });
  await forgetSources(shelf);
  return { deleted, freedBytes: Math.max(0, before - (await sizeOf(shelf.chains, shelf.tools))) };
}

/** False when it is not there; else it is the one used last. */
async function touch(path: string): Promise<boolean> {
  if (!(await isThere(path))) return false;
  const now = new Date();
  await utimes(path, now, now);
  return true;
}
