/** A service without containers: enough life for tests of the server, the client and the command line. */
import type { Duplex } from 'node:stream';
import type { MethodResults } from '../../src/domain/api.ts';
import { RuntimeError } from '../../src/domain/errors.ts';
import type { AppEvent, NewEvent } from '../../src/domain/events.ts';
import { execMessages } from '../../src/domain/exec-message.ts';
import { entriesOf } from '../../src/domain/history.ts';
import { appId, appInstanceId, containerIdFor, newAppInstanceId } from '../../src/domain/ids.ts';
import type { Resources } from '../../src/domain/health.ts';
import type { AppId, AppInstanceId } from '../../src/domain/ids.ts';
import type { AppInfo } from '../../src/domain/info.ts';
import { allowedIn, isAlive, isAlreadySo, MOVES } from '../../src/domain/states.ts';
import type { Operation, State } from '../../src/domain/states.ts';
import { viewPath } from '../../src/domain/wire.ts';
import type { Service } from '../../src/server/service.ts';

type Instance = {
  readonly appId: AppId;
  readonly appInstanceId: AppInstanceId;
  state: State;
  readonly lines: string[];
  annotations: Record<string, string>;
};

/** What outlives a restart of the fake daemon. */
export type FakeWorld = {
  readonly instances: Map<string, Instance>;
  readonly events: AppEvent[];
  /** Events up to this number are no longer kept. */
  dropped: number;
  /** Parameters of every `run`. */
  readonly runs: unknown[];
};

export type FakeService = Service & {
  readonly world: FakeWorld;
  readonly publish: (event: NewEvent) => AppEvent;
  /** Writes a line to an instance's log. */
  readonly write: (id: string, text: string) => void;
  /** What viewers get. */
  display: (id: string) => Duplex;
  /** Holds every `terminate` back until this resolves. */
  hold: Promise<unknown>;
};

const RESOURCES: Resources = {
  images: { count: 0, sizeBytes: 0, budgetBytes: 8e9, freeBytes: 1e9 },
  userIds: { total: 1000, taken: 1, inUse: 1 },
};

const TIME = '2026-11-23T08:00:00.000Z';

export const fakeWorld = (): FakeWorld => ({ instances: new Map(), events: [], dropped: 0, runs: [] });

export function fakeService(world: FakeWorld = fakeWorld()): FakeService {
  const listeners = new Set<(event: AppEvent) => void>();

  function publish(body: NewEvent): AppEvent {
    const event = { seq: world.dropped + world.events.length + 1, time: TIME, ...body };
    world.events.push(event);
    for (const listener of listeners) listener(event);
    return event;
  }

  function find(id: string): Instance {
    const instance = world.instances.get(appInstanceId(id));
    if (instance !== undefined) return instance;
    throw new RuntimeError('NOT_FOUND', { what: `there is no instance ${id}`, next: 'runtimectl ps lists them' });
  }

  function move(id: string, operation: Operation): { already: boolean } {
    const instance = find(id);
    if (isAlreadySo(instance.state, operation)) return { already: true };
    const to = MOVES[instance.state][operation]?.to;
    if (to === undefined) {
      throw new RuntimeError('ILLEGAL_STATE', {
        what: `${id} cannot ${operation}: it is ${instance.state}`,
        next: `allowed now: ${allowedIn(instance.state).join(', ')}`,
      });
    }
    const { state: old } = instance;
    instance.state = to;
    const subject = { appId: instance.appId, appInstanceId: instance.appInstanceId };
    publish({ ...subject, type: 'stateChanged', old, new: to, why: operation });
    if (to === 'TERMINATED') {
      const exit = { code: 137, signal: 9, oom: false, cause: 'killed', at: TIME } as const;
      publish({ ...subject, type: 'terminated', exit });
    }
    return { already: false };
  }

  const service: FakeService = {
    world,
    hold: Promise.resolve(),
    publish,
    write: (id, text) => void find(id).lines.push(text),
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    run: async (params) => {
      const id = params.appInstanceId === undefined ? newAppInstanceId() : appInstanceId(params.appInstanceId);
      const app = appId(params.appId);
      if (world.instances.has(id)) throw new RuntimeError('ALREADY_EXISTS', { what: `${id} is alive` });
      world.runs.push(params);
      world.instances.set(id, { appId: app, appInstanceId: id, state: 'RUNNING', lines: [], annotations: {} });
      publish({ appId: app, appInstanceId: id, type: 'started', pid: 4711 });
      return { appInstanceId: id };
    },
    suspend: async (params) => move(params.appInstanceId, 'suspend'),
    resume: async (params) => move(params.appInstanceId, 'resume'),
    hibernate: async (params) => move(params.appInstanceId, 'hibernate'),
    wake: async (params) => move(params.appInstanceId, 'wake'),
    generateSpec: async (params) => ({ format: params.format, spec: { asked: params }, ignored: [] }),
    explainHibernation: async () => ({ possible: 'yes', findings: [], log: null }),
    terminate: async (params) => {
      await service.hold;
      return move(params.appInstanceId, 'terminate');
    },
    kill: async (params) => move(params.appInstanceId, 'kill'),
    annotate: async ({ appInstanceId: id, key, value }) => {
      find(id).annotations[key] = value;
      return { already: false };
    },
    removeAnnotation: async ({ appInstanceId: id, key }) => ({
      already: !Reflect.deleteProperty(find(id).annotations, key),
    }),
    mount: async () => ({ already: false }),
    unmount: async () => ({ already: false }),
    setLimits: async ({ memoryBytes = null, cpus = null, pids, cpuShares = null, cores = null, ioWeight = null }) => ({
      ...{ memoryBytes, swapBytes: memoryBytes === null ? null : 0, cpus },
      ...{ pids: pids ?? 1024, cpuShares, cores, ioWeight },
    }),
    exec: async (params, { channel }) => {
      find(params.appInstanceId);
      const text = params.args.join(' ');
      const output = { stream: 'stdout', data: Buffer.from(text).toString('base64') };
      if (params.stream !== undefined && params.binary) {
        for (const message of execMessages(params.stream, 'stdout')(Buffer.from(text))) {
          await channel?.sendBytes(message);
        }
      } else if (params.stream !== undefined) await channel?.notify(`${params.stream}.onExecOutput`, output);
      return {
        exitCode: 7,
        signal: null,
        stdout: params.stream === undefined ? text : '',
        stderr: '',
        truncated: false,
      };
    },
    execInput: async () => null,
    getHistory: async ({ appInstanceId: id }) => {
      const { appId: app, appInstanceId: own, state } = find(id);
      const entries = entriesOf(world.events.filter((event) => event.appInstanceId === id));
      return { appId: app, appInstanceId: own, state, exit: null, complete: true, entries };
    },
    getHealth: async () => ({ problems: [], resources: RESOURCES }),
    resources: async () => RESOURCES,
    getInfo: async (params) => infoOf(find(params.appInstanceId)),
    list: async ({ all }) => [...world.instances.values()].filter((one) => all || isAlive(one.state)).map(infoOf),
    getLogs: async (params, { signal }) => {
      const instance = find(params.appInstanceId);
      const first =
        params.cursor === undefined
          ? Math.max(0, instance.lines.length - (params.tail ?? Infinity))
          : Number(params.cursor);
      const end = performance.now() + params.waitMs;
      while (instance.lines.length <= first && isAlive(instance.state) && performance.now() < end) {
        if (signal.aborted) throw new RuntimeError('ABORTED', { what: 'nobody waits for the log any more' });
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      const texts = instance.lines.slice(first, first + params.limit);
      const lines = texts.map((text) => ({ time: TIME, stream: 'stdout' as const, text, partial: false }));
      const cursor = first + lines.length;
      return { lines, cursor: String(cursor), ended: !isAlive(instance.state) && cursor === instance.lines.length };
    },
    getScreenshot: async (params) => {
      find(params.appInstanceId);
      return { png: Buffer.from('a picture').toString('base64'), takenAt: TIME, live: false };
    },
    setVisible: async ({ appInstanceId: id }) => ({ already: find(id).state !== 'RUNNING' }),
    setFocus: async ({ appInstanceId: id }) => ({ already: find(id).state !== 'RUNNING' }),
    setZOrder: async ({ appInstanceId: id }) => ({ already: find(id).state !== 'RUNNING' }),
    resizeDisplay: async ({ appInstanceId: id }) => ({ already: find(id).state !== 'RUNNING' }),
    getView: async ({ appInstanceId: id }) => ({ path: viewPath(find(id).appInstanceId), url: null }),
    openView: async (id) => {
      find(id);
      return service.display(id);
    },
    display: () => {
      throw new RuntimeError('NOT_SUPPORTED', { what: 'there is no display' });
    },
    getEvents: async ({ since, limit, appInstanceId: id }) => ({
      events: world.events
        .filter(({ seq, ...e }) => seq > since && (id === undefined || e.appInstanceId === id))
        .slice(0, limit),
      firstSeq: world.dropped + 1,
      lastSeq: world.dropped + world.events.length,
    }),
    listStorage: async () => [],
    clearStorage: async () => ({ already: false }),
    deleteStorage: async () => ({ already: false }),
    repairStorage: async ({ appId }) => ({
      ...{ appId, file: null, repaired: false, changes: [], changeCount: 0, salvaged: [], undoFile: null },
    }),
    listImages: async () => [],
    listPackages: async () => ({ packages: [], totalBytes: 0, budgetBytes: 0 }),
    prunePackages: async () => ({ deleted: 0, freedBytes: 0 }),
    getEngine: async () => ({
      ...{ engine: 'embedded', runtime: 'runc', at: null, answers: true, why: null, next: null },
      ...{ can: [], lacks: [], cannot: [] },
    }),
    version: async (): Promise<MethodResults['version']> => ({
      version: '9.9.9',
      engine: 'embedded',
      runtime: 'runc',
      pid: process.pid,
      root: '/fake',
      url: null,
    }),
  };
  return service;
}

/** Forgets the oldest events, as a daemon with a full log does. */
export function dropEvents(world: FakeWorld, count: number): void {
  world.events.splice(0, count);
  world.dropped += count;
}

const infoOf = (instance: Instance): AppInfo => ({
  appId: instance.appId,
  appInstanceId: instance.appInstanceId,
  containerId: containerIdFor(instance.appInstanceId),
  state: instance.state,
  pid: isAlive(instance.state) ? 4711 : null,
  uid: 30_000,
  gid: 30_000,
  createdAt: TIME,
  startedAt: TIME,
  exit: isAlive(instance.state) ? null : { code: 137, signal: 9, oom: false, cause: 'killed', at: TIME },
  operation: null,
  allowed: allowedIn(instance.state),
  monitored: true,
  memory: isAlive(instance.state) ? { usageBytes: 5 * 2 ** 20, limitBytes: 64 * 2 ** 20 } : null,
  cpu: null,
  pids: null,
  network: { mode: 'none', address: null, gateway: null, ports: [] },
  limits: {
    ...{ memoryBytes: 64 * 2 ** 20, swapBytes: null, cpus: null, pids: 1024 },
    ...{ cpuShares: null, cores: null, ioWeight: null },
  },
  display: null,
  hibernation: {
    enabled: true,
    tcp: 'close',
    image: null,
    dump: null,
    wake: null,
    wakes: 0,
    failureLog: null,
  },
  mounts: [],
  restart: { policy: 'never', attempts: 0, maxRetries: 10, dueAt: null },
  annotations: instance.annotations,
  notes: [],
  warnings: [],
  idsFrom: 'range',
  annotationRevision: Object.keys(instance.annotations).length,
  storage: '/fake/apps/one',
  storageUse: null,
  logFile: '/fake/logs/one.log',
});
