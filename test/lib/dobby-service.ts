/**
 * A Dobby for tests on a private bus: it answers, signals and fails as the real daemon does (facts/dobby.md), its traps included.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { DobbyBox } from './dobby-box.ts';
import { canLaunch, canStart, hasSources, type BundleConfig, type Plugins } from './dobby-crun.ts';
import { infoOf } from './dobby-info.ts';
import { GOOD, type Faults } from './dobby-faults.ts';
import { DobbyWire, type Answer, type Method } from './dobby-wire.ts';
import { until } from './until.ts';

/** The same after every start of the daemon. */
const FIRST_DESCRIPTORS = [734, 879, 439, 731];
const STATES = [
  'unknown',
  'starting',
  'running',
  'stopping',
  'paused',
  'hibernating',
  'hibernated',
  'awakening',
] as const;
type State = (typeof STATES)[number];

type Config = BundleConfig & {
  readonly ociVersion?: string;
  readonly args?: readonly string[];
  readonly env?: readonly string[];
  readonly rtPriority?: unknown;
  readonly process?: { readonly args?: readonly string[]; readonly env?: readonly string[] };
  readonly rdkPlugins?: Plugins & {
    readonly logging?: { readonly data?: { readonly fileOptions?: { readonly path?: string } } };
  };
};

type Container = {
  readonly descriptor: number;
  readonly id: string;
  readonly config: Config;
  box: DobbyBox;
  state: State;
  readonly annotations: Map<string, string>;
};

const truth = (is: boolean): Answer => ({ signature: 'b', body: [is] });
const number = (value: number): Answer => ({ signature: 'i', body: [value] });

export class DobbyService implements AsyncDisposable {
  readonly faults: Faults = { ...GOOD };
  readonly wire: DobbyWire;
  /** Of each program run besides an app: for crun. */
  readonly execOptions: string[] = [];
  readonly #containers = new Map<string, Container>();
  #made = 0;

  readonly #methods: Readonly<Record<string, Method>> = {
    List: () => {
      const all = [...this.#containers.values()];
      return { signature: 'aias', body: [all.map(({ descriptor }) => descriptor), all.map(({ id }) => id)] };
    },
    StartFromBundle: ([id, directory]) => this.#startFromBundle(String(id), String(directory)),
    StartFromSpec: ([id, spec]) => this.#startFromSpec(String(id), String(spec)),
    Stop: ([descriptor, force]) => this.#stop(this.#find(descriptor), force === true),
    Pause: ([descriptor]) => this.#turn(this.#find(descriptor), ['running', 'paused', 'SIGSTOP']),
    Resume: ([descriptor]) => this.#turn(this.#find(descriptor), ['paused', 'running', 'SIGCONT']),
    Hibernate: ([descriptor]) => this.#hibernate(this.#find(descriptor)),
    Wakeup: ([descriptor]) => this.#wakeup(this.#find(descriptor)),
    GetState: ([descriptor]) => number(STATES.indexOf(this.#find(descriptor)?.state ?? 'unknown')),
    GetInfo: ([descriptor]) => this.#info(this.#find(descriptor)),
    Annotate: ([descriptor, key, value]) => this.#annotate(this.#find(descriptor), String(key), String(value)),
    RemoveAnnotation: ([descriptor, key]) => truth(this.#find(descriptor)?.annotations.delete(String(key)) === true),
    Exec: ([descriptor, options, command]) => {
      const one = this.#find(descriptor);
      if (one?.state !== 'running') return truth(false);
      this.execOptions.push(String(options));
      one.box.exec(String(command).split(' '));
      return truth(true);
    },
    Mount: async ([descriptor, source, destination, flags]) => {
      const one = this.#find(descriptor);
      if (one === undefined || !Array.isArray(flags) || !flags.includes('bind')) return truth(false);
      const isReadOnly = flags.includes('ro') && !this.faults.ignoresReadOnly;
      return truth(await one.box.mount(String(source), String(destination), isReadOnly));
    },
    Unmount: async ([descriptor, destination]) => {
      const one = this.#find(descriptor);
      return truth(one !== undefined && (await one.box.unmount(String(destination))));
    },
  };

  constructor(address: string) {
    this.wire = new DobbyWire(address, this.#methods);
  }

  get ids(): readonly string[] {
    return [...this.#containers.keys()];
  }

  configOf(id: string): Config | undefined {
    return this.#containers.get(id)?.config;
  }

  annotationsOf = (id: string): object => Object.fromEntries(this.#containers.get(id)?.annotations ?? []);

  stateOf(id: string): State {
    return this.#containers.get(id)?.state ?? 'unknown';
  }

  /** As another client of it would; the pid of its process 1. */
  async launchForeign(id: string, command: readonly string[]): Promise<number> {
    await this.#launch(id, { rdkPlugins: {} }, command);
    return this.#containers.get(id)?.box.init ?? 0;
  }

  /** As one that no signal ends: of its last life, or of a hibernation that it could not give up. */
  getStuck(id: string, as: State): void {
    const one = this.#containers.get(id);
    if (one !== undefined) one.state = as;
  }

  /** What is said of an app that is started again by Dobby itself: it goes on under the same number. */
  repeatStart(id: string): void {
    this.wire.signal('Started', 'is', [this.#containers.get(id)?.descriptor, id]);
  }

  repeatEnd(id: string): void {
    const { descriptor } = this.#containers.get(id) ?? {};
    this.wire.signal('StoppedWithStatus', 'isi', [descriptor, id, 0]);
    this.wire.signal('Stopped', 'is', [descriptor, id]);
  }

  async start({ readyMs = 0 } = {}): Promise<void> {
    this.#made = 0;
    await this.wire.connect(readyMs);
  }

  /** As SIGKILL, or one of its faults: apps behind a terminal of its go with it, and nobody is told. */
  async crash(): Promise<void> {
    const boxes = [...this.#containers.values()].map(({ box }) => box);
    this.#containers.clear();
    await this.wire.disconnect();
    for (const box of boxes) box.kill();
    await Promise.all(boxes.map(({ ended }) => ended));
  }

  async restart(): Promise<void> {
    await this.crash();
    await this.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.crash();
  }

  #find(descriptor: unknown): Container | undefined {
    return [...this.#containers.values()].find((one) => one.descriptor === descriptor);
  }

  #startFromBundle(id: string, directory: string): Promise<Answer> | Answer | undefined {
    const file = `${directory}/config.json`;
    if (!directory.startsWith('/') || !existsSync(file)) return number(-1);
    const config = JSON.parse(readFileSync(file, 'utf8')) as Config;
    // the pids limit is written into what is not there
    if (config.linux?.resources === undefined) {
      this.#crashNow();
      return;
    }
    if (config.rdkPlugins !== undefined && config.ociVersion !== '1.0.2-dobby') return number(-1);
    if (!canStart(config, file)) return number(-1);
    writeFileSync(`${directory}/config-dobby.json`, JSON.stringify(config));
    writeFileSync(file, JSON.stringify({ ...config, hostname: id, hooks: {} }));
    return this.#launch(id, config, (config.process?.args ?? []).slice(afterInit(config.process?.args ?? [])));
  }

  #startFromSpec(id: string, text: string): Promise<Answer> | Answer {
    const spec = JSON.parse(text) as Config;
    if (spec.rtPriority !== undefined) this.wire.hangs = true;
    if (!hasSources(spec.mounts ?? [])) return number(-1);
    return this.#launch(id, spec, spec.args ?? []);
  }

  async #launch(id: string, config: Config, command: readonly string[]): Promise<Answer> {
    if (!canLaunch(id, config.rdkPlugins) || this.#containers.has(id) || this.faults.refusesStarts) return number(-1);
    if (this.faults.hangsAtStart) await this.wire.standStill();
    if (!this.wire.isConnected) return number(-1); // it died meanwhile
    const order = {
      command,
      env: config.process?.env ?? config.env ?? [],
      logFile: config.rdkPlugins?.logging?.data?.fileOptions?.path ?? '/dev/null',
    };
    const descriptor = FIRST_DESCRIPTORS[this.#made] ?? ((this.#made * 97) % 700) + 1;
    this.#made++;
    const box = new DobbyBox(order);
    const one: Container = { descriptor, id, config, box, state: 'running', annotations: new Map() };
    this.#containers.set(id, one);
    await until(() => box.init !== undefined || box.isOver, { what: 'a process 1' });
    this.wire.signal('Started', 'is', [descriptor, id]);
    void this.#follow(one, () => new DobbyBox(order));
    if (this.faults.repliesAfterEnd) {
      await box.ended;
      await until(() => !this.#containers.has(id), { what: 'its end is told' });
    }
    return number(descriptor);
  }

  async #follow(one: Container, again: () => DobbyBox): Promise<void> {
    const status = await one.box.ended;
    if (this.#containers.get(one.id) !== one) return;
    if (this.faults.restartsByItself) {
      one.box = again();
      this.wire.signal('Started', 'is', [one.descriptor, one.id]);
    } else this.#containers.delete(one.id);
    if (this.faults.tellsNoEnds) return;
    this.wire.signal('StoppedWithStatus', 'isi', [one.descriptor, one.id, status]);
    this.wire.signal('Stopped', 'is', [one.descriptor, one.id]);
    if (this.faults.restartsByItself) void this.#follow(one, again);
  }

  #stop(one: Container | undefined, force: boolean): Answer {
    if (one === undefined || one.state === 'unknown' || (one.state === 'paused' && !force)) return truth(false);
    this.faults.restartsByItself = false;
    if (one.state === 'stopping') return truth(true);
    if (one.state === 'hibernating') one.state = 'stopping'; // DobbyManager::abortContainerHibernationIfNeeded
    if (force) one.box.kill();
    else one.box.terminate();
    return truth(true);
  }

  #turn(one: Container | undefined, [from, to, signal]: readonly [State, State, NodeJS.Signals]): Answer {
    if (one?.state !== from) return truth(false);
    one.box.signalAll(signal);
    one.state = to;
    return truth(true);
  }

  #hibernate(one: Container | undefined): Answer {
    if (one?.state !== 'running') return truth(false);
    one.state = 'hibernating';
    if (this.faults.hibernatesForEver) return truth(true);
    setTimeout(() => {
      if (one.state !== 'hibernating') return;
      const { hibernatesNothing, killsAtHibernation } = this.faults;
      one.state = hibernatesNothing || killsAtHibernation ? 'running' : 'hibernated';
      if (killsAtHibernation) one.box.kill();
      if (one.state === 'running') return;
      one.box.signalAll('SIGSTOP');
      this.wire.signal('Hibernated', 'is', [one.descriptor, one.id]);
    }, 30);
    return truth(true);
  }

  #wakeup(one: Container | undefined): Answer {
    if (one?.state !== 'hibernated' && one?.state !== 'hibernating') return truth(false);
    one.state = 'awakening';
    setTimeout(() => {
      one.box.signalAll('SIGCONT');
      one.state = 'running';
      this.wire.signal('Awoken', 'is', [one.descriptor, one.id]);
    }, 30);
    return truth(true);
  }

  #info(one: Container | undefined): Answer | undefined {
    if (one === undefined) return { signature: 's', body: [''] };
    if (one.config.rdkPlugins === undefined || one.state === 'unknown') {
      this.#crashNow();
      return;
    }
    return { signature: 's', body: [JSON.stringify(infoOf(one))] };
  }

  #annotate(one: Container | undefined, key: string, value: string): Answer | undefined {
    if (one !== undefined && one.config.rdkPlugins === undefined) {
      this.#crashNow();
      return;
    }
    one?.annotations.set(key, value);
    return truth(one !== undefined);
  }

  /** Nobody gets an answer. */
  #crashNow(): undefined {
    void this.crash();
    return undefined;
  }
}

/** Where the app's own words begin. */
const afterInit = ([init = '', next]: readonly string[]): number =>
  init.endsWith('/DobbyInit') ? 1 : next === '--' ? 2 : 0;

export async function startDobby(address: string): Promise<DobbyService> {
  const service = new DobbyService(address);
  await service.start();
  return service;
}
