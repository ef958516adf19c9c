/** Instances as callers see them: the record, and what the kernel says at this moment. */
import type { AppInfo, AppSummary } from '../domain/info.ts';
import { allowedIn } from '../domain/states.ts';
import type { Instance } from './instance.ts';
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
    display: null,
    hibernation: app.hibernation,
    annotations: record.annotations,
    storage: world.storage.pathOf(appId),
    logFile: world.logs.fileOf(containerId),
  };
}
