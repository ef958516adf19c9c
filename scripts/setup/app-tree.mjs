import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { provideDebianTree } from './debian-tree.mjs';

/** What the tests of real apps run. apt resolves all that they need, the C library included. */
const packages = ['redis-server', 'nginx', 'postgresql', 'python3', 'default-jre-headless', 'dash', 'coreutils'];

/** No app opens these, and they are a third of the files. */
const unused = ['usr/share/doc', 'usr/share/man', 'usr/share/locale', 'usr/share/i18n', 'usr/share/info'];

/** Where apps mount something: a mount point that is missing would cost a mount for each of its neighbours. */
const mountPoints = {
  directories: ['data', 'proc', 'dev', 'sys', 'tmp', 'run', 'opt/programs'],
  files: ['etc/passwd'],
};

/** @param {string} tree */
async function addMountPoints(tree) {
  for (const path of mountPoints.directories) await mkdir(join(tree, path), { recursive: true });
  for (const path of mountPoints.files) await writeFile(join(tree, path), '');
}

/**
 * Makes sure that `tree` is a root file system with Debian's redis, nginx, PostgreSQL, Python and Java.
 * @param {string} tree its parent must be there
 */
export const provideAppTree = (tree) =>
  provideDebianTree(tree, {
    ...{ what: 'apps for the tests', packages, unused },
    ...{ finish: addMountPoints, finishHash: mountPoints },
  });
