/** What an interrupted operation left in an image: half-written files, and forms of a file that the manifest does not speak of. */
import { readdir, unlink } from 'node:fs/promises';
import { orAbsent } from './disk.ts';
import type { Manifest } from './manifest.ts';
import { compressed, CONFIG, MANIFEST, OPENED, temporary } from './places.ts';

/** A name that no other attempt uses: a tool that outlived a killed daemon may still write to its own. */
export const scratch = (name: string, attempt: string): string => `${name}.${attempt}.tmp`;

/** `keepOpened`: leaves what was decompressed for a wake. */
export async function removeLeftovers(
  directory: string,
  manifest: Manifest,
  { keepOpened }: { readonly keepOpened: boolean },
): Promise<void> {
  const stale = new Set([MANIFEST, CONFIG, OPENED].map(temporary));
  if (!keepOpened) stale.add(OPENED);
  for (const { name, stored } of manifest.files) {
    if (stored === 'raw') stale.add(compressed(name));
    else if (!keepOpened) stale.add(name);
  }
  const named = new Set(manifest.files.flatMap(({ name }) => [name, compressed(name)]));
  const isScratch = (name: string): boolean => {
    const of = /^(.+)\.[0-9a-f-]{36}\.tmp$/.exec(name)?.[1];
    return of !== undefined && named.has(of);
  };
  const names = await readdir(directory);
  await Promise.all(
    names.filter((name) => stale.has(name) || isScratch(name)).map((name) => orAbsent(unlink(`${directory}/${name}`))),
  );
}
