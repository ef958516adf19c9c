/** A daemon of our own in a directory of its own, for measuring. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type Client } from '../../src/client/node.ts';
import { layout, type Layout } from '../../src/domain/layout.ts';
import { own } from './leftovers.ts';

export const PACKAGE = new URL('../..', import.meta.url).pathname;
export const TOOLS = process.env['RUNTIME_MANAGER_TOOLS'] ?? `${PACKAGE}.tools/bin`;

export type Daemon = AsyncDisposable & {
  readonly root: string;
  readonly pid: number;
  readonly client: Client;
  readonly readyMs: number;
  /** Resident set, in bytes. */
  readonly residentBytes: () => number;
  /** The longest time its event loop was blocked since the last time of asking, in ms. */
  readonly loopDelayMs: () => Promise<number>;
};

export type DaemonOptions = {
  /** Members of config.yaml. */
  readonly config?: object;
  /** Between the first start and the one that is measured. */
  readonly prepare?: (places: Layout) => void;
  /** Program and arguments that start the daemon, and become it. */
  readonly within?: readonly string[];
  /** In a session of its own: a Ctrl-C is not for it, so that it is there to end its apps. */
  readonly apart?: boolean;
};

export async function startDaemon(options: DaemonOptions = {}): Promise<Daemon> {
  const { config = {}, prepare } = options;
  const root = await mkdtemp(join(tmpdir(), 'rmt-bench-'));
  own(root);
  // JSON is YAML
  await writeFile(`${root}/config.yaml`, JSON.stringify(config));
  // the first start tries the runtimes out; what a device sees every day is the second
  await stop((await launch(root, options)).child);
  prepare?.(layout(root));
  const { child, readyMs } = await launch(root, options);
  const client = await connect({ root });
  const pid = child.pid ?? 0;
  return {
    root,
    pid,
    client,
    readyMs,
    residentBytes: () => residentBytes(pid),
    loopDelayMs: async () => {
      await rm(delayFile(root), { force: true });
      process.kill(pid, 'SIGUSR2');
      for (;;) {
        const text = await readFile(delayFile(root), 'utf8').catch(() => '');
        if (text !== '') return Number(text);
        await sleep(5);
      }
    },
    [Symbol.asyncDispose]: async () => {
      for (const { appInstanceId } of await client.list({})) await client.kill({ appInstanceId });
      client.close();
      await stop(child);
      await rm(root, { recursive: true, force: true });
    },
  };
}

const delayFile = (root: string): string => `${root}/loop-delay`;

type Launched = { readonly child: ChildProcess; readonly readyMs: number };

async function launch(root: string, { within = [], apart = false }: DaemonOptions): Promise<Launched> {
  const begin = performance.now();
  const env = {
    ...process.env,
    NODE_OPTIONS: `--import=${PACKAGE}bench/lib/loop-delay.mjs`,
    BENCH_LOOP_DELAY: delayFile(root),
  };
  const argv = [...within, `${PACKAGE}bin/runtimemanagerd`, '--root', root];
  const child = spawn(argv[0] ?? '', argv.slice(1), { env, stdio: ['ignore', 'ignore', 'pipe'], detached: apart });
  let words = '';
  await new Promise<void>((resolve, reject) => {
    child.stderr.on('data', (chunk: Buffer) => {
      words += chunk.toString();
      if (words.includes('ready: ')) resolve();
    });
    child.on('exit', () => {
      reject(new Error(`the daemon ended: ${words}`));
    });
  });
  child.stderr.resume();
  return { child, readyMs: performance.now() - begin };
}

async function stop(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  await gone;
}

const KIB = 1024;

export function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * KIB;
}

/** Memory of a process with its share of what it shares (proc(5) smaps_rollup). */
export function proportionalBytes(pid: number): number {
  return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]) * KIB;
}
