/** A bus of a test's own: Debian's dbus-daemon, which can be ended and started again at the same address. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync } from 'node:fs';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { provideBusTree } from '../../scripts/setup/bus-tree.mjs';
import { PROJECT } from './pages.ts';
import { until } from './until.ts';

const INSTALLED = '/usr/bin/dbus-daemon';
const TREE = process.env['RUNTIME_MANAGER_BUS_TREE'] ?? join(PROJECT, '.tools.bus');

/** Everybody may own every name and call everybody, as on a bus of Dobby's own tests. */
const configuration = (
  socket: string,
): string => `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=${socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
`;

export class TestBus implements AsyncDisposable {
  readonly directory: string;
  readonly address: string;
  readonly #program: string;
  #child: ChildProcess | undefined;

  constructor(directory: string, program: string) {
    this.directory = directory;
    this.address = `unix:path=${join(directory, 'bus')}`;
    this.#program = program;
  }

  async start(): Promise<void> {
    const socket = join(this.directory, 'bus');
    await rm(socket, { force: true });
    await writeFile(join(this.directory, 'bus.conf'), configuration(socket));
    const libraries = globSync(join(TREE, 'usr/lib/*-linux-gnu')).join(':');
    this.#child = spawn(
      this.#program,
      [`--config-file=${join(this.directory, 'bus.conf')}`, '--nofork', '--nopidfile'],
      {
        env: { PATH: '/usr/bin:/bin', ...(this.#program !== INSTALLED && { LD_LIBRARY_PATH: libraries }) },
        stdio: 'ignore',
      },
    );
    await until(() => listens(socket), { what: 'the bus answers', timeoutMs: 20_000 });
  }

  /** Every connection ends. */
  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await rm(this.directory, { recursive: true });
  }
}

function listens(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createConnection(socket);
    const answer = (is: boolean) => () => {
      probe.destroy();
      resolve(is);
    };
    probe.once('connect', answer(true)).once('error', answer(false));
  });
}

export async function startBus(): Promise<TestBus> {
  const isInstalled = existsSync(INSTALLED) && process.env['RUNTIME_MANAGER_BUS_TREE'] === undefined;
  if (!isInstalled) await provideBusTree(TREE);
  const directory = await mkdtemp(join(await realpath(tmpdir()), 'rmt-bus-'));
  const bus = new TestBus(directory, isInstalled ? INSTALLED : join(TREE, INSTALLED));
  await bus.start();
  return bus;
}
