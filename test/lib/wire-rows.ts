/**
 * Every method as it is on the wire: what upstream's generator makes of its interface (facts/thunder.md §4.1), what is ours, a call
 * that works, and the form of its result. In the order of a life, so that each call finds the app as it wants it.
 */
import * as z from 'zod';
import type { MethodName } from '../../src/domain/api.ts';
import { engineForm } from './wire-engine.ts';
import { repairForm, storageForm } from './wire-storage.ts';

type JsonType = 'string' | 'integer' | 'array' | 'object';

export type WireStage = {
  /** Runs RDK's package `appPath` from the row `run` on. */
  readonly one: string;
  /** Runs with a display already. */
  readonly other: string;
  /** App with storage and no instance. */
  readonly idleApp: string;
  readonly appPath: string;
  /** A directory of the host to mount. */
  readonly shown: string;
  /** Sends a call whose answer is not waited for here. */
  readonly begin: (method: MethodName, params: object) => void;
};

export type WireRow = {
  /** Members and result that upstream's have; absent: the method is ours (DESIGN §6). */
  readonly upstream?: { readonly members: Readonly<Record<string, JsonType>>; readonly result: 'null' | 'string' };
  /** Members beyond upstream's. */
  readonly own?: readonly string[];
  /** Of the decision that says why members or result are not upstream's, where upstream has the method. */
  readonly differs?: string;
  readonly params: (at: WireStage) => object | undefined;
  readonly before?: (at: WireStage) => void;
  readonly form: z.ZodType;
  /** A code instead of the result where only answers can come: HTTP. */
  readonly refusedByHttp?: number;
};

const text = z.string();
const nil = z.null();
const count = z.number().int().min(0);
const time = z.iso.datetime();
const open = z.looseObject;

const exit = z.strictObject({
  ...{ code: count.nullable(), signal: count.nullable(), oom: z.boolean(), cause: text, at: time },
});
const memory = z.strictObject({ usageBytes: count, limitBytes: count.nullable() });
const summary = {
  ...{ appId: text, appInstanceId: text, state: text, pid: count.nullable(), uid: count },
  ...{ startedAt: time.nullable(), exit: exit.nullable(), memory: memory.nullable() },
};
const limits = z.strictObject({
  ...{ memoryBytes: count.nullable(), swapBytes: count.nullable(), cpus: z.number().nullable(), pids: count },
  ...{ cpuShares: count.nullable(), cores: text.nullable(), ioWeight: count.nullable() },
});
const info = z.strictObject({
  ...summary,
  ...{
    containerId: text,
    gid: count,
    idsFrom: text,
    createdAt: time,
    operation: text.nullable(),
    allowed: z.array(text),
  },
  monitored: z.boolean(),
  cpu: z.strictObject({ usageNs: count }).nullable(),
  pids: z.strictObject({ current: count, limit: count.nullable() }).nullable(),
  network: z.strictObject({ mode: text, address: text.nullable(), gateway: text.nullable(), ports: z.array(open({})) }),
  limits,
  display: z
    .strictObject({
      ...{ displayName: text, socket: text, visible: z.boolean(), focused: z.boolean(), zOrder: z.number().int() },
      ...{ width: count.nullable(), height: count.nullable() },
    })
    .nullable(),
  hibernation: z.strictObject({
    ...{ enabled: z.boolean(), tcp: text, image: nil, dump: nil, wake: nil, wakes: count, failureLog: nil },
  }),
  mounts: z.array(z.strictObject({ source: text, destination: text, readOnly: z.boolean(), live: z.boolean() })),
  restart: z.strictObject({ policy: text, attempts: count, maxRetries: count.nullable(), dueAt: nil }),
  ...{ notes: z.array(text), warnings: z.array(text), annotations: z.record(text, text), annotationRevision: count },
  ...{ storage: text, storageUse: nil, logFile: text },
});
const event = open({ seq: count, time, appId: text, appInstanceId: text, type: text });
const entry = z.strictObject({
  ...{
    seq: count,
    time,
    type: text,
    what: text,
    why: text.nullable(),
    next: text.nullable(),
    by: text.nullable(),
    state: text.nullable(),
  },
  ...{ lastedMs: z.number().nullable(), exit: exit.nullable() },
});
const line = z.strictObject({
  time: z.iso.datetime({ offset: true }),
  stream: z.enum(['stdout', 'stderr']),
  text,
  partial: z.boolean(),
});

const image = z.strictObject({
  ...{ appId: text, appInstanceId: text, path: text, unusable: nil, sizeBytes: count, rawBytes: count },
  ...{ compressed: z.boolean(), durable: z.boolean(), hibernatedAt: time },
});
const stored = z.strictObject({
  ...{ id: text, kind: text, sources: z.array(text), sizeBytes: count.nullable(), usedAt: time.nullable() },
  usedBy: z.array(text),
});

const one = ({ one: appInstanceId }: WireStage) => ({ appInstanceId });
const voidOfOne = { members: { appInstanceId: 'string' }, result: 'null' } as const;
const operation = { upstream: voidOfOne, params: one, form: nil };

/** The generator's names and types for `runtimeConfigObject` are in `runtimeConfigSchema`; here is what LifecycleManager fills in. */
const runtimeConfigObject = ({ appPath }: WireStage) => ({
  ...{ command: 'calm', appPath, appType: 'INTERACTIVE', systemMemoryLimit: 64 * 2 ** 20 },
  ...{ envVariables: '["WORD=wire"]', userId: 0, groupId: 0, dial: false, wanLanAccess: false, runtimePath: '' },
});

export const WIRE: Readonly<Record<MethodName, WireRow>> = {
  version: {
    params: () => undefined,
    form: z.strictObject({ version: text, engine: text, runtime: text, pid: count, root: text, url: text.nullable() }),
  },
  getEngine: { params: () => undefined, form: engineForm },
  run: {
    upstream: {
      members: {
        ...{ appId: 'string', appInstanceId: 'string', userId: 'integer', groupId: 'integer' },
        ...{ ports: 'array', paths: 'array', debugSettings: 'array', runtimeConfigObject: 'object' },
      },
      result: 'null',
    },
    own: ['app'],
    differs: '0038-results-that-say-more.md',
    params: (at) => ({
      ...{ appId: at.one, ...one(at), userId: 0, groupId: 0, ports: [3473], paths: [], debugSettings: [] },
      runtimeConfigObject: runtimeConfigObject(at),
    }),
    form: z.strictObject({ appInstanceId: text }),
  },
  // its line says that the app is ready
  getLogs: {
    own: ['appInstanceId', 'cursor', 'tail', 'limit', 'waitMs', 'previous'],
    params: (at) => ({ ...one(at), tail: 10, limit: 10, waitMs: 20_000 }),
    form: z.strictObject({ lines: z.array(line).min(1), cursor: text, ended: z.boolean() }),
  },
  getHealth: {
    params: () => undefined,
    form: z.strictObject({
      problems: z.array(
        z.strictObject({
          ...{ code: text, state: z.enum(['warn', 'fail']), what: text, why: text, next: text },
          ...{ appId: text.nullable(), appInstanceId: text.nullable(), since: time.nullable() },
        }),
      ),
      resources: z.strictObject({
        images: z.strictObject({ count, sizeBytes: count, budgetBytes: count, freeBytes: count }),
        userIds: z.strictObject({ total: count, taken: count, inUse: count }),
      }),
    }),
  },
  list: { own: ['all'], params: () => ({ all: true }), form: z.array(z.strictObject(summary)).min(2) },
  getInfo: {
    upstream: { members: { appInstanceId: 'string' }, result: 'string' },
    params: one,
    form: text.transform((json) => JSON.parse(json) as unknown).pipe(info),
  },
  annotate: {
    upstream: { members: { appInstanceId: 'string', key: 'string', value: 'string' }, result: 'null' },
    own: ['revision'],
    differs: '0050-annotations-and-history.md',
    params: (at) => ({ ...one(at), key: 'note', value: 'text' }),
    form: nil,
  },
  removeAnnotation: {
    own: ['appInstanceId', 'key', 'revision'],
    params: (at) => ({ ...one(at), key: 'note' }),
    form: nil,
  },
  setLimits: {
    own: ['appInstanceId', 'memoryBytes', 'cpus', 'pids', 'cpuShares', 'cores', 'ioWeight'],
    params: (at) => ({ ...one(at), pids: 99, cores: '0' }),
    form: limits,
  },
  mount: {
    upstream: { members: {}, result: 'null' },
    own: ['appInstanceId', 'source', 'destination', 'readOnly'],
    differs: '0054-live-mounts.md',
    params: (at) => ({ ...one(at), source: at.shown, destination: '/data/shown' }),
    form: nil,
  },
  unmount: {
    upstream: { members: {}, result: 'null' },
    own: ['appInstanceId', 'destination'],
    differs: '0054-live-mounts.md',
    params: (at) => ({ ...one(at), destination: '/data/shown' }),
    form: nil,
  },
  exec: {
    own: ['appInstanceId', 'args', 'env', 'cwd', 'user', 'timeoutMs', 'stdin', 'stream', 'binary'],
    params: (at) => ({ ...one(at), args: ['/bin/sh', '-c', 'cat; exit 7'], stdin: 'given' }),
    form: z.strictObject({
      ...{ exitCode: z.literal(7), signal: nil, stdout: z.literal('given'), stderr: text, truncated: z.boolean() },
    }),
  },
  execInput: {
    own: ['stream', 'data', 'end', 'signal'],
    before: (at) => at.begin('exec', { ...one(at), args: ['/bin/cat'], stream: 'wire' }),
    params: () => ({ stream: 'wire', data: 'aGVsbG8=', end: true }),
    form: nil,
    refusedByHttp: 1,
  },
  suspend: operation,
  resume: operation,
  explainHibernation: {
    own: ['appInstanceId'],
    params: one,
    form: z.strictObject({ possible: z.literal('yes'), findings: z.array(open({ code: text })), log: nil }),
  },
  hibernate: operation,
  listImages: { params: () => undefined, form: z.array(image).length(1) },
  wake: {
    upstream: { members: { appInstanceId: 'string', runtimeState: 'string' }, result: 'null' },
    own: ['target'],
    differs: '0182-what-wake-leads-to.md',
    params: (at) => ({ ...one(at), target: 'SUSPENDED' }),
    form: nil,
  },
  getScreenshot: {
    own: ['appInstanceId'],
    params: ({ other: appInstanceId }) => ({ appInstanceId }),
    form: z.strictObject({ png: z.base64().startsWith('iVBORw0KGgo'), takenAt: time, live: z.boolean() }),
  },
  getView: {
    own: ['appInstanceId'],
    params: ({ other: appInstanceId }) => ({ appInstanceId }),
    form: z.strictObject({ path: text.startsWith('/view/'), url: z.url().nullable() }),
  },
  setVisible: {
    own: ['appInstanceId', 'visible'],
    params: ({ other: appInstanceId }) => ({ appInstanceId, visible: false }),
    form: nil,
  },
  setFocus: { own: ['appInstanceId'], params: ({ other: appInstanceId }) => ({ appInstanceId }), form: nil },
  setZOrder: {
    own: ['appInstanceId', 'zOrder'],
    params: ({ other: appInstanceId }) => ({ appInstanceId, zOrder: 2 }),
    form: nil,
  },
  resizeDisplay: {
    own: ['appInstanceId', 'width', 'height'],
    params: ({ other: appInstanceId }) => ({ appInstanceId, width: 400, height: 240 }),
    form: nil,
  },
  terminate: operation,
  kill: { ...operation, params: ({ other: appInstanceId }) => ({ appInstanceId }) },
  getHistory: {
    own: ['appInstanceId', 'limit'],
    params: (at) => ({ ...one(at), limit: 100 }),
    form: z.strictObject({
      ...{ appId: text, appInstanceId: text, state: text.nullable(), exit: exit.nullable(), complete: z.boolean() },
      entries: z.array(entry).min(5),
    }),
  },
  getEvents: {
    own: ['since', 'limit', 'appInstanceId'],
    params: (at) => ({ since: 0, limit: 1000, ...one(at) }),
    form: z.strictObject({ events: z.array(event).min(5), firstSeq: count, lastSeq: count }),
  },
  generateSpec: {
    own: [
      ...['appId', 'appInstanceId', 'userId', 'groupId', 'ports', 'paths', 'debugSettings', 'runtimeConfigObject'],
      ...['app', 'format', 'explain'],
    ],
    params: (at) => ({ appId: at.one, runtimeConfigObject: runtimeConfigObject(at), format: 'oci' }),
    form: z.strictObject({ format: z.literal('oci'), spec: open({ ociVersion: text }), ignored: z.array(text) }),
  },
  listStorage: { params: () => ({}), form: z.array(storageForm).min(1) },
  clearStorage: { own: ['appId'], params: ({ idleApp: appId }) => ({ appId }), form: nil },
  repairStorage: { own: ['appId'], params: ({ idleApp: appId }) => ({ appId }), form: repairForm },
  listPackages: {
    params: () => ({}),
    form: z.strictObject({ packages: z.array(stored), totalBytes: count, budgetBytes: count }),
  },
  prunePackages: { params: () => undefined, form: z.strictObject({ deleted: count, freedBytes: count }) },
  deleteStorage: { own: ['appId'], params: ({ idleApp: appId }) => ({ appId }), form: nil },
};
