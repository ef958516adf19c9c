/**
 * After a start of the daemon: journal × truth. Each instance that the journal holds for alive is compared with what the kernel,
 * the runtime and the monitor's files say; what lives is adopted, what ended is told, what was half done is undone or finished,
 * and what nobody owns is swept away.
 */
import type { ExitCause } from '../domain/exit.ts';
import type { ContainerId } from '../domain/ids.ts';
import type { State } from '../domain/states.ts';
import { isAlive } from '../domain/states.ts';
import { unhurried } from '../domain/unhurried.ts';
import type { Inspection, Live } from '../ports/engine.ts';
import type { HibernationRecord } from '../ports/journal.ts';
import type { Instance, Step } from './instance.ts';
import type { Instances } from './instances.ts';
import { beAsleep, isUnusable } from './operations/asleep.ts';
import { fallAsleep } from './operations/hibernate.ts';
import { keepMounts } from './operations/mount.ts';
import { pagesOf } from './operations/pages.ts';
import { limitsInForce } from './operations/set-limits.ts';
import { askToEnd, forceEnd } from './operations/terminate-kill.ts';
import { followDisplay } from './operations/follow-display.ts';
import { adoptScreen } from './operations/screen.ts';
import { release, settle } from './operations/settle.ts';
import type { World } from './world.ts';

/** How far a hibernation or a wake had come, as the disk and the engine say. */
export type Sleep = {
  readonly image: boolean;
  /** The dump had succeeded, but the image was not put in its place. */
  readonly dumped: boolean;
  /** A restore did not come to its end; it was stopped, and what it had made is half. */
  readonly interrupted: boolean;
  /** It was awake, and ended only because whoever brought its pages was killed. */
  readonly lostPages: boolean;
  /** The engine keeps the processes of those that sleep: there is no image to be lost. */
  readonly inPlace: boolean;
};

export type Verdict =
  /** It lives, in this state. */
  | { readonly do: 'adopt'; readonly state: State }
  /** Its image is whole: it sleeps. */
  | { readonly do: 'sleep' }
  /** The dump is whole but not an image yet: the hibernation is finished. */
  | { readonly do: 'finish-hibernating' }
  /** It lives and is to end: the operation that was under way is finished. */
  | { readonly do: 'finish-ending' }
  /** It came to an end, or never came to life. */
  | { readonly do: 'settle'; readonly cause?: ExitCause };

/** `sameBoot` false: the machine was restarted, and no process of before can live. */
export type Circumstances = { readonly sameBoot: boolean; readonly sleep: Sleep };

/** Pure: the whole policy. */
export function judge(state: State, inspection: Inspection, { sameBoot, sleep }: Circumstances): Verdict {
  const asleep = state === 'HIBERNATED' || state === 'WAKING' || state === 'HIBERNATING';
  const lives = stateOf(inspection) !== undefined;
  const awake = sameBoot && lives && !sleep.interrupted;
  // an image survives the boot; after an interrupted wake it is there besides the app, and then the app counts
  if (sameBoot && sleep.image && sleep.lostPages) return { do: 'sleep' };
  if (asleep && sleep.image && !(awake && state === 'WAKING')) return { do: 'sleep' };
  if (sameBoot && state === 'HIBERNATING' && sleep.dumped) return { do: 'finish-hibernating' };
  if (state === 'HIBERNATED' && !sleep.inPlace) return { do: 'settle', cause: 'image-lost' };
  if (!sameBoot) return { do: 'settle', cause: 'reboot' };
  if (awake && state === 'TERMINATING') return { do: 'finish-ending' };
  const found = stateOf(inspection);
  if (awake && found !== undefined) return { do: 'adopt', state: found };
  if (state === 'STARTING' && inspection.status !== 'ended') return { do: 'settle', cause: 'start-interrupted' };
  return { do: 'settle' };
}

const LIVING: Readonly<Partial<Record<Inspection['status'], State>>> = {
  running: 'RUNNING',
  frozen: 'SUSPENDED',
  asleep: 'HIBERNATED',
};
/** Of one that lives. */
const stateOf = ({ status }: Inspection): State | undefined => LIVING[status];

/** Ready when every instance has its true state; operations that were under way go on in their queues. `unknown`: of damaged records. */
export async function recover(world: World, instances: Instances, unknown: ReadonlySet<ContainerId>): Promise<void> {
  const all = [...instances];
  await restoreNetworks(world, instances);
  await Promise.all(all.map((instance) => recoverOne(world, instance)));
  await sweep(world, instances, unknown);
  await sweepDrafts(world, instances);
  // whose record cannot be read may run, and what it holds is not known
  if (unknown.size > 0) return;
  await sweepHeld(world, instances);
  await sweepDisplays(world, instances);
}

/** Also for an instance that stays between two states although nothing is at work on it. Never throws. */
export async function recoverOne(world: World, instance: Instance): Promise<void> {
  const { appInstanceId, state } = instance.record;
  if (!isAlive(state)) {
    // not waited for: it may take as long as a hung tool
    void instance.queue.push(() => release(world, instance)).catch(() => undefined);
    return;
  }
  try {
    // looked at and carried out as one: nothing may come in between
    await instance.queue.push(() => findOut(world, instance));
  } catch (error) {
    world.log.error({ err: error, appInstanceId }, 'could not be recovered; it is tried again');
  }
}

async function findOut(world: World, instance: Instance): Promise<void> {
  const { engine, log, settings } = world;
  const { bootId, appInstanceId, state } = instance.record;
  if (!isAlive(state)) return;
  const sameBoot = bootId === settings.bootId;
  // first what a killed daemon left at work is ended, then the truth stands still to be read
  const found = await sleepOf(world, instance, sameBoot);
  const { containerId, live } = instance.record;
  const inspection = await engine.inspect(containerId, live);
  const lostPages = inspection.status === 'ended' && pagesOf(world, instance) === 'lost';
  const verdict = judge(state, inspection, { sameBoot, sleep: { ...found, lostPages } });
  log.info({ appInstanceId, state, found: inspection.status, verdict }, 'recovered');
  await CARRY_OUT[verdict.do](world, instance, { verdict, inspection });
}

async function sleepOf(
  { engine, images, settings }: World,
  { record }: Instance,
  sameBoot: boolean,
): Promise<Omit<Sleep, 'lostPages'>> {
  const { containerId, state, live, hibernation } = record;
  const inPlace = engine.inPlace !== undefined;
  if (hibernation === null) return { image: false, dumped: false, interrupted: false, inPlace };
  const dumping = sameBoot && state === 'HIBERNATING' && live !== null;
  const wait = unhurried(settings.killTimeoutMs);
  const dumped = dumping && (await engine.finishCheckpoint(containerId, { live, from: hibernation.from, ...wait }));
  const interrupted = sameBoot && state === 'WAKING' && (await engine.interruptRestore(containerId, wait));
  const image = await images.find(containerId).then(
    (found) => found !== undefined,
    (error: unknown) => {
      if (!isUnusable(error)) throw error;
      // it is there: the wake will say what is wrong with it
      return true;
    },
  );
  return { image, dumped, interrupted, inPlace };
}

type Sentence = { readonly verdict: Verdict; readonly inspection: Inspection };
type Executor = (world: World, instance: Instance, sentence: Sentence) => Promise<void>;

const CARRY_OUT: Readonly<Record<Verdict['do'], Executor>> = {
  adopt,
  sleep: (world, instance) => beAsleep(world, instance, WHY),
  'finish-hibernating': async (world, instance) => {
    const { hibernation, live } = instance.record;
    if (hibernation === null || live === null) return;
    await fallAsleep(world, { instance, before: hibernation, bytes: 0, begin: performance.now(), phases: {} });
  },
  'finish-ending': (world, instance, { inspection }) => finishEnding(world, instance, liveIn(inspection)),
  settle: async (world, instance, { verdict, inspection }) => {
    const seen = inspection.status === 'ended' ? inspection.ended : { code: null, oom: false };
    const cause = verdict.do === 'settle' ? verdict.cause : undefined;
    await settle(world, instance, { ...seen, ...(cause !== undefined && { cause }) });
  },
};

const liveIn = (inspection: Inspection): Live | null => ('live' in inspection ? inspection.live : null);

const WHY = 'found so after a restart of the daemon';

async function adopt(world: World, instance: Instance, { verdict, inspection }: Sentence): Promise<void> {
  const { engine, images, settings, clock } = world;
  const { startedAt, state: before, containerId, hibernation } = instance.record;
  const live = liveIn(inspection);
  // who asked for them is gone, and a hibernation would not take them along
  await engine.endExecs(containerId);
  await keepLimits(world, instance);
  await keepMounts(world, instance, live);
  let state = verdict.do === 'adopt' ? verdict.state : before;
  const record: Step['record'] = { live, bootId: settings.bootId, startedAt: startedAt ?? clock.now() };
  if (before === 'HIBERNATING') await images.discardDraft(containerId);
  if (before === 'WAKING' && state !== 'HIBERNATED' && hibernation !== null && live !== null) {
    if (hibernation.target === 'SUSPENDED' && state === 'RUNNING') {
      await engine.suspend(containerId, unhurried(settings.freezeTimeoutMs));
      state = 'SUSPENDED';
    }
    Object.assign(record, { hibernation: await wokenMeanwhile(world, instance, { before: hibernation, live }) });
  }
  const started = { type: 'started', pid: live?.init.pid ?? 0 } as const;
  await instance.enter(state, WHY, { record, before: before === 'STARTING' ? [started] : [] });
  if (!(await adoptScreen(world, instance))) followDisplay(world, instance);
}

/** A daemon that was killed may have put limits in force that it has not written. */
async function keepLimits(world: World, { record }: Instance): Promise<void> {
  const { containerId, appInstanceId } = record;
  try {
    await world.engine.setLimits(containerId, { after: limitsInForce(world, record) });
  } catch (error) {
    world.log.warn({ err: error, appInstanceId }, 'the limits of an app that was found are not as they should be');
  }
}

/** The wake came to its end without a daemon: what it took is not known, only when. */
async function wokenMeanwhile(
  { engine, networks, settings, clock }: World,
  { record }: Instance,
  { before, live }: { readonly before: HibernationRecord; readonly live: Live },
) {
  const pages = await engine.finishRestore(record.containerId, {
    live,
    network: networks.wiringOf(record),
    ...unhurried(settings.killTimeoutMs),
  });
  const wokenAt = clock.now();
  const sleptMs = Date.parse(wokenAt) - Date.parse(before.image?.hibernatedAt ?? wokenAt);
  return { ...before, wakes: before.wakes + 1, wake: { ms: 0, phases: {}, wokenAt, sleptMs, pages } };
}

async function finishEnding(world: World, instance: Instance, live: Live | null): Promise<void> {
  await instance.note({ live });
  const { ending } = instance.record;
  const finish = (signal: AbortSignal): Promise<void> =>
    ending === 'killed' || ending === 'oom' ? forceEnd(world, instance, ending) : askToEnd(world, instance, signal);
  // its grace period may be long: the daemon is ready without it
  instance.queue.push(finish).catch((error: unknown) => {
    world.log.error({ err: error, appInstanceId: instance.record.appInstanceId }, 'ending after a restart failed');
  });
}

/** Before the apps are looked at: who has ended gives its lease back, and that must be a lease by then. */
async function restoreNetworks({ networks, settings, log }: World, instances: Instances): Promise<void> {
  const held = [...instances].flatMap(({ record }) => (record.released ? [] : [record]));
  for (const record of held) networks.adopt(record);
  const leasesOf = (records: typeof held) => records.flatMap(({ network }) => network ?? []);
  const awake = held.filter(({ state }) => state !== 'HIBERNATED');
  await networks
    .restore(leasesOf(awake), { held: leasesOf(held), ...unhurried(settings.startTimeoutMs) })
    .catch((error: unknown) => {
      log.error({ err: error }, 'the network of apps could not be made again; it is tried again with the next app');
    });
}

/** Traces of containers that no instance owns. Only this daemon's: engines look below their own directories and groups. */
async function sweep(world: World, instances: Instances, unknown: ReadonlySet<ContainerId>): Promise<void> {
  const { engine, log, settings } = world;
  const left = await engine.leftovers();
  const strays = left.filter((id) => instances.ofContainer(id) === undefined && !unknown.has(id));
  await Promise.all(
    strays.map(async (id) => {
      log.warn({ containerId: id }, 'sweeping a container that nobody owns');
      await engine.remove(id, { known: null, ...unhurried(settings.killTimeoutMs) }).catch((error: unknown) => {
        log.error({ err: error, containerId: id }, 'a stray container could not be removed');
      });
    }),
  );
}

/** What an ended app still holds is given back by itself; what is swept here belongs to nobody. */
async function sweepDisplays({ displays, settings, log }: World, instances: Instances): Promise<void> {
  const owned = [...instances].filter(({ record }) => !record.released).map(({ record }) => record.appInstanceId);
  try {
    const strays = await displays.controls?.sweep(owned, unhurried(settings.killTimeoutMs));
    if ((strays ?? []).length > 0) log.warn({ strays }, 'swept displays that nobody owns');
  } catch (error) {
    log.error({ err: error }, 'stray displays could not be removed');
  }
}

/** A draft that was begun before anything was written of it, and what was being deleted. Images of nobody are only told of: they are memory. */
async function sweepDrafts({ images, log }: World, instances: Instances): Promise<void> {
  for (const id of await images.known()) {
    const instance = instances.ofContainer(id);
    if (instance === undefined) {
      log.warn({ containerId: id }, 'there is an image or a draft of an app that is not known');
    }
    // whoever is still hibernating has its draft to lose
    else if (instance.state !== 'HIBERNATING' && !instance.queue.busy) await images.discardDraft(id);
  }
}

/** Whoever has not given everything back holds its package and its storage still. */
async function sweepHeld({ packages, storage, log }: World, instances: Instances): Promise<void> {
  const holders = [...instances].flatMap(({ record }) =>
    record.released ? [] : [{ appId: record.appId, holder: record.containerId }],
  );
  const sweeps = await Promise.allSettled([
    packages.sweep(new Set(holders.map(({ holder }) => holder))),
    storage.sweep(holders),
  ]);
  for (const swept of sweeps) {
    if (swept.status === 'fulfilled') continue;
    log.error({ err: swept.reason as unknown }, 'mounts that nobody uses could not be given back');
  }
}
