/** Daemons for each engine: what callers see is the same with all of them. */
import { startBus, type TestBus } from './bus-daemon.ts';
import { startDaemon, type DaemonOptions, type TestDaemon } from './daemon.ts';
import { startDobby, type DobbyService } from './dobby-service.ts';

export type EngineBox = AsyncDisposable & { readonly daemon: TestDaemon };
export type DobbyHouse = EngineBox & { readonly bus: TestBus; readonly dobby: DobbyService };

/** Dobby's specs take no larger ones. The stand-ins of its containers run as root, so that it does not matter whose they are. */
const IDS = { first: 30_001, last: 31_000 };

/** A daemon with a bus and a Dobby of its own. `settleMs` is short: this Dobby serves at once. */
export async function dobbyHouse(
  settings: object = {},
  { config = {}, ...options }: DaemonOptions = {},
): Promise<DobbyHouse> {
  await using held = new AsyncDisposableStack();
  const bus = held.use(await startBus());
  const dobby = held.use(await startDobby(bus.address));
  const dobbyConfig = { bus: bus.address, start: 'bundle', settleMs: 20, ...settings };
  const daemon = held.use(
    await startDaemon({ ...options, config: { engine: 'dobby', dobby: dobbyConfig, userIds: IDS, ...config } }),
  );
  const all = held.move();
  return { daemon, bus, dobby, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

async function embedded(): Promise<EngineBox> {
  const daemon = await startDaemon();
  return { daemon, [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose]() };
}

export const ENGINES: Readonly<Record<string, () => Promise<EngineBox>>> = {
  embedded,
  'Dobby, from bundles': () => dobbyHouse(),
  'Dobby, from specs': () => dobbyHouse({ start: 'spec' }),
};
