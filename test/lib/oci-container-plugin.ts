/**
 * org.rdk.OCIContainer for tests (facts/thunder.md §3.1, and its 1.0.8): a client of the Dobby on a bus, as the real one is, with its
 * habits. Whatever is wrong with Dobby is an empty list and `success: false`; mounts have no flags; events come from a pool.
 */
import { BUS, connectBus, type Bus, type BusSignal } from '../../src/adapters/dobby/bus.ts';
import { SERVICE } from './dobby-wire.ts';
import type { Plugin, ThunderServer } from './thunder-server.ts';

export const OCI_CONTAINER = 'org.rdk.OCIContainer';
const OBJECT = '/org/rdk/dobby';
const CONTROL = 'org.rdk.dobby.ctrl1';
/** By Dobby's numbers. */
const STATES = [
  ...['INVALID', 'STARTING', 'RUNNING', 'STOPPING', 'PAUSED'],
  ...['HIBERNATING', 'HIBERNATED', 'AWAKENING'],
];

type Params = Readonly<Record<string, unknown>>;
type Rest = { readonly signature?: string; readonly body?: readonly unknown[] };
type Build = {
  /** Whether an end is told with `exitCode`; 1.0.8 tells none. */
  readonly exitCodes?: boolean;
};

export class OciContainerPlugin implements AsyncDisposable {
  readonly plugin: Plugin;
  readonly #thunder: ThunderServer;
  readonly #address: string;
  readonly #build: Build;
  #bus: Bus | undefined;

  constructor(thunder: ThunderServer, address: string, build: Build) {
    this.#thunder = thunder;
    this.#address = address;
    this.#build = build;
    this.plugin = { active: true, methods: this.#methods };
    thunder.plugins.set(OCI_CONTAINER, this.plugin);
  }

  async start(): Promise<void> {
    const bus = await connectBus(this.#address, 20_000);
    this.#bus = bus;
    const rule = `type='signal',interface='${CONTROL}'`;
    await bus.call({ ...BUS, member: 'AddMatch', signature: 's', body: [rule] });
    bus.listen((signal) => {
      if (signal.interface === CONTROL) void this.#tell(signal);
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#bus?.close();
    return Promise.resolve();
  }

  /** Dobby is asked by its well-known name, whoever has it. Undefined for every failure. */
  async #ask(member: string, signature: string, body: readonly unknown[]): Promise<readonly unknown[] | undefined> {
    const call = { destination: SERVICE, path: OBJECT, interface: CONTROL, member, signature, body };
    return this.#bus?.call(call).catch(() => undefined);
  }

  async #list(): Promise<readonly (readonly [descriptor: number, id: string])[]> {
    const [descriptors, ids] = ((await this.#ask('List', '', [])) ?? [[], []]) as [number[], string[]];
    return descriptors.map((descriptor, index) => [descriptor, ids[index] ?? '']);
  }

  /** Of a container by its id, or by the text of its descriptor. */
  async #find({ containerId }: Params): Promise<number | undefined> {
    const found = (await this.#list()).find(([descriptor, id]) =>
      [String(descriptor), id].includes(String(containerId)),
    );
    return found?.[0];
  }

  async #about(params: Params, member: string, { signature = '', body = [] }: Rest = {}): Promise<object> {
    const descriptor = await this.#find(params);
    if (descriptor === undefined) return failure(member === 'Stop' ? 'Container not found' : '');
    const answer = await this.#ask(member, `i${signature}`, [descriptor, ...body]);
    return answer?.[0] === true ? success({}) : failure('');
  }

  async #start(member: string, { containerId, westerosSocket }: Params, what: unknown): Promise<object> {
    const socket = westerosSocket === 'null' ? '' : westerosSocket;
    const answer =
      socket === ''
        ? await this.#ask(member, 'ssah', [containerId, what, []])
        : await this.#ask(member, 'ssahssas', [containerId, what, [], '', socket, []]);
    const descriptor = Number(answer?.[0] ?? -1);
    if (descriptor > 0) return success({ descriptor });
    return { descriptor, ...failure(member === 'StartFromBundle' ? 'dobby start failed' : '') };
  }

  readonly #methods: Readonly<Record<string, (params: Params) => Promise<object>>> = {
    listContainers: async () => {
      const containers = (await this.#list()).map(([Descriptor, Id]) => ({ Descriptor, Id }));
      return success(containers.length === 0 ? {} : { containers });
    },
    getContainerInfo: async (params) => {
      const descriptor = await this.#find(params);
      if (descriptor === undefined) return failure('');
      const text = (await this.#ask('GetInfo', 'i', [descriptor]))?.[0];
      if (typeof text !== 'string' || text === '') return failure('Failed to get info for container');
      return success({ info: JSON.parse(text) as unknown });
    },
    getContainerState: async (params) => {
      const descriptor = await this.#find(params);
      if (descriptor === undefined) return { state: 'INVALID', ...failure('') };
      const number = Number((await this.#ask('GetState', 'i', [descriptor]))?.[0] ?? 0);
      return success({ state: STATES[number] ?? 'INVALID' });
    },
    startContainer: (params) => this.#start('StartFromBundle', params, params['bundlePath']),
    startContainerFromDobbySpec: (params) => this.#start('StartFromSpec', params, params['dobbySpec']),
    stopContainer: (params) => this.#about(params, 'Stop', { signature: 'b', body: [params['force']] }),
    pauseContainer: (params) => this.#about(params, 'Pause'),
    resumeContainer: (params) => this.#about(params, 'Resume'),
    hibernateContainer: (params) => this.#about(params, 'Hibernate', { signature: 's', body: [params['options']] }),
    wakeupContainer: (params) => this.#about(params, 'Wakeup'),
    executeCommand: (params) =>
      this.#about(params, 'Exec', { signature: 'ss', body: [params['options'], params['command']] }),
    annotate: (params) => this.#about(params, 'Annotate', { signature: 'ss', body: [params['key'], params['value']] }),
    removeAnnotation: (params) => this.#about(params, 'RemoveAnnotation', { signature: 's', body: [params['key']] }),
    // neither `type` nor `options` are handed on
    mount: (params) =>
      this.#about(params, 'Mount', { signature: 'ssass', body: [params['source'], params['target'], [], ''] }),
    unmount: (params) => this.#about(params, 'Unmount', { signature: 's', body: [params['target']] }),
  };

  async #tell({ member, body: [descriptor, name, status] }: BusSignal): Promise<void> {
    const told = this.#build.exitCodes === true ? 'StoppedWithStatus' : 'Stopped';
    const state = member === 'Started' ? 'RUNNING' : member === told ? 'STOPPED' : undefined;
    if (state === undefined) return;
    // by the descriptor, whoever has it by then
    const found = (await this.#list()).find(([one]) => one === descriptor);
    const containerId = found?.[1] ?? name;
    this.#thunder.emit(OCI_CONTAINER, 'onContainerStateChanged', { containerId, state });
    if (state === 'RUNNING') this.#thunder.emit(OCI_CONTAINER, 'onContainerStarted', { containerId, name });
    else {
      const exit = told === 'Stopped' ? {} : { exitCode: exitCodeOf(Number(status)) };
      this.#thunder.emit(OCI_CONTAINER, 'onContainerStopped', { containerId, name, ...exit });
    }
  }
}

/** As Dobby's client library makes it of a raw status: WEXITSTATUS, or -1 for a signal. */
const exitCodeOf = (status: number): number => ((status & 0x7f) === 0 ? (status >> 8) & 0xff : -1);

const success = (members: object): object => ({ ...members, success: true, errorReason: '' });
/** An empty reason is left out. */
const failure = (errorReason: string): object => ({ success: false, ...(errorReason !== '' && { errorReason }) });
