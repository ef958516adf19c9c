import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { provideDebianTree } from './debian-tree.mjs';

const packages = ['prometheus'];

/** They need nothing but the machine's own C library; all else is for their web pages and for an installation. */
const programs = ['prometheus', 'promtool'];
const unused = ['etc', 'var', 'usr/lib', 'usr/lib64', 'usr/libexec', 'usr/sbin', 'usr/share'];

/** @param {string} tree */
async function keepPrograms(tree) {
  const bin = join(tree, 'usr', 'bin');
  for (const name of await readdir(bin)) {
    if (!programs.includes(name)) await rm(join(bin, name));
  }
}

/**
 * Makes sure that `tree` has Debian's Prometheus, for the test of what it reads from the daemon.
 * @param {string} tree its parent must be there
 */
export const providePrometheusTree = (tree) =>
  provideDebianTree(tree, {
    ...{ what: 'Prometheus for the tests', packages, unused },
    ...{ finish: keepPrograms, finishHash: programs },
  });
