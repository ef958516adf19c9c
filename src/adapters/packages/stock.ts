/** What is on the shelf of unpacked images: how large, since when unused, and by what names it is known. */
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { isThere } from '../files/is-there.ts';
import { listDirectory } from '../files/list-directory.ts';
import { readRecord } from './files.ts';
import type { PackageTools } from './tools.ts';

type Shelf = { readonly chains: string; readonly sources: string; readonly tools: PackageTools };

export type Shelved = {
  readonly chain: string;
  readonly sources: readonly string[];
  /** With the files that others have too. */
  readonly sizeBytes: number;
  readonly usedMs: number;
};

type Age = { readonly name: string; readonly usedMs: number };

export async function stockOf(shelf: Shelf) {
  const ages = await agesOf(shelf.chains);
  const [sizes, named] = [await sizesOf(shelf, ages), await namesOf(shelf)];
  const shelved = ages.map(({ name, usedMs }): Shelved => {
    return { chain: name, sources: named.get(name) ?? [], sizeBytes: sizes.get(name) ?? 0, usedMs };
  });
  return { shelved, totalBytes: await sizeOf(shelf.chains, shelf.tools) };
}

/** Longest unused first. */
export async function agesOf(chains: string): Promise<readonly Age[]> {
  const names = await listDirectory(chains);
  const found = await Promise.all(
    names.map(async (name) => ({ name, usedMs: (await stat(join(chains, name))).mtimeMs })),
  );
  return found.toSorted((one, other) => one.usedMs - other.usedMs);
}

const diskUse = ['du', '--summarize', '--block-size=1'];

/** What they take on the disk together; a file that several have counts once. */
export async function sizeOf(chains: string, tools: PackageTools): Promise<number> {
  if (!(await isThere(chains))) return 0;
  const { stdout } = await tools([...diskUse, chains]);
  return Number.parseInt(stdout, 10);
}

/** What each takes for itself. */
async function sizesOf({ chains, tools }: Shelf, ages: readonly Age[]): Promise<ReadonlyMap<string, number>> {
  if (ages.length === 0) return new Map();
  const { stdout } = await tools([...diskUse, '--count-links', '--', ...ages.map(({ name }) => join(chains, name))]);
  const sizes = stdout.split('\n').map((line) => Number.parseInt(line, 10));
  return new Map(ages.map(({ name }, index) => [name, sizes[index] ?? 0]));
}

const nameSchema = z.object({ chain: z.string(), source: z.string().optional() });

async function recordsIn({ sources }: Shelf) {
  const records = await Promise.all(
    (await listDirectory(sources)).map(async (file) => {
      const { data } = nameSchema.safeParse(await readRecord(join(sources, file)));
      return data && { ...data, file: join(sources, file) };
    }),
  );
  return records.filter((one) => one !== undefined);
}

async function namesOf(shelf: Shelf): Promise<ReadonlyMap<string, readonly string[]>> {
  const names = new Map<string, string[]>();
  for (const { chain, source } of await recordsIn(shelf)) {
    if (source !== undefined) names.set(chain, [...(names.get(chain) ?? []), source]);
  }
  return names;
}

/** Those of images that are not there any more. */
export async function forgetSources(shelf: Shelf): Promise<void> {
  for (const { chain, file } of await recordsIn(shelf)) {
    if (!(await isThere(join(shelf.chains, chain)))) await rm(file, { force: true });
  }
}
