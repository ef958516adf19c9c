/** A Thunder of a test's own, with a client to it and a directory. */
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Thunder, type ThunderOptions } from '../../src/adapters/rdk/thunder.ts';
import type { Wait } from '../../src/ports/wait.ts';
import { ThunderServer, type ThunderServerOptions } from './thunder-server.ts';

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

export const quietLog = quiet;
export const wait = (timeoutMs = 20_000): Wait => ({ signal: new AbortController().signal, timeoutMs });

export type ThunderBox = AsyncDisposable & {
  readonly directory: string;
  readonly server: ThunderServer;
  readonly thunder: Thunder;
  /** What ends with the box, last first. */
  readonly held: AsyncDisposableStack;
};

type Wanted = ThunderServerOptions & Partial<Omit<ThunderOptions, 'url' | 'log'>>;

export async function thunderBox({ generation, token, ...options }: Wanted = {}): Promise<ThunderBox> {
  const held = new AsyncDisposableStack();
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'rmt-')));
  held.defer(() => rm(directory, { recursive: true }));
  const server = new ThunderServer({ ...(generation && { generation }), ...(token !== undefined && { token }) });
  held.use(await server.start());
  const thunder = new Thunder({
    url: server.url,
    callTimeoutMs: 10_000,
    pauseMs: { first: 10, most: 50 },
    log: quiet,
    ...options,
  });
  held.defer(() => {
    thunder.close();
  });
  return { directory, server, thunder, held, [Symbol.asyncDispose]: () => held.disposeAsync() };
}
