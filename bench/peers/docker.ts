/** The Docker daemon of this machine; where none runs, Debian's, started for the benchmark in namespaces and directories of its own. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { provideDockerTree } from '../../scripts/setup/peers-tree.mjs';
import { PACKAGE, TOOLS } from '../lib/daemon.ts';
import { call, openCommandLine } from './command-line.ts';
import { mountSpace } from './mount-space.ts';
import type { Kind, Peer, Place } from './peer.ts';

const run = promisify(execFile);
const TREE = process.env['RUNTIME_MANAGER_DOCKER_TREE'] ?? `${PACKAGE}.tools.docker`;
const READY_MS = 30_000;

type Server = AsyncDisposable & {
  /** A client that talks to it. */
  readonly argv: readonly string[];
  /** Of `run`, where it may put what it runs. */
  readonly options: readonly string[];
};

const answers = (argv: readonly string[]): Promise<boolean> =>
  run(argv[0] ?? '', [...argv.slice(1), 'version', '--format', '{{.Server.Version}}']).then(
    () => true,
    () => false,
  );

/** Networks, rules and forwarding of the machine are none of its business. */
const serverOptions = (directory: string): readonly string[] => [
  ...['--data-root', `${directory}/data`, '--exec-root', `${directory}/exec`, '--pidfile', `${directory}/pid`],
  ...['--host', `unix://${directory}/sock`, '--config-file', `${directory}/daemon.json`, '--storage-driver', 'vfs'],
  ...['--bridge=none', '--iptables=false', '--ip6tables=false', '--ip-forward=false', '--ip-masq=false'],
  ...['--userland-proxy=false', '--experimental', '--log-level', 'error'],
];

async function startServer(directory: string): Promise<Server> {
  const tree = await provideDockerTree(TREE);
  await writeFile(`${directory}/daemon.json`, '{}');
  const space = await mountSpace(directory, ['mount', 'net']);
  const path = [TOOLS, `${tree}/usr/bin`, `${tree}/usr/sbin`, process.env['PATH'] ?? ''].join(':');
  const log = openSync(`${directory}/log`, 'w');
  const words = [...space.enter.slice(1), `${tree}/usr/sbin/dockerd`, ...serverOptions(directory)];
  const child = spawn(space.enter[0] ?? '', words, {
    env: { PATH: path, HOME: directory },
    stdio: ['ignore', log, log],
    detached: true,
  });
  const gone = once(child, 'exit');
  const end = async (): Promise<void> => {
    child.kill('SIGTERM');
    await gone;
    await space[Symbol.asyncDispose]();
  };
  const argv = [`${tree}/usr/bin/docker`, '--host', `unix://${directory}/sock`];
  const deadline = performance.now() + READY_MS;
  while (!(await answers(argv))) {
    if (child.exitCode !== null || performance.now() > deadline) {
      await end();
      const last = (await readFile(`${directory}/log`, 'utf8')).trim().split('\n').at(-1);
      throw new Error(`Docker's daemon does not start: ${last ?? ''}`);
    }
    await sleep(50);
  }
  const options = ['--cgroup-parent', `/runtime-manager-bench-${process.pid}/docker`];
  return { argv, options, [Symbol.asyncDispose]: end };
}

/** Of benchmarks that were killed while this daemon ran; their processes have ended. */
async function removeOld(argv: readonly string[]): Promise<void> {
  const names = (await call([...argv, 'ps', '--all', '--format', '{{.Names}}'], process.env)).split('\n');
  const old = names.filter((name) => isOfDead(/^bench-(\d+)-/.exec(name)?.[1]));
  if (old.length > 0) await call([...argv, 'rm', '--force', ...old], process.env);
  const tags = await call([...argv, 'images', '--format', '{{.Tag}}', 'runtime-manager-bench'], process.env);
  for (const tag of tags.split('\n').filter(isOfDead)) {
    await call([...argv, 'rmi', '--force', `runtime-manager-bench:${tag}`], process.env);
  }
}

export function isOfDead(pid: string | undefined): boolean {
  if (pid === undefined || !/^\d+$/.test(pid)) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch {
    return true;
  }
}

async function open({ rootfs, directory }: Place): Promise<Peer> {
  const own = ['docker'];
  const server: Server = (await answers(own))
    ? { argv: own, options: [], [Symbol.asyncDispose]: () => Promise.resolve() }
    : await startServer(directory);
  const { argv, options } = server;
  try {
    await removeOld(argv);
    const image = `runtime-manager-bench:${process.pid}`;
    const archive = join(directory, 'rootfs.tar');
    await run('tar', ['--create', '--file', archive, '--directory', rootfs, '.']);
    await call([...argv, 'import', archive, image], process.env);
    // without it CRIU locks a network that is not there, and fails
    await writeFile(join(directory, 'criu.conf'), 'network-lock skip\ntcp-close\n');
    const annotation = ['--annotation', `org.criu.config=${join(directory, 'criu.conf')}`];
    const line = {
      ...{ argv, env: process.env, options: ['--network', 'none', ...annotation, ...options], source: [image] },
      hibernate: (id: string) => ['checkpoint', 'create', id, 'bench'],
      wake: (id: string) => ['start', '--checkpoint', 'bench', id],
      eventFormat: '{{.Action}} {{.Actor.Attributes.name}}',
    };
    return await openCommandLine(line, async () => {
      await call([...argv, 'rmi', '--force', image], process.env);
      await server[Symbol.asyncDispose]();
    });
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

export const DOCKER: Kind = {
  name: 'Docker',
  what: "Docker by its command line: the machine's own daemon, or Debian's, started for the run, with the same runc",
  absent: async () => {
    if (await answers(['docker'])) return undefined;
    return provideDockerTree(TREE).then(
      () => undefined,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
  },
  open,
};
