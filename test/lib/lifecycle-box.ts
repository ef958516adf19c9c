/** A device with the model of RDK's LifecycleManager: a real daemon, a window manager, and apps as their users see them. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startDaemon, type TestDaemon } from './daemon.ts';
import { isFrozen } from './house.ts';
import { LifecycleManager, type Told } from './lifecycle-manager.ts';
import type { Context, RuntimeConfig } from './lifecycle-handlers.ts';
import type { Lifecycle } from './lifecycle-states.ts';
import { CALLSIGN, ThunderLink, type Traffic } from './thunder-link.ts';
import { windowManagerPlugin, type WindowManagerPlugin } from './thunder-plugins.ts';
import { ThunderServer } from './thunder-server.ts';
import { runcWithOrders, toolsWith } from './tools.ts';
import { until } from './until.ts';

const LIMIT_MS = 60_000;

export type Device = AsyncDisposable & {
  readonly daemon: TestDaemon;
  readonly windows: WindowManagerPlugin;
  readonly sockets: string;
  /** See {@link runcWithOrders}. */
  readonly orders: string;
};

export async function startDevice(): Promise<Device> {
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
export class Box {
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
export class App {
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

  async #arrives(state: Lifecycle, nudge = (): void => undefined): Promise<void> {
    const isThere = (): boolean => {
      nudge();
      return this.context.state === state && !this.context.pendingTransition;
    };
    await until(isThere, { what: `${this.appId} comes to ${state}`, timeoutMs: LIMIT_MS }).catch((cause: unknown) => {
      throw new Error(`it is ${JSON.stringify(this.context)}`, { cause });
    });
  }
}
