/** Debian's older OCI runtimes, which do less (runc 1.1) or more (crun 1.21) by themselves than newer ones, as tools of a daemon. */
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { provideOldCrunTree, provideOldRuncTree } from '../../scripts/setup/old-runtime-trees.mjs';
import { layout } from '../../src/domain/layout.ts';
import { tagOf } from '../../src/start/open-place.ts';
import { TOOLS, type DaemonOptions } from './daemon.ts';
import { mountsUnder } from './machine.ts';
import { PROJECT } from './pages.ts';

const execute = promisify(execFile);

const RUNC_TREE = process.env['RUNTIME_MANAGER_OLD_RUNC_TREE'] ?? join(PROJECT, '.tools.runc');
const CRUN_TREE = process.env['RUNTIME_MANAGER_OLD_CRUN_TREE'] ?? join(PROJECT, '.tools.crun');

/** Debian 12's. */
export async function oldRunc(): Promise<string> {
  await provideOldRuncTree(RUNC_TREE);
  return join(RUNC_TREE, 'usr/sbin/runc');
}

/** Debian 13's. */
export async function oldCrun(): Promise<string> {
  return join(await provideOldCrunTree(CRUN_TREE), 'usr/bin/crun');
}

export type Tools = AsyncDisposable & { readonly directory: string };

/** Nothing but conmon, tini and these scripts, by name. */
export async function onlyTools(scripts: Readonly<Record<string, string>>): Promise<Tools> {
  const directory = await mkdtemp(join(await realpath(tmpdir()), 'rmt-tools-'));
  for (const tool of ['conmon', 'tini-static']) await symlink(join(TOOLS, tool), join(directory, tool));
  for (const [name, script] of Object.entries(scripts)) {
    await writeFile(join(directory, name), script);
    await chmod(join(directory, name), 0o755);
  }
  return { directory, [Symbol.asyncDispose]: () => rm(directory, { recursive: true }) };
}

const UNIFIED = '/sys/fs/cgroup/unified';
const isHybrid = (): boolean => mountsUnder(UNIFIED).length > 0;

/** Runs the rest in a mount namespace of its own, in which the v2 hierarchy is not there. */
const WITHOUT_V2 = `unshare --mount --propagation private sh -c 'umount ${UNIFIED}; exec "$@"' sh`;

/** Where cgroups are hybrid no crun runs unaided: there it gets a view without the v2 hierarchy (facts/engine.md §8). */
export const crunScript = (binary: string, before = ''): string =>
  `#!/bin/sh\n${before}exec ${isHybrid() ? WITHOUT_V2 : ''} ${binary} "$@"\n`;

/** In its view crun makes the groups of v2 as plain directories, below the mount point: the daemon cannot see those. */
async function removeHidden(root: string): Promise<void> {
  if (!isHybrid()) return;
  const hidden = `${UNIFIED}/runtime-manager-${tagOf(layout(root))}`;
  const script = `umount ${UNIFIED} && rm -rf --one-file-system ${hidden}`;
  await execute('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', script]);
}

/** A daemon on crun. */
export const crunOptions = ({ directory }: Tools): DaemonOptions => ({
  tools: directory,
  config: { runtime: 'crun' },
  prepare: (root) => Promise.resolve(() => removeHidden(root)),
});

/** Arguments of `within`: a mount namespace of its own, with what the script makes in it. The script gets the words as $1, $2, … */
export const apart = (script: string, ...words: readonly string[]): readonly string[] => [
  ...['unshare', '--mount', '--propagation', 'private', 'sh', '-c'],
  ...[`set -e; ${script}; shift ${words.length}; exec "$@"`, 'sh', ...words],
];

/** /run as Debian's systemd mounts it. */
export const STOCK_RUN = 'mount -t tmpfs -o nosuid,nodev,noexec,mode=755 run /run';

/** Device nodes of its own in place of the machine's: what takes them takes nothing from anybody. $1: an empty directory. */
export const OWN_DEVICES = `mount -t tmpfs -o nosuid,noexec,mode=755 dev "$1"
mknod -m 666 "$1/null" c 1 3; mknod -m 666 "$1/zero" c 1 5; mknod -m 666 "$1/full" c 1 7
mknod -m 666 "$1/random" c 1 8; mknod -m 666 "$1/urandom" c 1 9; mknod -m 666 "$1/tty" c 5 0
mkdir "$1/pts" "$1/shm" "$1/mqueue"; mount --bind /dev/pts "$1/pts"; ln -s pts/ptmx "$1/ptmx"; ln -s /proc/self/fd "$1/fd"
touch "$1/is-a-tests"; mount --move "$1" /dev`;
