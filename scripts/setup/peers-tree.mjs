import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { provideDebianTree } from './debian-tree.mjs';
import { provideHostCommands } from './host-packages.mjs';
import { machine } from './prefix.mjs';
import { run } from './run.mjs';

/** Podman without images and networks: the newest that is stable, on any Debian. */
const packages = ['podman'];
const programs = ['usr/bin/podman', 'usr/lib/podman/netavark'];

/** What an installation would want, and what runs no container. */
const unused = ['etc', 'var', 'sbin', 'usr/sbin', 'usr/share', 'usr/lib/systemd', 'usr/lib/python3'];

/**
 * They are told where their loader and libraries will be. A wrapper around the loader would not do: Podman tells conmon to start
 * it again, by its own path. @param {string} made @param {string} final
 */
async function bindPrograms(made, final) {
  const { multiarch, loader } = machine();
  const lib = join(final, 'usr', 'lib', multiarch);
  const where = ['--set-interpreter', join(lib, loader), '--force-rpath', '--set-rpath', lib];
  for (const path of programs) await run(['patchelf', ...where, join(made, path)], { next: 'run this again' });
}

/**
 * Makes sure that `tree` has Debian's Podman, which the benchmark measures beside us.
 * @param {string} tree its parent must be there
 * @returns {Promise<string>} its path without symbolic links
 */
export async function providePeersTree(tree) {
  const final = await realpath(tree).catch(() => tree);
  await provideHostCommands(new Map([['patchelf', 'patchelf']]));
  await provideDebianTree(final, {
    ...{ what: 'Podman for the benchmark', packages, suite: 'trixie', unused },
    ...{ finish: (made) => bindPrograms(made, final), finishHash: [final, programs] },
  });
  return final;
}
