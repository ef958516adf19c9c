/** A daemon of a test's own: own root directory, own control groups, and nothing left of either when the scope ends. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, openSync, closeSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { connect, type Client } from '../../src/client/node.ts';
import { layout, type Layout } from '../../src/domain/layout.ts';
import { ownGroups } from '../../src/start/app-place.ts';
import { tagOf } from '../../src/start/open-place.ts';
import { groupDirectories, mountsUnder, processesWith } from './machine.ts';
import { until } from './until.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const DIST = process.env['RUNTIME_MANAGER_DIST'] ?? join(PROJECT, 'dist');
export const TOOLS = process.env['RUNTIME_MANAGER_TOOLS'] ?? join(PROJECT, '.tools', 'bin');

export type DaemonOptions = {
  /** Members of config.yaml. */
  readonly config?: object;
  readonly args?: readonly string[];
  /** A directory of tools in place of the project's. */
  readonly tools?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Program and arguments that start the daemon, and become it: `nsenter …`. */
  readonly within?: readonly string[];
  /** Called with the root directory before the daemon starts. What it returns is called when everything has ended. */
  readonly prepare?: (root: string) => Promise<() => Promise<void>>;
};

type Ended = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

export class TestDaemon implements AsyncDisposable {
  readonly directory: string;
  readonly root: string;
  readonly places: Layout;
  readonly tag: string;
  readonly #options: DaemonOptions;
  readonly #undo: () => Promise<void>;
  #child: ChildProcess | undefined;
  #ended: Promise<Ended> = Promise.resolve({ code: null, signal: null });
  #client: Client | undefined;

  constructor(directory: string, options: DaemonOptions, undo: () => Promise<void>) {
    this.directory = directory;
    this.root = join(directory, 'r');
    this.places = layout(this.root);
    this.tag = tagOf(this.places);
    this.#options = options;
    this.#undo = undo;
  }

  get client(): Client {
    assert(this.#client !== undefined, 'the daemon does not run');
    return this.#client;
  }

  get pid(): number {
    assert(this.#child?.pid !== undefined, 'the daemon does not run');
    return this.#child.pid;
  }

  /** Apps that bring no wish of their own get the ids from here on. */
  get firstUid(): number {
    return ownUserIds().first;
  }

  /** The control group of a container, or of all of them. */
  group(containerId?: string): string {
    const { scope, root } = ownGroups(this.places);
    const parent = existsSync('/run/systemd/system') ? scope : root;
    return `${parent}${containerId === undefined ? '' : `/app-${containerId}`}`;
  }

  log(): string {
    const file = join(this.directory, 'daemon.log');
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }

  /** Starts it, with further arguments if any, and waits for the ready line. */
  async start(args: readonly string[] = this.#options.args ?? []): Promise<void> {
    const before = this.log().length;
    this.#spawn(args);
    await until(() => this.log().slice(before).includes('ready: listening on') || this.#hasExited(), {
      what: `the daemon of ${this.root} is ready`,
      timeoutMs: 30_000,
    });
    if (this.#hasExited()) throw new Error(`the daemon did not start:\n${this.log().slice(before)}`);
    this.#client = await connect({ socket: this.places.socket });
  }

  #spawn(args: readonly string[]): void {
    const { tools = TOOLS, env = {}, within = [] } = this.#options;
    const log = openSync(join(this.directory, 'daemon.log'), 'a');
    const daemon = [process.execPath, join(DIST, 'daemon/main.mjs'), '--root', this.root, ...args];
    const [command = '', ...rest] = [...within, ...daemon];
    // its own process group: what is sent to the tests' group must not reach it
    const child = spawn(command, rest, {
      env: { PATH: process.env['PATH'] ?? '', RUNTIME_MANAGER_TOOLS: tools, ...env },
      stdio: ['ignore', 'ignore', log],
      detached: true,
    });
    closeSync(log);
    this.#child = child;
    this.#ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
  }

  /** A daemon that is expected to give up at once. */
  async tryAnother(args: readonly string[] = []): Promise<{ readonly code: number | null; readonly stderr: string }> {
    const { tools = TOOLS, env = {} } = this.#options;
    const child = spawn(process.execPath, [join(DIST, 'daemon/main.mjs'), '--root', this.root, ...args], {
      env: { PATH: process.env['PATH'] ?? '', RUNTIME_MANAGER_TOOLS: tools, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: 20_000,
    });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
    return { code, stderr };
  }

  #hasExited(): boolean {
    return this.#child === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  async #end(signal: NodeJS.Signals): Promise<Ended> {
    if (!this.#hasExited()) this.#child?.kill(signal);
    const ended = await this.#ended;
    this.#client?.close();
    this.#client = undefined;
    this.#child = undefined;
    return ended;
  }

  /** Killed before it can be ready, or not long after. */
  async startBriefly(lifeMs: number): Promise<void> {
    this.#spawn(this.#options.args ?? []);
    await sleep(lifeMs);
    await this.kill9();
  }

  kill9(): Promise<Ended> {
    return this.#end('SIGKILL');
  }

  /** A clean end. */
  stop(): Promise<Ended> {
    return this.#end('SIGTERM');
  }

  async restart(args?: readonly string[]): Promise<void> {
    if (this.#child !== undefined) await this.stop();
    await this.start(args);
  }

  /** What of this daemon and its apps is on the machine now, one line each. */
  traces(): readonly string[] {
    const places = [this.directory, `/run/runtime-manager-${this.tag}`];
    return [
      ...processesWith(this.root).map((pid) => `process ${pid}`),
      ...places.flatMap((place) => mountsUnder(place).map((point) => `mount ${point}`)),
      ...groupDirectories(this.group()).map((path) => `control group ${path}`),
      ...(existsSync(places[1] ?? '') ? [`directory ${places[1]}`] : []),
    ];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#hasExited()) await this.restart();
    const known = await this.client.list({ all: true });
    const kills = await Promise.allSettled(
      known.map(({ appInstanceId }) => this.client.kill({ appInstanceId }, { timeoutMs: 60_000 })),
    );
    const { code } = await this.stop();
    await this.#undo();
    await until(() => this.traces().length === 0, { what: 'nothing is left of the daemon', timeoutMs: 5000 }).catch(
      (cause: unknown) => {
        const story = [
          ...this.traces(),
          ...kills.flatMap((kill) => (kill.status === 'rejected' ? [String(kill.reason)] : [])),
        ];
        throw new Error(`left in ${this.directory}:\n${story.join('\n')}\n${this.log().slice(-4000)}`, { cause });
      },
    );
    // nothing is mounted in it any more: that was looked at above
    await rm(this.directory, { recursive: true });
    assert.equal(code, 0, 'the daemon ended cleanly');
  }
}

/** That no other test process has: whoever has one of them is an app of this test. */
function ownUserIds(): { readonly first: number; readonly last: number } {
  const first = 10_000_000 + process.pid * 1000;
  return { first, last: first + 999 };
}

const nothing = (): Promise<void> => Promise.resolve();

/** A root directory with its configuration; the daemon is not started yet. */
export async function prepareDaemon(options: DaemonOptions = {}): Promise<TestDaemon> {
  // short: a UNIX socket's path has at most 107 bytes
  const directory = await mkdtemp(join(await realpath(tmpdir()), 'rmt-'));
  const root = join(directory, 'r');
  await mkdir(root);
  const undo = (await options.prepare?.(root)) ?? nothing;
  const config = { terminateGraceMs: 3000, userIds: ownUserIds(), ...options.config };
  // JSON is YAML
  await writeFile(join(root, 'config.yaml'), JSON.stringify(config));
  return new TestDaemon(directory, options, undo);
}

export async function startDaemon(options: DaemonOptions = {}): Promise<TestDaemon> {
  const daemon = await prepareDaemon(options);
  try {
    await daemon.start();
    return daemon;
  } catch (error) {
    await daemon.kill9();
    await rm(daemon.directory, { recursive: true, force: true });
    throw error;
  }
}
