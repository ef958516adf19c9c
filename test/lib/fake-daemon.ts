/** The real server over the fake service, on a unix socket in a directory of its own. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { layout } from '../../src/domain/layout.ts';
import type { Log } from '../../src/ports/log.ts';
import { startServer } from '../../src/server/http.ts';
import type { Server, ServerOptions } from '../../src/server/http.ts';
import { fakeService, fakeWorld } from './fake-service.ts';
import type { FakeService, FakeWorld } from './fake-service.ts';

export type FakeDaemon = AsyncDisposable & {
  readonly root: string;
  readonly socket: string;
  readonly world: FakeWorld;
  /** Of the present life. */
  readonly service: () => FakeService;
  readonly server: () => Server;
  /** Log lines of warn and error. */
  readonly complaints: readonly string[];
  readonly stop: () => Promise<void>;
  /** A new life with the same world. */
  readonly start: () => Promise<void>;
};

type Options = Partial<Pick<ServerOptions, 'maxBufferedBytes' | 'pageDirectory' | 'profile' | 'tcp'>>;

export async function fakeDaemon(options: Options = {}): Promise<FakeDaemon> {
  const root = await mkdtemp(join(tmpdir(), 'rmt-'));
  const { run, socket } = layout(root);
  await mkdir(run);
  const world = fakeWorld();
  const complaints: string[] = [];
  let life: { readonly service: FakeService; readonly server: Server } | undefined;

  const current = () => {
    if (life === undefined) throw new Error('the fake daemon is stopped');
    return life;
  };
  const start = async () => {
    const service = fakeService(world);
    life = { service, server: await startServer({ service, socketPath: socket, log: logTo(complaints), ...options }) };
  };
  const stop = async () => {
    await life?.server.close(100);
    life = undefined;
  };
  try {
    await start();
  } catch (error) {
    await rm(root, { recursive: true });
    throw error;
  }
  return {
    root,
    socket,
    world,
    complaints,
    service: () => current().service,
    server: () => current().server,
    start,
    stop,
    [Symbol.asyncDispose]: async () => {
      await stop();
      await rm(root, { recursive: true });
    },
  };
}

export function logTo(lines: string[]): Log {
  const keep = (_facts: object, message: string) => void lines.push(message);
  return { debug: () => undefined, info: () => undefined, warn: keep, error: keep };
}
