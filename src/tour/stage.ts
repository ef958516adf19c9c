/** The tour's own daemon, in a directory of its own, and what it takes to leave nothing behind. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type Client } from '../client/node.ts';
import { RuntimeError } from '../domain/errors.ts';

export type Stage = AsyncDisposable & { readonly root: string; readonly client: Client };

const READY_MS = 30_000;

/** The daemon ends with its apps, whatever ends the tour. Throws INTERNAL with the daemon's last words. */
export async function openStage(packageDirectory: string): Promise<Stage> {
  await using held = new AsyncDisposableStack();
  const root = await mkdtemp(join(tmpdir(), 'runtime-manager-tour-'));
  held.defer(() => rm(root, { recursive: true, force: true }));
  const daemon = spawn(
    join(packageDirectory, 'bin/runtimemanagerd'),
    ['--root', root, '--stop-apps', '--listen', '127.0.0.1:0'],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
      // a Ctrl-C on the terminal is the tour's to handle: first the apps, then the daemon
      detached: true,
    },
  );
  const gone = once(daemon, 'exit');
  held.defer(async () => {
    if (daemon.exitCode !== null || daemon.signalCode !== null) return;
    daemon.kill('SIGTERM');
    await gone;
  });
  await untilReady(daemon.stderr, gone);
  const client = await connect({ root });
  held.defer(() => {
    client.close();
  });
  const kept = held.move();
  return { root, client, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

async function untilReady(words: NodeJS.ReadableStream, gone: Promise<unknown>): Promise<void> {
  let said = '';
  const ready = new Promise<void>((resolve) => {
    words.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString('utf8')).slice(-8192);
      if (said.includes('ready: ')) resolve();
    });
  });
  const late = AbortSignal.timeout(READY_MS);
  const outcome = await Promise.race([
    ready.then(() => 'ready'),
    gone.then(() => 'gone'),
    once(late, 'abort').then(() => 'late'),
  ]);
  if (outcome === 'ready') return;
  throw new RuntimeError('INTERNAL', {
    what:
      outcome === 'gone' ? 'the daemon ended before it was ready' : `the daemon was not ready within ${READY_MS} ms`,
    cause: said.trim(),
  });
}
