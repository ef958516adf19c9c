/** Run: everything is taken in order, the intent is on disk before the first effect, and what fails is given back last first. */
import { RuntimeError } from '../../domain/errors.ts';
import { containerIdFor } from '../../domain/ids.ts';
import type { InstanceRecord, UserIdLease } from '../../ports/journal.ts';
import type { NetworkLease } from '../../domain/network.ts';
import { unmetIds } from '../id-wishes.ts';
import type { Instance } from '../instance.ts';
import type { World } from '../world.ts';
import type { RunOrder } from './order.ts';
import { planRun, type Planned } from './plan.ts';
import { displayAnswers, placeOfDisplay, takeDisplay, withPlacement } from './displays.ts';
import { allDone, during, failureOf } from './operation.ts';
import { followScreen } from './screen.ts';
import { settle } from './settle.ts';

export type RunRequest = { readonly order: RunOrder; readonly signal: AbortSignal };

/** RUNNING when it returns. Before STARTING is written nothing was taken; after it, a failure ends in TERMINATED. */
export const run = (world: World, instance: Instance, { order, signal }: RunRequest): Promise<void> =>
  during(instance, 'run', async () => {
    instance.moveFor('run');
    refuseUnreleased(instance);
    const placed = { ...order, app: withPlacement(world, order.app) };
    const planned = await begin(world, instance, { order: placed, signal, why: 'run', keep: nothingButTheRevision });
    await startOrEnd(world, instance, { planned, signal });
  });

/** Who has seen the annotations of the last run must not take these for them. */
const nothingButTheRevision = ({ annotationRevision }: InstanceRecord): Partial<InstanceRecord> => ({
  annotationRevision: annotationRevision + 1,
});

/** What an earlier run left could not be removed: a new one would fall over it. */
function refuseUnreleased({ record }: Instance): void {
  if (record.released) return;
  throw new RuntimeError('BUSY', {
    what: `the last run of ${record.appInstanceId} is not cleaned away yet`,
    next: "try again in a moment, or use another instance id; the daemon's log says what holds it",
  });
}

export type Beginning = RunRequest & {
  readonly why: string;
  /** What it takes over from the last run. */
  readonly keep: (last: InstanceRecord) => Partial<InstanceRecord>;
};

/** STARTING when it returns; when it throws, nothing was taken. */
export async function begin(
  world: World,
  instance: Instance,
  { order, signal, why, keep }: Beginning,
): Promise<Planned> {
  const { userIds, packages, networks, settings, log } = world;
  const { lease, dropped, undo } = await userIds.lease({ appId: order.appId, ...order.ids });
  let network: NetworkLease | null = null;
  try {
    const { uid, gid } = lease;
    const wait = { signal, timeoutMs: settings.startTimeoutMs };
    network = await networks.lease(order, wait);
    const planning = planRun(world, order, { uid, gid, signal });
    await allDone([planning, networks.refuseForeign(order.app.ports, wait)]);
    const planned = await planning;
    const change = { userIds: [lease], droppedUserIds: dropped };
    const recordFrom = (last: InstanceRecord): InstanceRecord => ({
      ...newRecord(world, { ...order, app: planned.app }, lease),
      ...{ network, notes: [...(order.ignored ?? []).map((one) => `${one} changes nothing`), ...planned.notes] },
      warnings: [...(order.warnings ?? []), ...unmetIds(order.upstream, lease)],
      ...keep(last),
    });
    await instance.begin(recordFrom, why, { change });
    return planned;
  } catch (error) {
    undo();
    networks.giveBack({ appInstanceId: order.appInstanceId, network });
    await packages.release(containerIdFor(order.appInstanceId)).catch((fault: unknown) => {
      log.warn({ err: fault }, 'the package of a refused run could not be given back; a restart does it');
    });
    throw error;
  }
}

export function newRecord(
  world: World,
  { appId, appInstanceId, app, upstream }: RunOrder,
  ids: Pick<InstanceRecord, 'uid' | 'gid'> & Pick<UserIdLease, 'from'>,
): InstanceRecord {
  return {
    appInstanceId,
    appId,
    containerId: containerIdFor(appInstanceId),
    state: 'TERMINATED',
    app,
    ...(upstream !== undefined && { upstream }),
    uid: ids.uid,
    gid: ids.gid,
    idsFrom: ids.from,
    live: null,
    bootId: world.settings.bootId,
    createdAt: world.clock.now(),
    startedAt: null,
    ending: null,
    exit: null,
    released: false,
    hibernation: null,
    restart: null,
    mounts: [],
    network: null,
    annotations: {},
    annotationRevision: 0,
  };
}

type Start = { readonly planned: Planned; readonly signal: AbortSignal };

/** RUNNING when it returns, TERMINATED when it throws. */
export async function startOrEnd(world: World, instance: Instance, how: Start): Promise<void> {
  try {
    await start(world, instance, how);
  } catch (error) {
    await giveUp(world, instance, error);
    throw error;
  }
}

async function start(world: World, instance: Instance, { planned, signal }: Start): Promise<void> {
  const { engine, storage, insides, logs, networks, settings, clock } = world;
  const { appId, containerId, uid, gid, app } = instance.record;
  const sizeBytes = app.storage.sizeBytes ?? null;
  const wait = { signal, timeoutMs: settings.startTimeoutMs };
  await allDone([
    storage.prepare({ appId, uid, gid, holder: containerId, sizeBytes }),
    insides.prepare(containerId),
    logs.begin(containerId),
    takeDisplay(world, instance.record, signal),
  ]);
  signal.throwIfAborted();
  // at the same time: if one of them fails, both are undone, in this order
  const published = networks.publish(instance.record, wait);
  published.catch(() => undefined);
  const { config, limits } = planned;
  const live = await engine.start(
    {
      id: containerId,
      ...{ config, limits },
      wishes: { network: app.network, ports: app.ports, hostPorts: app.hostPorts },
      displaySocket: placeOfDisplay(world, instance.record)?.socket ?? null,
      logFile: logs.fileOf(containerId),
      logMaxBytes: logs.partBytes(settings.logMaxBytes),
      terminal: app.terminal,
      network: networks.wiringOf(instance.record),
      beforeStart: () => displayAnswers(world, instance.record),
    },
    wait,
  );
  await published;
  await instance.enter('RUNNING', 'started', {
    record: { live, startedAt: clock.now() },
    before: [{ type: 'started', pid: live.init.pid }],
  });
  followScreen(world, instance);
}

/** The caller gets the error; everybody else the events. What cannot even be written is undone at the next start. */
async function giveUp(world: World, instance: Instance, cause: unknown): Promise<void> {
  const failure = failureOf('run', cause, { ended: true });
  const { containerId, appInstanceId } = instance.record;
  try {
    // an engine that does not answer cannot say: what is left of it is removed as soon as it does
    const inspection = await world.engine.inspect(containerId, null).catch((error: unknown) => {
      world.log.warn({ err: error, appInstanceId }, 'it is not known what is left of a failed start');
    });
    if (inspection?.status === 'running') await world.engine.kill(containerId, inspection.live);
    // only a kill stops a start
    const ending = RuntimeError.of(cause).code === 'ABORTED' ? 'killed' : 'start-failed';
    await settle(world, instance, { code: null, oom: false, cause: ending, before: [failure] });
  } catch (error) {
    world.log.error({ err: error, appInstanceId }, 'a failed start could not be undone completely');
  }
}
