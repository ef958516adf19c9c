/**
 * A model of RDK's LifecycleManager drives ten apps at once on a real daemon: over Thunder's JSON-RPC, with displays of RDK's window
 * manager and real hibernation. No launch and no close hangs, no app stays frozen, none is told to be gone that is there, no display is
 * left.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startDaemon, type TestDaemon } from '../lib/daemon.ts';
import { checkHouse, isFrozen } from '../lib/house.ts';
import {
  LifecycleManager,
  type Context,
  type Lifecycle,
  type RuntimeConfig,
  type Told,
} from '../lib/lifecycle-manager.ts';
import { COUNTER, installPackage, lifecycleManagerRun } from '../lib/package-manager.ts';
import { CALLSIGN, ThunderLink, type Traffic } from '../lib/thunder-link.ts';
import { windowManagerPlugin, type WindowManagerPlugin } from '../lib/thunder-plugins.ts';
import { ThunderServer } from '../lib/thunder-server.ts';
import { runcWithOrders, toolsWith } from '../lib/tools.ts';
import { until } from '../lib/until.ts';

const APPS = 10;
const LIMIT_MS = 60_000;

type Device = AsyncDisposable & {
  readonly daemon: TestDaemon;
  readonly windows: WindowManagerPlugin;
  readonly sockets: string;
  /** See {@link runcWithOrders}. */
  readonly orders: string;
};

async function startDevice(): Promise<Device> {
  await using made = new AsyncDisposableStack();
  const base = await realpath(await mkdtemp(join(tmpdir(), 'rmt-')));
  made.defer(() => rm(base, { recursive: true }));
  const [sockets, orders] = [join(base, 'x'), join(base, 'o')];
  for (const path of [sockets, orders]) await mkdir(path, { mode: 0o711 });
  await chmod(base, 0o711);
  const server = made.use(await new ThunderServer().start());
  const windows = made.use(windowManagerPlugin(server, sockets));
  const tools = made.use(await toolsWith({ runc: runcWithOrders(orders) }));
  const config = {
    runtime: 'runc',
    displays: { provider: 'rdk', directory: sockets },
    thunder: { url: server.url, callTimeoutMs: 20_000 },
  };
  const daemon = made.use(await startDaemon({ config, tools: tools.path, args: ['--listen', '127.0.0.1:0'] }));
  const held = made.move();
  return { daemon, windows, sockets, orders, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

/** LifecycleManager on that device, with the link that it has at the moment. */
class Box {
  readonly device: Device;
  readonly manager: LifecycleManager;
  readonly traffic: Traffic[] = [];
  #link: ThunderLink | undefined;
  readonly #drawn = new Set<string>();

  constructor(device: Device) {
    this.device = device;
    this.manager = new LifecycleManager({
      runtime: (method, params) => this.link.ask(`${CALLSIGN}.1.${method}`, params),
      windows: {
        // the first frame of a display comes a moment after it is asked for
        renderReady: (client) => {
          if (!device.windows.displays().includes(client)) return undefined;
          if (this.#drawn.has(client)) return true;
          this.#drawn.add(client);
          setImmediate(() => this.manager.onWindowReady(client));
          return false;
        },
        enableDisplayRender: () => undefined,
      },
    });
  }

  get link(): ThunderLink {
    return this.#link ?? assert.fail('there is no link');
  }

  async connect(): Promise<void> {
    this.#link = await ThunderLink.open(this.device.daemon, (event, params) => {
      this.manager.onRuntimeManagerEvent(event, params);
    });
    await this.link.register();
  }

  disconnect(): void {
    this.traffic.push(...this.link.traffic);
    this.link[Symbol.dispose]();
  }

  /** What happened while there was no link. */
  async catchUp(since: number): Promise<void> {
    const { events } = (await this.link.call(`${CALLSIGN}.1.getEvents`, { since, limit: 1000 })) as Page;
    for (const { type, appInstanceId, new: state } of events) {
      const name = NAMES[type];
      const params = { appInstanceId, ...(state !== undefined && { state: `RUNTIME_STATE_${state}` }) };
      if (name !== undefined) this.manager.onRuntimeManagerEvent(name, params);
    }
  }
}

type Page = {
  readonly events: readonly { readonly type: string; readonly appInstanceId: string; readonly new?: string }[];
};
const NAMES: Readonly<Record<string, string>> = { terminated: 'onTerminated', stateChanged: 'onStateChanged' };

/** One app, as its user and the system see it. */
class App {
  readonly appId: string;
  readonly #box: Box;
  readonly #config: RuntimeConfig;

  constructor(box: Box, appId: string, config: RuntimeConfig) {
    this.#box = box;
    this.appId = appId;
    this.#config = config;
  }

  get context(): Context {
    return this.#box.manager.context(this.appId) ?? assert.fail(`${this.appId} is not loaded`);
  }

  async info() {
    const { appInstanceId } = this.context;
    const text = await this.#box.link.call(`${CALLSIGN}.1.getInfo`, { appInstanceId });
    return JSON.parse(text as string) as {
      readonly pid: number;
      readonly containerId: string;
      readonly storage: string;
    };
  }

  async launch(): Promise<void> {
    const { manager } = this.#box;
    manager.spawnApp(this.appId, 'ACTIVE', this.#config);
    await this.#arrives('ACTIVE', () => manager.appReady(this.appId));
    await this.runs();
  }

  async to(target: Lifecycle): Promise<void> {
    assert(this.#box.manager.setTargetAppState(this.appId, target), `${this.appId} can go to ${target}`);
    await this.#arrives(target);
    if (target !== 'HIBERNATED') await this.runs();
  }

  async close({ force = false } = {}): Promise<void> {
    assert(this.#box.manager.endApp(this.appId, force), `${this.appId} can be closed`);
    await this.gone();
  }

  /** As the kernel kills it. */
  async crash(): Promise<void> {
    process.kill((await this.info()).pid, 'SIGKILL');
    await this.gone();
  }

  async gone(): Promise<void> {
    const isGone = () => this.#box.manager.context(this.appId) === undefined;
    await until(isGone, { what: `${this.appId} is unloaded`, timeoutMs: LIMIT_MS });
  }

  /** It is not frozen, and counts on. */
  async runs(): Promise<void> {
    const { containerId, storage } = await this.info();
    const file = join(storage, 'count');
    const count = () => (existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0);
    const before = count();
    await until(() => count() > before, { what: `${this.appId}, ${this.context.state}, counts on` });
    assert(!isFrozen(this.#box.device.daemon, containerId), `${this.appId} is not frozen`);
  }

  async failsToHibernate(): Promise<void> {
    const { containerId } = await this.info();
    const order = join(this.#box.device.orders, `checkpoint.${containerId}`);
    await writeFile(order, '');
    const { told } = this.#box.manager;
    assert(this.#box.manager.setTargetAppState(this.appId, 'HIBERNATED'));
    const isRefusal = ({ appId, errorReason }: Told) => appId === this.appId && /hibernate/.test(errorReason);
    await until(() => told.some(isRefusal), { what: 'the hibernation fails', timeoutMs: LIMIT_MS });
    await rm(order);
    assert.equal(this.context.state, 'SUSPENDED');
    await this.runs();
  }

  async #arrives(state: Lifecycle, nudge = () => undefined as void): Promise<void> {
    const isThere = (): boolean => {
      nudge();
      return this.context.state === state && !this.context.pendingTransition;
    };
    await until(isThere, { what: `${this.appId} comes to ${state}`, timeoutMs: LIMIT_MS }).catch((cause: unknown) => {
      throw new Error(`it is ${JSON.stringify(this.context)}`, { cause });
    });
  }
}

/** Whether it is still there when that is over. */
type Life = (app: App) => Promise<'stays' | 'gone'>;

const LIVES: Readonly<Record<string, Life>> = {
  paused: async (app) => {
    await app.to('PAUSED');
    await app.to('ACTIVE');
    return 'stays';
  },
  suspended: async (app) => {
    await app.to('SUSPENDED');
    await app.to('ACTIVE');
    return 'stays';
  },
  woken: async (app) => {
    await app.to('HIBERNATED');
    await app.to('SUSPENDED');
    await app.to('ACTIVE');
    return 'stays';
  },
  asleep: async (app) => {
    await app.to('HIBERNATED');
    await app.to('ACTIVE');
    await app.to('HIBERNATED');
    return 'stays';
  },
  'not hibernated': async (app) => {
    await app.to('SUSPENDED');
    await app.failsToHibernate();
    await app.to('HIBERNATED');
    await app.to('ACTIVE');
    return 'stays';
  },
  'closed asleep': async (app) => {
    await app.to('HIBERNATED');
    await app.close();
    return 'gone';
  },
  closed: async (app) => {
    await app.to('PAUSED');
    await app.close();
    return 'gone';
  },
  killed: async (app) => {
    await app.close({ force: true });
    return 'gone';
  },
  crashed: async (app) => {
    await app.crash();
    return 'gone';
  },
  'crashed in the background': async (app) => {
    await app.to('SUSPENDED');
    await app.crash();
    return 'gone';
  },
};

/** What each operation of ours brings about. */
const OWN: Readonly<Record<string, readonly string[]>> = {
  run: ['STARTING', 'RUNNING', 'onStarted'],
  hibernate: ['HIBERNATING', 'HIBERNATED'],
  wake: ['WAKING', 'RUNNING'],
  terminate: ['TERMINATING', 'TERMINATED', 'onTerminated'],
  kill: ['TERMINATING', 'TERMINATED', 'onTerminated'],
};

/** Events of operations that were told before the answer, and times from answers to the next event of the instance. */
function orderOf(traffic: readonly Traffic[]) {
  const open = new Map<string, string>();
  const answered = new Map<string, number>();
  const early: Traffic[] = [];
  const gapsMs: number[] = [];
  for (const one of traffic) {
    const id = one.appInstanceId ?? '';
    if (one.way === 'told') {
      if (OWN[open.get(id) ?? '']?.includes(one.what) === true) early.push(one);
      gapsMs.push(...(answered.has(id) ? [one.at - (answered.get(id) ?? 0)] : []));
      answered.delete(id);
    } else if (OWN[one.what] !== undefined) {
      if (one.way === 'asked') open.set(id, one.what);
      else if (open.delete(id)) answered.set(id, one.at);
    }
  }
  return { early, gapsMs: gapsMs.sort((a, b) => a - b) };
}

test('ten apps of LifecycleManager live their lives at once, over a daemon that is killed', async () => {
  await using device = await startDevice();
  const { daemon, windows, sockets } = device;
  const box = new Box(device);
  await box.connect();
  const appPath = await installPackage(join(daemon.directory, 'package'), 'counter', COUNTER);
  const names = Object.keys(LIVES).map((name) => `com.example.${name.replaceAll(' ', '.')}`);
  const apps = names.map((appId) => {
    const { runtimeConfigObject } = lifecycleManagerRun({ appId, appInstanceId: '', appPath, command: 'counter' });
    return new App(box, appId, { ...runtimeConfigObject, envVariables: '[]' });
  });
  assert.equal(apps.length, APPS);

  await Promise.all(apps.map((app) => app.launch()));
  assert.equal(windows.displays().length, APPS);
  const ends = await Promise.all(Object.values(LIVES).map((live, index) => live(apps[index] ?? assert.fail())));
  const [first = assert.fail(), ...others] = apps.filter((_, index) => ends[index] === 'stays');

  const { lastSeq } = (await box.link.call(`${CALLSIGN}.1.getEvents`, { since: 0, limit: 1 })) as { lastSeq: number };
  const { pid } = await first.info();
  box.disconnect();
  await daemon.kill9();
  process.kill(pid, 'SIGKILL');
  await daemon.start();
  await box.connect();
  await box.catchUp(lastSeq);
  await first.gone();
  for (const app of others) {
    if (app.context.state === 'HIBERNATED') await app.to('ACTIVE');
    else await app.runs();
  }
  await Promise.all(others.map((app) => app.close()));

  const { told } = box.manager;
  const failed = told.filter(({ old }) => old === undefined);
  assert.deepEqual(failed, [], 'nobody was told of a failure that was none');
  const unloaded = told.filter(({ now }) => now === 'UNLOADED');
  const sorted = (names: readonly string[]) => [...names].sort();
  assert.deepEqual(sorted(unloaded.map(({ appId }) => appId)), sorted(apps.map(({ appId }) => appId)));
  assert.deepEqual(
    sorted(unloaded.filter((one) => one.unexpectedTermination).map(({ appId }) => appId)),
    sorted([first.appId, ...['crashed', 'crashed.in.the.background'].map((name) => `com.example.${name}`)]),
    'only what crashed has ended unexpectedly',
  );
  box.disconnect();
  const { early, gapsMs } = orderOf(box.traffic);
  assert.deepEqual(early, [], 'answers come before their events');
  assert((gapsMs[Math.floor(gapsMs.length / 4)] ?? Infinity) < 5, `and the events soon after: ${gapsMs.join(' ')} ms`);
  await until(() => windows.displays().length === 0, { what: 'no display is left' });
  assert.deepEqual(readdirSync(sockets), []);
  await checkHouse(daemon);
});
