import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { provideDebianTree } from './debian-tree.mjs';
import { provideHostCommands } from './host-packages.mjs';
import { machine } from './prefix.mjs';
import { run } from './run.mjs';

/** Of Debian's newest stable release, on any Debian. @typedef {{ what: string, packages: string[], programs: string[], unused: string[] }} Peer */

/** What an installation would want, and what runs no container. */
export const needless = ['etc', 'var', 'sbin', 'usr/sbin', 'usr/share', 'usr/lib/systemd', 'usr/lib/python3'];

/** Podman without images and networks. @type {Peer} */
const podman = {
  what: 'Podman for the benchmark',
  packages: ['podman'],
  programs: ['usr/bin/podman', 'usr/lib/podman/netavark'],
  unused: needless,
};

/** @type {Peer} */
const docker = {
  what: 'Docker for the benchmark',
  packages: ['docker.io', 'docker-cli'],
  programs: ['usr/sbin/dockerd', 'usr/bin/docker', 'usr/bin/containerd', 'usr/bin/containerd-shim-runc-v2'],
  // its daemon is in usr/sbin
  unused: needless.filter((path) => !path.endsWith('sbin')),
};

/**
 * They are told where their loader and libraries will be. A wrapper around the loader would not do: Podman tells conmon to start
 * it again, by its own path. @param {readonly string[]} programs @param {{ made: string, final: string }} places
 */
async function bindPrograms(programs, { made, final }) {
  const { multiarch, loader } = machine();
  const lib = join(final, 'usr', 'lib', multiarch);
  const where = ['--set-interpreter', join(lib, loader), '--force-rpath', '--set-rpath', lib];
  for (const path of programs) await run(['patchelf', ...where, join(made, path)], { next: 'run this again' });
}

/** @param {string} tree its parent must be there @param {Peer} peer @returns {Promise<string>} its path without symbolic links */
export async function providePeer(tree, { what, packages, programs, unused }) {
  const final = await realpath(tree).catch(() => tree);
  await provideHostCommands(new Map([['patchelf', 'patchelf']]));
  await provideDebianTree(final, {
    ...{ what, packages, suite: 'trixie', unused },
    ...{ finish: (made) => bindPrograms(programs, { made, final }), finishHash: [final, programs] },
  });
  return final;
}

/** Makes sure that `tree` has Debian's Podman, which the benchmark measures beside us. @param {string} tree */
export const providePeersTree = (tree) => providePeer(tree, podman);

/** The same of Docker. @param {string} tree */
export const provideDockerTree = (tree) => providePeer(tree, docker);
