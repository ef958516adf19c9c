import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from './failure.mjs';
import { lockClone } from './lock.mjs';
import { fetchPackages } from './private-apt.mjs';
import { step } from './progress.mjs';
import { run } from './run.mjs';

/** What the tests of real apps run. apt resolves all that they need, the C library included. */
const packages = ['redis-server', 'nginx', 'postgresql', 'python3', 'default-jre-headless', 'dash', 'coreutils'];

/** No app opens these, and they are a third of the files. */
const unused = ['usr/share/doc', 'usr/share/man', 'usr/share/locale', 'usr/share/i18n', 'usr/share/info'];

/** Debian's own links from / into /usr, which no package brings. */
const merged = ['bin', 'sbin', 'lib', 'lib64'];

/** Where apps mount something: a mount point that is missing would cost a mount for each of its neighbours. */
const mountPoints = {
  directories: ['data', 'proc', 'dev', 'sys', 'tmp', 'run', 'opt/programs'],
  files: ['etc/passwd'],
};

const dpkgNext = 'free some disk (1 GB), then run this again';

/** The Debian release of this machine: bookworm, trixie, … */
async function readSuite() {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const suite = /^VERSION_CODENAME="?([a-z]+)"?$/m.exec(text)?.[1];
  if (suite !== undefined && /^ID="?debian"?$/m.test(text)) return suite;
  throw new Failure({
    what: 'the apps for the tests cannot be fetched',
    why: 'they are Debian packages, and this is no release of Debian',
    next: 'run the tests of real apps on Debian 12 or 13',
  });
}

/** @param {string} suite @param {string} directory */
async function unpack(suite, directory) {
  const tree = join(directory, 'tree');
  for (const name of merged) {
    await mkdir(join(tree, 'usr', name), { recursive: true });
    await symlink(`usr/${name}`, join(tree, name));
  }
  for (const deb of await fetchPackages(packages, { suite, directory: join(directory, 'apt') })) {
    await run(['dpkg-deb', '--extract', deb, tree], { next: dpkgNext });
  }
  for (const path of mountPoints.directories) await mkdir(join(tree, path), { recursive: true });
  for (const path of mountPoints.files) await writeFile(join(tree, path), '');
  for (const path of unused) await rm(join(tree, path), { recursive: true, force: true });
  return tree;
}

/**
 * Makes sure that `tree` is a root file system with Debian's redis, nginx, PostgreSQL, Python and Java: unpacked, not
 * installed, so that no script of a package runs and nothing of the machine is changed or started.
 * @param {string} tree its parent must be there
 */
export async function provideAppTree(tree) {
  const suite = await readSuite();
  const wanted = createHash('sha256')
    .update(JSON.stringify([suite, packages, unused, merged, mountPoints]))
    .digest('hex');
  const isMade = async () => (await readFile(join(tree, '.made'), 'utf8').catch(() => '')) === wanted;
  if (await isMade()) return;
  await lockClone(`${tree}.lock`);
  if (await isMade()) return; // by whoever had the lock
  const scratch = `${tree}.new`;
  await rm(scratch, { recursive: true, force: true }); // of a set-up that was killed
  await step(`apps for the tests (${packages.join(', ')} of Debian ${suite}, 150 MB), in ${tree}`, async () => {
    const made = await unpack(suite, scratch);
    await writeFile(join(made, '.made'), wanted);
    await rm(tree, { recursive: true, force: true });
    await rename(made, tree);
    await rm(scratch, { recursive: true, force: true });
  });
}
