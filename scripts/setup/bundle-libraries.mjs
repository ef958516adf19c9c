import { join } from 'node:path';
import { machine } from './prefix.mjs';
import { run } from './run.mjs';

/** Before Debian 13 some libraries lie below /lib. @param {string} unpacked */
const foldersOf = (unpacked) => ['usr/lib', 'lib'].map((folder) => join(unpacked, folder, machine().multiarch));

/**
 * The libraries that programs of unpacked packages need, as their own loader finds them, and the loader. What is loaded later by
 * name (drivers of graphics cards) is not among them.
 * @param {string} unpacked
 * @param {{ programs: readonly string[], loader: string }} wanted `programs`: of usr/bin; `loader`: its path
 */
export async function findLibraries(unpacked, { programs, loader }) {
  const paths = new Set([loader]);
  for (const name of programs) {
    const argv = /** @type {const} */ ([loader, '--library-path', foldersOf(unpacked).join(':'), '--list']);
    const text = await run([...argv, join(unpacked, 'usr', 'bin', name)], { next: 'run this again' });
    for (const [, path = ''] of text.matchAll(/=> (\/\S+)/g)) paths.add(path);
  }
  return [...paths];
}
