/** Wake: the app comes back where it was. Its image stays until it is seen running and has every page. */
import { RuntimeError } from '../../domain/errors.ts';
import type { Limits } from '../../domain/limits.ts';
import { unhurried } from '../../domain/unhurried.ts';
import { startLimits } from '../../spec/limits.ts';
import type { Restored } from '../../ports/engine.ts';
import type { Image } from '../../ports/images.ts';
import type { HibernationRecord } from '../../ports/journal.ts';
import type { OciConfig } from '../../spec/oci-types.ts';
import { appMount } from '../../spec/mounts.ts';
import type { Instance } from '../instance.ts';
import type { World } from '../world.ts';
import { clear } from './clear.ts';
import { dumpTimeoutMs } from './dump-bounds.ts';
import { explained, failureLogOf, isOfCriu } from './hibernate.ts';
import { displayAnswers, takeDisplay } from './displays.ts';
import { givesUp, wakeInPlace } from './in-place.ts';
import { allDone, during, failureOf } from './operation.ts';
import { orderAgain } from './order.ts';
import { showScreen } from './screen.ts';
import { planContainer } from './plan.ts';

export type WakeRequest = { readonly target: 'RUNNING' | 'SUSPENDED'; readonly signal: AbortSignal };

/** In the state that was asked for when it returns; HIBERNATED, with its image, when it throws. */
export const wake = (world: World, instance: Instance, request: WakeRequest): Promise<void> =>
  during(instance, 'wake', async () => {
    const { via = 'WAKING' } = givesUp(world, instance, 'wake') ? {} : instance.moveFor('wake');
    if (world.engine.inPlace !== undefined) {
      await wakeInPlace(world, instance, { inPlace: world.engine.inPlace, ...request });
      return;
    }
    const { containerId } = instance.record;
    const begin = performance.now();
    const hibernation = hibernationOf(instance);
    const timeoutMs = dumpTimeoutMs(world, hibernation.image?.rawBytes ?? 0);
    await world.networks.makeReady(instance.record, { signal: request.signal, timeoutMs });
    const [image, fresh] = await Promise.all([
      world.images.open(containerId, { signal: request.signal, timeoutMs }),
      planAnew(world, instance, request.signal),
    ]);
    refuseForeign(instance, image);
    const config = configFor(instance, image, fresh);
    const limits = startLimits(fresh);
    const opened = performance.now();
    const before: HibernationRecord = { ...hibernation, image: image.info, target: request.target };
    await instance.enter(via, 'wake', { record: { hibernation: before } });
    try {
      await allDone([
        tellTheApp(world, instance, before),
        takeDisplay(world, instance.record, request.signal),
        world.networks.publish(instance.record, { signal: request.signal, timeoutMs }),
      ]);
      await displayAnswers(world, instance.record);
      const restored = await restore(world, instance, { image, config, limits, timeoutMs, signal: request.signal });
      if (request.target === 'SUSPENDED') {
        await world.engine.suspend(containerId, unhurried(world.settings.freezeTimeoutMs));
      }
      await arrive(world, instance, { before, restored, begin, openMs: opened - begin });
      if (request.target === 'RUNNING') await showScreen(world, instance);
    } catch (error) {
      throw await fallBack(world, instance, { cause: error, before });
    }
  });

function hibernationOf({ record }: Instance): HibernationRecord {
  if (record.hibernation !== null) return record.hibernation;
  throw new RuntimeError('INTERNAL', { what: `${record.appInstanceId} is ${record.state} without a hibernation` });
}

/** There before its first instruction; what it is told is when it slept, not when it runs. */
async function tellTheApp(
  { insides, clock }: World,
  { record }: Instance,
  { image, wakes }: HibernationRecord,
): Promise<void> {
  const wokenAt = clock.now();
  const hibernatedAt = image?.hibernatedAt ?? wokenAt;
  const sleptMs = Date.parse(wokenAt) - Date.parse(hibernatedAt);
  await insides.noteWake(record.containerId, { hibernatedAt, wokenAt, sleptMs, wakes: wakes + 1 });
}

function refuseForeign({ record }: Instance, { subject, directory }: Image): void {
  if (subject.appId === record.appId && subject.appInstanceId === record.appInstanceId) return;
  throw new RuntimeError('IMAGE_UNUSABLE', {
    what: `${record.appInstanceId} cannot be woken: the image in its place is that of ${subject.appInstanceId} (app ${subject.appId})`,
    next: `find out who put it there; ${directory} is kept`,
  });
}

type Mounted = {
  readonly root?: { readonly path?: string };
  readonly mounts?: readonly { readonly destination?: string }[];
  readonly linux?: object;
};

/** What a run of it would be now; its directories are there again after a reboot. */
async function planAnew(world: World, { record }: Instance, signal: AbortSignal): Promise<OciConfig> {
  const { appId, containerId, app, uid, gid } = record;
  const [config] = await Promise.all([
    planContainer(world, orderAgain(record), { uid, gid, signal }),
    world.storage.prepare({ appId, uid, gid, holder: containerId, sizeBytes: app.storage.sizeBytes ?? null }),
    world.insides.prepare(containerId),
  ]);
  return config;
}

/**
 * The container as it was dumped, if its root directory is still what it was; else made anew, with the same mounts. Its limits are
 * those of now: they may have been changed while it slept.
 */
function configFor({ record }: Instance, { subject }: Image, planned: OciConfig): object {
  const { appInstanceId } = record;
  const fresh = { ...planned, mounts: [...planned.mounts, ...record.mounts.map(appMount)] };
  const old = subject.config as Mounted;
  if (fresh.root.path === old.root?.path) {
    return { ...old, linux: { ...old.linux, resources: fresh.linux.resources } };
  }
  const [before, now] = [destinations(old), destinations(fresh)];
  const missing = before.filter((one) => !now.includes(one));
  if (missing.length === 0) return fresh;
  throw new RuntimeError('IMAGE_UNUSABLE', {
    what: `${appInstanceId} cannot be woken: its root file system is another one now`,
    next: 'bring the old one back, or terminate the app and run it anew; the image is kept',
    details: { missing },
    cause: `nothing is mounted at ${missing.join(', ')} any more`,
  });
}

const destinations = ({ mounts = [] }: Mounted): readonly string[] =>
  mounts.flatMap(({ destination }) => destination ?? []);

type Restoring = {
  readonly image: Image;
  readonly config: object;
  readonly limits: Limits;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
};

/**
 * With pages on demand CRIU asks the kernel for what an app has only reserved, too, and browsers reserve more than a machine has
 * ("Unable to map ANON_VMA: Cannot allocate memory"): then all pages are brought at once.
 */
async function restore(world: World, instance: Instance, restoring: Restoring): Promise<Restored> {
  const { settings } = world;
  const lazyPages = restoring.image.info.rawBytes > settings.hibernation.lazyPagesAboveBytes;
  try {
    return await restoreWith(world, instance, { ...restoring, lazyPages });
  } catch (error) {
    if (!lazyPages || !isOfCriu(error) || restoring.signal.aborted) throw error;
    world.log.warn({ err: error, appInstanceId: instance.record.appInstanceId }, 'waking with all pages at once');
    await clear(world, instance, null);
    await takeDisplay(world, instance.record, restoring.signal);
    return restoreWith(world, instance, { ...restoring, lazyPages: false });
  }
}

function restoreWith(
  world: World,
  instance: Instance,
  restoring: Restoring & { readonly lazyPages: boolean },
): Promise<Restored> {
  const { image, config, limits, timeoutMs, signal, lazyPages } = restoring;
  const { engine, logs, networks, settings } = world;
  const { containerId, app } = instance.record;
  return engine.restore(
    {
      id: containerId,
      config,
      limits,
      wishes: { network: app.network, ports: app.ports, hostPorts: app.hostPorts },
      displaySocket: null,
      imageDirectory: image.directory,
      lazyPages,
      tcp: app.hibernation.tcp,
      failureLog: failureLogOf(world, instance),
      logFile: logs.fileOf(containerId),
      logMaxBytes: logs.partBytes(settings.logMaxBytes),
      terminal: app.terminal,
      network: networks.wiringOf(instance.record),
    },
    { signal, timeoutMs },
  );
}

type Arrival = {
  readonly before: HibernationRecord;
  readonly restored: Restored;
  /** performance.now() */
  readonly begin: number;
  readonly openMs: number;
};

async function arrive(
  { clock, settings }: World,
  instance: Instance,
  { before, restored, begin, openMs }: Arrival,
): Promise<void> {
  const wokenAt = clock.now();
  const hibernatedAt = before.image?.hibernatedAt ?? wokenAt;
  const figures = {
    ms: performance.now() - begin,
    phases: { open: openMs, ...restored.phases },
    wokenAt,
    sleptMs: Date.parse(wokenAt) - Date.parse(hibernatedAt),
    pages: restored.pages,
  };
  await instance.enter(before.target, 'wake', {
    record: {
      live: restored.live,
      bootId: settings.bootId,
      hibernation: { ...before, wake: figures, wakes: before.wakes + 1, failureLog: null },
    },
  });
}

type Failure = { readonly cause: unknown; readonly before: HibernationRecord };

/** Nothing half-woken stays; the image does. */
async function fallBack(world: World, instance: Instance, { cause, before }: Failure): Promise<RuntimeError> {
  const { appInstanceId } = instance.record;
  const failureLog = failureLogOf(world, instance);
  const ofCriu = isOfCriu(cause);
  const findings = ofCriu ? await world.surveys.readLog(failureLog) : [];
  const error = explained(cause, { what: `${appInstanceId} was not woken; its image is kept`, findings });
  await clear(world, instance, null);
  await instance.enter('HIBERNATED', 'the wake failed', {
    record: { live: null, hibernation: { ...before, failureLog: ofCriu ? failureLog : before.failureLog } },
    before: [failureOf('wake', error, { ended: false })],
  });
  return error;
}
