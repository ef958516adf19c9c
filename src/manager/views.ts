/** Instances as callers see them: the record, and what the kernel says of its use. */
import type { AppInfo, AppSummary } from '../domain/info.ts';
import { allowedIn } from '../domain/states.ts';
import { viewOf } from '../domain/view.ts';
import { effectiveLimits } from '../spec/limits.ts';
import type { Instance } from './instance.ts';
import { placeOfDisplay } from './operations/displays.ts';
import { pagesOf } from './operations/pages.ts';
import type { ScreenStack } from './screen-stack.ts';
import type { World } from './world.ts';

/**
 * The kernel's figures cost some ten reads of its files: who asks again within this time, in ms, gets them from memory. What the
 * daemon itself knows (state, operation, exit, …) is never older than the question (decision 0035).
 */
const FRESH_MS = 50;

type Seen = Pick<Instance, 'record' | 'operation'> & {
  readonly focused: boolean;
  readonly info: AppInfo;
  readonly freshUntil: number;
};

export type Views = {
  /** The same object as long as nothing in it is read anew. */
  readonly infoOf: (instance: Instance) => AppInfo;
  readonly summaryOf: (instance: Instance) => AppSummary;
};

export function views(world: World, screens: ScreenStack): Views {
  const seen = new WeakMap<Instance, Seen>();

  function infoOf(instance: Instance): AppInfo {
    const { record, operation } = instance;
    const last = seen.get(instance);
    const now = performance.now();
    const focused = record.app.display !== null && screens.focused === instance;
    const isSame = last?.record === record && last.operation === operation && last.focused === focused;
    if (isSame && now < last.freshUntil) return last.info;
    const info = read(world, instance, focused);
    seen.set(instance, { record, operation, focused, info, freshUntil: now + FRESH_MS });
    return info;
  }

  return { infoOf, summaryOf: (instance) => shorter(infoOf(instance)) };
}

const shorter = ({ appId, appInstanceId, state, pid, uid, startedAt, exit, memory }: AppInfo): AppSummary => ({
  appId,
  appInstanceId,
  state,
  pid,
  uid,
  startedAt,
  exit,
  memory,
});

function read(world: World, instance: Instance, focused: boolean): AppInfo {
  const { record, operation, state } = instance;
  const { appId, appInstanceId, containerId, live, app, uid, startedAt, exit } = record;
  const readings = live === null ? undefined : world.engine.readings(containerId);
  return {
    appId,
    appInstanceId,
    state,
    pid: state === 'TERMINATED' ? null : (live?.init.pid ?? null),
    uid,
    startedAt,
    exit,
    containerId,
    gid: record.gid,
    idsFrom: world.userIds.fromOf(record),
    createdAt: record.createdAt,
    operation,
    allowed: allowedIn(state),
    monitored: live !== null && world.engine.isMonitored(live),
    memory: readings?.memory ?? null,
    cpu: readings?.cpu ?? null,
    pids: readings?.pids ?? null,
    network: {
      mode: app.network,
      address: record.network?.address ?? null,
      gateway: record.network?.gateway ?? null,
      ports: record.network?.ports ?? [],
    },
    limits: effectiveLimits(app.limits),
    display: displayOf(world, instance, focused),
    hibernation: hibernationOf(world, instance),
    mounts: mountsOf(record),
    restart: restartOf(record),
    notes: record.notes ?? [],
    warnings: record.warnings ?? [],
    annotations: record.annotations,
    annotationRevision: record.annotationRevision,
    storage: world.storage.pathOf(appId),
    storageUse: world.storage.useOf(appId),
    logFile: world.logs.fileOf(containerId),
  };
}

/** Asleep and ended apps have none. */
function displayOf(world: World, { record }: Instance, focused: boolean): AppInfo['display'] {
  const place = record.live === null || !world.displays.offered ? null : placeOfDisplay(world, record);
  if (place === null) return null;
  const { visible, zOrder, size } = viewOf(record);
  const { width = null, height = null } = size ?? record.app.display ?? {};
  return { displayName: place.displayName, socket: place.socket, visible, focused, zOrder, width, height };
}

const mountsOf = ({ app, mounts }: Instance['record']): AppInfo['mounts'] => [
  ...app.mounts.map((mount) => ({ ...mount, live: false })),
  ...mounts.map((mount) => ({ ...mount, live: true })),
];

function restartOf({ app, restart }: Instance['record']): AppInfo['restart'] {
  const { policy, maxRetries } = app.restart;
  return { policy, attempts: restart?.attempts ?? 0, maxRetries, dueAt: restart?.dueAt ?? null };
}

function hibernationOf(world: World, instance: Instance): AppInfo['hibernation'] {
  const { app, hibernation } = instance.record;
  const { enabled, tcp } = app.hibernation;
  if (hibernation === null) return { enabled, tcp, image: null, dump: null, wake: null, wakes: 0, failureLog: null };
  const { image, dump, wake, wakes, failureLog } = hibernation;
  if (wake === null) return { enabled, tcp, image, dump, wake, wakes, failureLog };
  const { pages: _pages, ...figures } = wake;
  return {
    enabled,
    tcp,
    image,
    dump,
    wake: { ...figures, complete: pagesOf(world, instance) === 'in' },
    wakes,
    failureLog,
  };
}
