import { provideDebianTree } from './debian-tree.mjs';
import { needless, providePeer } from './peers-tree.mjs';

/** Its libraries are the machine's own: the C library, and libseccomp, which apt itself needs. */
const unused = ['etc', 'lib', 'lib64', 'usr/lib', 'usr/lib64', 'usr/share', 'var'];

/**
 * Makes sure that `tree` has the runc of Debian 12, which does less by itself than newer ones, for the tests.
 * @param {string} tree its parent must be there
 */
export const provideOldRuncTree = (tree) =>
  provideDebianTree(tree, {
    ...{ what: 'the runc of Debian 12 for the tests', packages: ['runc'], suite: 'bookworm', unused },
  });

/** The same of Debian 13's crun, which takes device nodes that it is handed. @param {string} tree */
export const provideOldCrunTree = (tree) =>
  providePeer(tree, {
    ...{
      what: 'the crun of Debian 13 for the tests',
      packages: ['crun'],
      programs: ['usr/bin/crun'],
      unused: needless,
    },
  });
