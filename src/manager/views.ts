/** Instances as callers see them: the record, and what the kernel says at this moment. */
import type { AppInfo, AppSummary } from '../domain/info.ts';
import { allowedIn } from '../domain/states.ts';
import type { Instance } from './instance.ts';
import { placeOfDisplay } from './operations/displays.ts';
import { pagesOf } from './operations/pages.ts';
import type { World } from './world.ts';

export function summaryOf({ engine }: World, { record }: Instance): AppSummary {
  const { appId, appInstanceId, state, live, uid, startedAt, exit, containerId } = record;
  return {
    appId,
    appInstanceId,
    state,
    pid: state === 'TERMINATED' ? null : (live?.init.pid ?? null),
    uid,
    startedAt,
    exit,
    memory: live === null ? null : (engine.readings(containerId)?.memory ?? null),
  };
}

export function infoOf(world: World, instance: Instance): AppInfo {
  const { record, operation, state } = instance;
  const { containerId, live, app, appId } = record;
  const readings = live === null ? undefined : world.engine.readings(containerId);
  return {
    ...summaryOf(world, instance),
    containerId,
    gid: record.gid,
    createdAt: record.createdAt,
    operation,
    allowed: allowedIn(state),
    monitored: live !== null && world.engine.isMonitored(live),
    memory: readings?.memory ?? null,
    cpu: readings?.cpu ?? null,
    pids: readings?.pids ?? null,
    network: { mode: app.network },
    display: displayOf(world, instance),
    hibernation: hibernationOf(world, instance),
    annotations: record.annotations,
    annotationRevision: record.annotationRevision,
    storage: world.storage.pathOf(appId),
    logFile: world.logs.fileOf(containerId),
  };
}

/** Asleep and ended apps have none. */
const displayOf = (world: World, { record }: Instance): AppInfo['display'] =>
  record.live === null || !world.displays.offered ? null : placeOfDisplay(world, record);

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
