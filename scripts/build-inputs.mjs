import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** What a build is made from. Its hash lies in dist, so that a set-up can tell whether dist is of these sources. */
const inputs = [
  'src',
  'scripts/build.mjs',
  'scripts/build-pages.mjs',
  'package-lock.json',
  'package.json',
  'tsconfig.json',
  'tsconfig.types.json',
];

export const stampName = '.inputs.sha256';

/** @param {string} root */
export function hashInputs(root) {
  const hash = createHash('sha256');
  const paths = inputs.flatMap((input) => filesBelow(root, input)).sort();
  for (const path of paths) {
    hash
      .update(`${path}\0`)
      .update(readFileSync(join(root, path)))
      .update('\0');
  }
  return hash.digest('hex');
}

/** @param {string} root @param {string} path @returns {string[]} */
function filesBelow(root, path) {
  if (!existsSync(join(root, path))) return [];
  if (/\.[a-z]+$/.test(path)) return [path];
  return readdirSync(join(root, path)).flatMap((name) => filesBelow(root, `${path}/${name}`));
}
