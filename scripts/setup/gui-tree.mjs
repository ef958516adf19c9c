import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { provideDebianTree } from './debian-tree.mjs';
import { machine } from './prefix.mjs';
import { run } from './run.mjs';

/** Apps that draw, of each kind: GTK 3 and 4, Qt 6, a terminal, plain Wayland clients (shared memory, EGL), a browser. */
const packages = [
  ...['gtk-3-examples', 'gtk-4-examples', 'qt6-base-examples', 'qt6-wayland', 'foot', 'weston', 'chromium'],
  ...['libgl1-mesa-dri', 'libegl1', 'fonts-dejavu-core', 'adwaita-icon-theme', 'dash', 'coreutils'],
];

const unused = ['usr/share/doc', 'usr/share/man', 'usr/share/locale', 'usr/share/i18n', 'usr/share/info'];

/** Where apps mount something: a mount point that is missing would cost a mount for each of its neighbours. */
const mountPoints = {
  directories: ['data', 'proc', 'dev', 'sys', 'tmp', 'run', 'opt/programs'],
  files: ['etc/passwd'],
};

/** GTK ends at once without its settings and the kinds of files, which the packages' own scripts would compile. @param {string} tree */
async function compileTables(tree) {
  const { multiarch, loader } = machine();
  const folder = join(tree, 'usr', 'lib', multiarch);
  const load = /** @type {const} */ ([join(folder, loader), '--library-path', folder]);
  const next = 'run this again';
  const compiler = join(folder, 'glib-2.0', 'glib-compile-schemas');
  await run([...load, compiler, join(tree, 'usr', 'share', 'glib-2.0', 'schemas')], { next });
  await run([...load, join(tree, 'usr', 'bin', 'update-mime-database'), join(tree, 'usr', 'share', 'mime')], { next });
}

/** @param {string} tree */
async function finish(tree) {
  await compileTables(tree);
  for (const path of mountPoints.directories) await mkdir(join(tree, path), { recursive: true });
  for (const path of mountPoints.files) await writeFile(join(tree, path), '');
}

/**
 * Makes sure that `tree` is a root file system with Debian's apps that draw.
 * @param {string} tree its parent must be there
 */
export const provideGuiTree = (tree) =>
  provideDebianTree(tree, {
    ...{ what: 'apps that draw, for the tests', packages, suite: 'trixie', unused },
    ...{ finish, finishHash: [mountPoints, 'schemas', 'mime'] },
  });
