/**
 * Hibernate: the app's memory goes to disk and the app is gone. Nothing is promised before the image is whole, and until then
 * nothing is lost: what fails leaves the app as it was.
 */
import { RuntimeError } from '../../domain/errors.ts';
import type { Finding, Phases } from '../../domain/hibernation.ts';
import { unhurried } from '../../domain/unhurried.ts';
import type { HibernationRecord } from '../../ports/journal.ts';
import type { Instance } from '../instance.ts';
import type { World } from '../world.ts';
import { clear } from './clear.ts';
import { dumpTimeoutMs, NEVER, notHibernated } from './dump-bounds.ts';
import { hibernateInPlace } from './in-place.ts';
import { during, failureOf, liveOf } from './operation.ts';
import { pagesAreIn } from './pages.ts';
import { hideScreen, showScreen } from './screen.ts';
import { settle } from './settle.ts';

export const hibernate = (world: World, instance: Instance, signal: AbortSignal): Promise<void> =>
  during(instance, 'hibernate', async () => {
    const { via = 'HIBERNATING' } = instance.moveFor('hibernate');
    refuseUnwanted(instance);
    const from = instance.state === 'SUSPENDED' ? 'SUSPENDED' : 'RUNNING';
    if (world.engine.inPlace !== undefined) {
      await hibernateInPlace(world, instance, { inPlace: world.engine.inPlace, from, signal });
      return;
    }
    await pagesAreIn(world, instance, { signal, timeoutMs: world.settings.hibernation.timeoutMs });
    // it may have had to be put back to sleep
    instance.moveFor('hibernate');
    const { containerId, hibernation } = instance.record;
    const begin = performance.now();
    refuseBlocked(world, instance);
    const bytes = world.engine.readings(containerId)?.memory.usageBytes ?? 0;
    const besidesBytes = await world.surveys.savedBesidesMemory(world.engine.members(containerId));
    const draft = await world.images.begin(containerId, bytes + besidesBytes);
    const before: HibernationRecord = { ...(hibernation ?? NEVER), from, image: null };
    await instance.enter(via, 'hibernate', { record: { hibernation: before } }).catch(async (error: unknown) => {
      await world.images.discardDraft(containerId);
      throw error;
    });
    const dump = { instance, before, bytes, begin };
    try {
      if (from === 'RUNNING') await hideScreen(world, instance);
      const target = { directory: draft.directory, bytes: bytes + besidesBytes, signal };
      const phases = await world.images.bounded(containerId, () => dumpInto(world, instance, target));
      await fallAsleep(world, { ...dump, phases });
    } catch (error) {
      throw await goBack(world, dump, error);
    }
    if (world.settings.hibernation.durability === 'beforeAnswer') await flush(world, instance, signal);
  });

/** Throws what keeps it from the disk: the app is hibernated all the same, and the flush is tried again in the background. */
async function flush({ images }: World, instance: Instance, signal: AbortSignal): Promise<void> {
  const { containerId, appInstanceId, hibernation } = instance.record;
  const image = await images.harden(containerId, signal).catch((cause: unknown) => {
    throw new RuntimeError(RuntimeError.of(cause).code, {
      what: `${appInstanceId} is hibernated, but its image is not flushed to the disk`,
      next: 'until info says that it is durable a power cut may take it; look at the disk',
      cause,
    });
  });
  if (hibernation !== null) await instance.note({ hibernation: { ...hibernation, image } });
}

function refuseUnwanted({ record }: Instance): void {
  if (record.app.hibernation.enabled) return;
  throw new RuntimeError('NOT_SUPPORTED', {
    what: `${record.appInstanceId} was run with hibernation disabled`,
    next: 'suspend it instead, or run it with hibernation.enabled',
  });
}

/** CRIU would wait for some of these without end. */
function refuseBlocked({ engine, surveys }: World, { record, state }: Instance): void {
  const findings = surveys.blockers(engine.members(record.containerId));
  if (findings.length === 0) return;
  const blocked = new RuntimeError('CHECKPOINT_FAILED', { what: 'it was not tried' });
  throw explained(blocked, { what: `${record.appInstanceId} was not hibernated and is ${state} as before`, findings });
}

type Target = { readonly directory: string; readonly bytes: number; readonly signal: AbortSignal };

function dumpInto(world: World, instance: Instance, { directory, bytes, signal }: Target): Promise<Phases> {
  const { containerId, app } = instance.record;
  return world.engine.checkpoint(
    {
      id: containerId,
      live: liveOf(instance),
      tcp: app.hibernation.tcp,
      imageDirectory: directory,
      failureLog: failureLogOf(world, instance),
    },
    { signal, timeoutMs: dumpTimeoutMs(world, bytes) },
  );
}

export const failureLogOf = ({ logs }: World, { record }: Instance): string => logs.criuLogOf(record.containerId);

type Dump = {
  readonly instance: Instance;
  readonly before: HibernationRecord;
  readonly bytes: number;
  /** performance.now() */
  readonly begin: number;
};

/** The container is gone and its image complete; from the rename on there is no way back. For recovery, too. */
export async function fallAsleep(
  world: World,
  { instance, before, bytes, begin, phases }: Dump & { readonly phases: Phases },
) {
  const { engine, images, settings, clock, log } = world;
  const { appId, appInstanceId, containerId, live } = instance.record;
  const dumped = performance.now();
  const image = await images.commit(containerId, {
    appId,
    appInstanceId,
    containerId,
    engine: engine.name,
    runtime: settings.hibernation.runtime,
    criu: settings.hibernation.criu,
    config: await engine.configOf(containerId),
    hibernatedAt: clock.now(),
  });
  const end = performance.now();
  const dump = { ms: end - begin, phases: { ...phases, image: end - dumped }, freedBytes: bytes };
  await instance.enter('HIBERNATED', 'hibernate', {
    record: { live: null, hibernation: { ...before, image: image.info, dump, failureLog: null } },
  });
  // the app sleeps already; who wants it next waits for this, who asked for the hibernation does not
  instance.queue
    .next(() => clear(world, instance, live))
    .catch((error: unknown) => {
      log.warn({ err: error, appInstanceId }, 'something of a hibernated app could not be removed yet');
    });
}

/** The app is as it was before, or it has ended meanwhile; the error for the caller has the plain reason. */
async function goBack(world: World, { instance, before }: Dump, cause: unknown): Promise<RuntimeError> {
  const { engine, images, surveys } = world;
  const { containerId, appInstanceId } = instance.record;
  const ended = await engine.ended(containerId, liveOf(instance));
  if (ended !== undefined && (await images.find(containerId)) !== undefined) {
    // it sleeps in truth: only what came after the rename failed, and is tried again by the keeper
    return RuntimeError.of(cause);
  }
  if (ended !== undefined && (await wasDumped(world, instance, before))) return unfinished(appInstanceId, cause);
  const failureLog = failureLogOf(world, instance);
  const findings = isOfCriu(cause) ? await surveys.readLog(failureLog) : [];
  const error = explained(cause, { what: notHibernated(appInstanceId, before.from, ended), findings });
  await images.discardDraft(containerId);
  const failure = failureOf('hibernate', error, { ended: ended !== undefined });
  if (ended !== undefined) await settle(world, instance, { ...ended, before: [failure] });
  else {
    const hibernation = { ...before, failureLog: isOfCriu(cause) ? failureLog : before.failureLog };
    await instance.enter(before.from, 'the hibernation failed', { record: { hibernation }, before: [failure] });
    if (before.from === 'RUNNING') await showScreen(world, instance);
  }
  return error;
}

/** Whole, although it could not be made a checkpoint; or it cannot be told yet, and is asked again by the keeper. */
const wasDumped = ({ engine, settings, log }: World, instance: Instance, { from }: HibernationRecord) =>
  engine
    .finishCheckpoint(instance.record.containerId, {
      live: liveOf(instance),
      from,
      ...unhurried(settings.killTimeoutMs),
    })
    .catch((error: unknown) => {
      log.warn({ err: error, appInstanceId: instance.record.appInstanceId }, 'the dump of an app could not be judged');
      return true;
    });

/** It stays HIBERNATING: the keeper finishes it, or the recovery of the next daemon. */
function unfinished(appInstanceId: string, cause: unknown): RuntimeError {
  return new RuntimeError('CHECKPOINT_FAILED', {
    what: `${appInstanceId} was saved, but its hibernation could not be finished yet`,
    next: 'wait: it is tried again every few seconds, and nothing of the app is lost meanwhile',
    cause,
  });
}

/** It names CRIU's log, whatever its code is: a full disk stops CRIU, too. */
export const isOfCriu = (error: unknown): boolean =>
  error instanceof RuntimeError && error.details?.['log'] !== undefined && !INTERRUPTED.has(error.code);

const INTERRUPTED: ReadonlySet<string> = new Set(['TIMED_OUT', 'ABORTED', 'NOT_SUPPORTED']);

type Story = { readonly what: string; readonly findings: readonly Finding[] };

/** Codes that leave the cause to the findings. */
const UNEXPLAINED: ReadonlySet<string> = new Set(['CHECKPOINT_FAILED', 'RESTORE_FAILED']);

/** The first finding is the root cause: its words instead of the tool's, unless the error itself says why. */
export function explained(cause: unknown, { what, findings }: Story): RuntimeError {
  const error = RuntimeError.of(cause);
  const first = UNEXPLAINED.has(error.code) ? findings.find(({ code }) => code !== 'NO_LOG') : undefined;
  return new RuntimeError(first?.code === 'NO_SPACE' ? 'NO_SPACE' : error.code, {
    what,
    next: first?.next ?? error.next,
    details: { ...error.details, ...(findings.length > 0 && { findings }) },
    cause: first === undefined ? error : `${first.what}: ${first.why}`,
  });
}
