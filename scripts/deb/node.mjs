/** The Node that the package brings: of this machine's kind from node_modules, of another kind from npm's registry. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../setup/failure.mjs';
import { run } from '../setup/run.mjs';

/** Debian's name of an architecture → Node's. */
const architectures = new Map([
  ['amd64', 'x64'],
  ['arm64', 'arm64'],
]);

/** @typedef {{ name: string, directory: string, architecture: string }} NodePackage */

/**
 * Throws a Failure for another architecture, and where the package cannot be had.
 * @param {string} architecture Debian's name @param {{ root: string, scratch: string }} places @returns {Promise<NodePackage>}
 */
export async function nodeFor(architecture, { root, scratch }) {
  const kind = architectures.get(architecture);
  if (kind === undefined) {
    const next = `choose one of ${[...architectures.keys()].join(', ')}`;
    throw new Failure({ what: `there is no Node for the architecture ${architecture}`, next });
  }
  const name = `node-linux-${kind}`;
  const directory = join(root, 'node_modules', name);
  const isHere = existsSync(join(directory, 'bin/node'));
  return { name, architecture, directory: isHere ? directory : await fetchNode(name, { root, scratch }) };
}

/** @param {string} name @param {{ root: string, scratch: string }} places */
async function fetchNode(name, { root, scratch }) {
  const lock = /** @type {{ packages: Record<string, { version: string, integrity: string }> }} */ (
    JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8'))
  );
  const locked = lock.packages[`node_modules/${name}`];
  if (locked === undefined) throw new Failure({ what: `package-lock.json has no ${name}`, next: 'run npm install' });
  const next = "see that npm's registry can be reached, then run this again";
  const words = /** @type {const} */ (['npm', 'pack', `${name}@${locked.version}`, '--json', '--pack-destination']);
  const said = await run([...words, scratch], { cwd: scratch, next });
  const [{ filename }] = /** @type {[{ filename: string }]} */ (JSON.parse(said));
  const file = join(scratch, filename);
  const sum = `sha512-${createHash('sha512')
    .update(await readFile(file))
    .digest('base64')}`;
  if (sum !== locked.integrity) throw new Failure({ what: `${filename} is not what package-lock.json knows`, next });
  const directory = join(scratch, name);
  await mkdir(directory);
  await run(['tar', '--extract', '--file', file, '--directory', directory, '--strip-components', '1'], { next });
  return directory;
}
