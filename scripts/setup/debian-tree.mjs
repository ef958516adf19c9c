import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Failure } from './failure.mjs';
import { lockClone } from './lock.mjs';
import { fetchPackages } from './private-apt.mjs';
import { step } from './progress.mjs';
import { run } from './run.mjs';

/**
 * `what`: for people. `suite`: this machine's when absent. `without`: packages that the machine's own stand in for. `finish`: the last touch, hashed by its text.
 * @typedef {{
 *   what: string,
 *   packages: readonly string[],
 *   suite?: string,
 *   without?: readonly string[],
 *   unused: readonly string[],
 *   finish?: (tree: string) => Promise<void>,
 *   finishHash?: unknown,
 * }} TreeOptions
 */

/** Debian's own links from / into /usr, which no package brings. */
const merged = ['bin', 'sbin', 'lib', 'lib64'];

const dpkgNext = 'free some disk (1 GB), then run this again';

/** The Debian release of this machine: bookworm, trixie, … @param {string} what */
async function readSuite(what) {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const suite = /^VERSION_CODENAME="?([a-z]+)"?$/m.exec(text)?.[1];
  if (suite !== undefined && /^ID="?debian"?$/m.test(text)) return suite;
  throw new Failure({
    what: `${what} cannot be fetched`,
    why: 'they are Debian packages, and this is no release of Debian',
    next: 'run these tests on Debian 12 or 13',
  });
}

/** @param {string} suite @param {string} directory @param {TreeOptions} options */
async function unpack(suite, directory, { packages, without = [], unused, finish }) {
  const tree = join(directory, 'tree');
  for (const name of merged) {
    await mkdir(join(tree, 'usr', name), { recursive: true });
    await symlink(`usr/${name}`, join(tree, name));
  }
  for (const deb of await fetchPackages(packages, { suite, directory: join(directory, 'apt') })) {
    if (without.includes(basename(deb).split('_')[0] ?? '')) continue;
    await run(['dpkg-deb', '--extract', deb, tree], { next: dpkgNext });
  }
  await finish?.(tree);
  for (const path of unused) await rm(join(tree, path), { recursive: true, force: true });
  return tree;
}

/**
 * Makes sure that `tree` holds packages of this machine's Debian with all that they need: unpacked, not installed, so that no
 * script of a package runs and nothing of the machine is changed or started.
 * @param {string} tree its parent must be there
 * @param {TreeOptions} options
 */
export async function provideDebianTree(tree, options) {
  const { what, packages, without, unused, finishHash } = options;
  const suite = options.suite ?? (await readSuite(what));
  const wanted = createHash('sha256')
    .update(JSON.stringify([suite, packages, without, unused, merged, finishHash]))
    .digest('hex');
  const isMade = async () => (await readFile(join(tree, '.made'), 'utf8').catch(() => '')) === wanted;
  if (await isMade()) return;
  await lockClone(`${tree}.lock`);
  if (await isMade()) return; // by whoever had the lock
  const scratch = `${tree}.new`;
  await rm(scratch, { recursive: true, force: true }); // of a set-up that was killed
  await step(`${what} (${packages.join(', ')} of Debian ${suite}, 150 MB), in ${tree}`, async () => {
    const made = await unpack(suite, scratch, options);
    await writeFile(join(made, '.made'), wanted);
    await rm(tree, { recursive: true, force: true });
    await rename(made, tree);
    await rm(scratch, { recursive: true, force: true });
  });
}
