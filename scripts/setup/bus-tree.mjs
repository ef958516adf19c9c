import { provideDebianTree } from './debian-tree.mjs';

const packages = ['dbus-daemon'];

/** The program is run by the machine's own loader, to which only its own C library belongs; it is of the same release. */
const without = ['libc6'];

const unused = ['usr/share', 'etc', 'usr/lib/systemd'];

/**
 * Makes sure that `tree` has Debian's dbus-daemon, for the tests of what speaks D-Bus.
 * @param {string} tree its parent must be there
 */
export const provideBusTree = (tree) =>
  provideDebianTree(tree, { what: 'D-Bus for the tests', packages, without, unused });
