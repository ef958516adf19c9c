import { provideDebianTree } from './debian-tree.mjs';

/** Chromium without windows. */
const packages = ['chromium-headless-shell', 'fonts-dejavu-core'];

/** The tree's programs run by the machine's own loader, to which only its own C library belongs; it is of the same release. */
const without = ['libc6'];

const unused = ['usr/share/doc', 'usr/share/man', 'usr/share/locale', 'usr/share/icons', 'usr/share/bug'];

/**
 * Makes sure that `tree` has Debian's Chromium, for the tests of what runs in browsers.
 * @param {string} tree its parent must be there
 */
export const provideBrowserTree = (tree) =>
  provideDebianTree(tree, { what: 'browser for the tests', packages, without, unused });
