/** Daemons for each engine: what callers see is the same with all of them. */
import assert from 'node:assert/strict';
import { startBus, type TestBus } from './bus-daemon.ts';
import { startDaemon, type DaemonOptions, type TestDaemon } from './daemon.ts';
import { startDobby, type DobbyService } from './dobby-service.ts';
import { OciContainerPlugin } from './oci-container-plugin.ts';
import { ThunderServer, type ThunderServerOptions } from './thunder-server.ts';

export type EngineBox = AsyncDisposable & {
  readonly daemon: TestDaemon;
  /** Whether it can be known which signal has ended an app that nobody asked to end. */
  readonly tellsSignals: boolean;
};
export type DobbyHouse = EngineBox & { readonly bus: TestBus; readonly dobby: DobbyService };

/** Called by the daemon and not known to Dobby: each would cost it a reply slot for good. */
export const noStrangeCalls = ({ dobby }: DobbyHouse): void => {
  assert.deepEqual([dobby.wire.strange, dobby.wire.leaked], [[], 0]);
};

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
  return { daemon, bus, dobby, tellsSignals: true, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

export type ThunderHouse = DobbyHouse & { readonly thunder: ThunderServer; readonly plugin: OciContainerPlugin };
type ThunderWishes = ThunderServerOptions & { readonly exitCodes?: boolean; readonly settings?: object };

/** A daemon with a Thunder of its own, whose plugin asks a Dobby of its own. */
export async function thunderHouse(
  { exitCodes = true, settings = {}, ...options }: ThunderWishes = {},
  { config = {}, ...rest }: DaemonOptions = {},
): Promise<ThunderHouse> {
  await using held = new AsyncDisposableStack();
  const bus = held.use(await startBus());
  const dobby = held.use(await startDobby(bus.address));
  const thunder = held.use(await new ThunderServer(options).start());
  const plugin = held.use(new OciContainerPlugin(thunder, bus.address, { exitCodes }));
  await plugin.start();
  const daemon = held.use(
    await startDaemon({
      ...rest,
      config: {
        ...{ engine: 'ocicontainer', dobby: { start: 'bundle', ...settings } },
        ...{ thunder: { url: thunder.url }, userIds: IDS, ...config },
      },
    }),
  );
  const all = held.move();
  const end = () => all.disposeAsync();
  return { daemon, bus, dobby, thunder, plugin, tellsSignals: false, [Symbol.asyncDispose]: end };
}

async function embedded(): Promise<EngineBox> {
  const daemon = await startDaemon();
  return { daemon, tellsSignals: true, [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose]() };
}

type Engines = Readonly<Record<string, () => Promise<EngineBox>>>;

const STAND_INS: Engines = {
  'Dobby, from bundles': () => dobbyHouse(),
  'Dobby, from specs': () => dobbyHouse({ start: 'spec' }),
  'OCIContainer over Thunder': () => thunderHouse(),
};

/** Those of a DobbyDaemon, with memcr, that somebody has started on this bus, in the same namespaces as the tests. */
const real = (bus: string): Engines => ({
  'real Dobby, from bundles': () => realDobby({ bus, start: 'bundle' }),
  'real Dobby, from specs': () => realDobby({ bus, start: 'spec' }),
  'real Dobby, over Thunder': () => realPlugin(bus),
});

async function realDobby(dobby: object): Promise<EngineBox> {
  const daemon = await startDaemon({ config: { engine: 'dobby', dobby, userIds: IDS } });
  return { daemon, tellsSignals: true, [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose]() };
}

async function realPlugin(bus: string): Promise<EngineBox> {
  await using held = new AsyncDisposableStack();
  const thunder = held.use(await new ThunderServer({}).start());
  const plugin = held.use(new OciContainerPlugin(thunder, bus, { exitCodes: true }));
  await plugin.start();
  const config = { engine: 'ocicontainer', dobby: { start: 'bundle' }, thunder: { url: thunder.url }, userIds: IDS };
  const daemon = held.use(await startDaemon({ config }));
  const all = held.move();
  return { daemon, tellsSignals: false, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

const REAL_BUS = process.env['RUNTIME_MANAGER_DOBBY_BUS'];
export const ENGINES: Engines = { embedded, ...(REAL_BUS === undefined ? STAND_INS : real(REAL_BUS)) };
