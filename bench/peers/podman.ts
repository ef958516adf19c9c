/** Debian's Podman with our runc and conmon, in a mount namespace of its own: what it writes outside of its directory (locks, states of
 *  runc, its networks) is gone with it. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { providePeersTree } from '../../scripts/setup/peers-tree.mjs';
import { PACKAGE, TOOLS } from '../lib/daemon.ts';
import { call, openCommandLine } from './command-line.ts';
import { mountSpace } from './mount-space.ts';
import type { Kind, Peer } from './peer.ts';

const TREE = process.env['RUNTIME_MANAGER_PEERS_TREE'] ?? `${PACKAGE}.tools.peers`;

const configuration = (directory: string, tree: string): string => `
[containers]
log_driver = "k8s-file"
[engine]
lock_type = "file"
events_logger = "file"
events_logfile_path = "${directory}/events.log"
cgroup_manager = "cgroupfs"
runtime = "runc"
conmon_path = ["${TOOLS}/conmon"]
helper_binaries_dir = ["${tree}/usr/lib/podman"]
static_dir = "${directory}/static"
tmp_dir = "${directory}/tmp"
volume_path = "${directory}/volumes"
database_backend = "sqlite"
[engine.runtimes]
runc = ["${TOOLS}/runc"]
[network]
network_config_dir = "${directory}/networks"
`;

async function open(directory: string, rootfs: string): Promise<Peer> {
  const tree = await providePeersTree(TREE);
  const at = (name: string): string => join(directory, name);
  await mkdir(at('home'));
  await writeFile(at('containers.conf'), configuration(directory, tree));
  await writeFile(
    at('storage.conf'),
    `[storage]\ndriver = "vfs"\ngraphroot = "${at('storage')}"\nrunroot = "${at('run')}"\n`,
  );
  await writeFile(at('criu.conf'), 'network-lock skip\ntcp-close\n');
  const env = {
    ...{ PATH: `${TOOLS}:${process.env['PATH'] ?? ''}`, HOME: at('home'), PODMAN_IGNORE_CGROUPSV1_WARNING: '1' },
    ...{ CONTAINERS_CONF: at('containers.conf'), CONTAINERS_STORAGE_CONF: at('storage.conf') },
  };
  const space = await mountSpace(directory, ['mount']);
  const places = ['--root', at('storage'), '--runroot', at('run'), '--tmpdir', at('tmp')];
  const argv = [...space.enter, join(tree, 'usr', 'bin', 'podman'), ...places];
  try {
    const line = {
      ...{ argv, env, source: ['--rootfs', rootfs] },
      options: [
        ...['--network', 'none', '--annotation', `org.criu.config=${at('criu.conf')}`],
        ...['--cgroup-parent', `/runtime-manager-bench-${process.pid}/podman`],
      ],
      hibernate: (id: string) => ['container', 'checkpoint', id],
      wake: (id: string) => ['container', 'restore', id],
      ...{ eventFormat: '{{.Status}} {{.Name}}', monitor: 'ConmonPid' },
    };
    await call([...argv, 'info'], env);
    return await openCommandLine(line, async () => {
      await call([...argv, 'rm', '--all', '--force', '--time', '0'], env);
      await space[Symbol.asyncDispose]();
    });
  } catch (error) {
    await space[Symbol.asyncDispose]();
    throw error;
  }
}

export const PODMAN: Kind = {
  name: 'Podman',
  what: "Debian's Podman by its command line, with the same conmon and runc",
  absent: () =>
    providePeersTree(TREE).then(
      () => undefined,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    ),
  open: ({ directory, rootfs }) => open(directory, rootfs),
};
