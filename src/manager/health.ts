/** What is wrong now: of the device, of operations that came to nothing, and of each instance. */
import type { DeviceProblem, Health, Problem, Resources } from '../domain/health.ts';
import type { AppId, AppInstanceId } from '../domain/ids.ts';
import { failureStory, hasEndedBadly, problemsOf } from '../domain/problems.ts';
import { SET_UP } from '../domain/set-up.ts';
import { formatSize } from '../domain/size.ts';
import { isAlive } from '../domain/states.ts';
import type { Damaged } from './damaged.ts';
import type { Instances } from './instances.ts';
import type { Trouble, Troubles } from './troubles.ts';
import type { Views } from './views.ts';
import type { World } from './world.ts';

type House = {
  readonly world: World;
  readonly instances: Instances;
  readonly views: Views;
  readonly troubles: Troubles;
  readonly damaged: Damaged;
};

/** So many events back is looked for what happened to an instance last: each has its own, whatever others do. */
const EVENTS_READ = 32;
const LOW_DISK_BYTES = 256 * 2 ** 20;
/** Of a budget. */
const NEARLY_ALL = 0.9;

export async function resourcesOf({ images, userIds }: World): Promise<Resources> {
  return { images: await images.use(), userIds: userIds.use() };
}

export async function healthOf(house: House): Promise<Health> {
  const { world } = house;
  const resources = await resourcesOf(world);
  const own = await ofInstances(house);
  const known = new Set(own.map(({ code, appInstanceId }) => `${code} ${appInstanceId ?? ''}`));
  const troubles = ofTroubles(house).filter(({ code, appInstanceId }) => !known.has(`${code} ${appInstanceId ?? ''}`));
  const problems = [...ofDevice(world, resources), ...house.damaged.problems, ...troubles, ...own];
  return { problems: problems.toSorted((one, other) => rank(one) - rank(other)), resources };
}

const rank = ({ state }: Problem): number => (state === 'fail' ? 0 : 1);

async function ofInstances({ world, instances, views }: House): Promise<readonly Problem[]> {
  const nowMs = Date.parse(world.clock.now());
  const found: Problem[] = [];
  for (const instance of instances) {
    const { appInstanceId, exit } = instance.record;
    // hundreds of ended ones are remembered
    if (!isAlive(instance.state) && (exit === null || !hasEndedBadly(exit, nowMs))) continue;
    const { events } = await world.journal.events({ since: 0, limit: EVENTS_READ, appInstanceId, newest: true });
    found.push(...problemsOf({ info: views.infoOf(instance), events, nowMs }));
  }
  return found;
}

/** Whose subject has gone on since, or is no longer there, is over. */
function ofTroubles({ world, instances, troubles }: House): readonly Problem[] {
  const nowMs = Date.parse(world.clock.now());
  return troubles.all.flatMap((trouble) => {
    const id = trouble.appInstanceId as AppInstanceId;
    const instance = instances.find(id);
    if (isOver(trouble, instance?.state, nowMs)) return [];
    const appId = instance?.record.appId ?? (trouble.appId as AppId | undefined) ?? null;
    const appInstanceId = trouble.appInstanceId === '' ? null : id;
    const name = appInstanceId ?? appId ?? 'an app';
    const story = failureStory(`${trouble.operation} of ${name}`, trouble.error, trouble.at);
    return [{ ...story, appId, appInstanceId }];
  });
}

/** Nobody has tried again since. */
const REMEMBERED_MS = 3_600_000;

function isOver({ operation, at }: Trouble, state: string | undefined, nowMs: number): boolean {
  if (nowMs - Date.parse(at) > REMEMBERED_MS) return true;
  if (operation === 'run') return state !== undefined && state !== 'TERMINATED';
  return state === undefined || state === 'TERMINATED' || (operation === 'wake' && state !== 'HIBERNATED');
}

type Shortage = Omit<DeviceProblem, 'since'>;

function ofDevice(world: World, { images, userIds }: Resources): readonly Problem[] {
  const { engine, settings, places, deviceProblems } = world;
  const short: readonly (Shortage | undefined)[] = [
    // an engine that hibernates in place does it without
    engine.inPlace === undefined && settings.hibernation.criu === '' ? NO_CRIU : undefined,
    lowDisk(images),
    fullBudget(images),
    fewUserIds(userIds),
  ];
  const found = short.flatMap((one) => (one === undefined ? [] : [{ ...one, since: null }]));
  return [...found, ...places.problems(), ...deviceProblems()].map(ofNoApp);
}

const ofNoApp = (problem: DeviceProblem): Problem => ({ ...problem, appId: null, appInstanceId: null });

const NO_CRIU: Shortage = {
  code: 'NO_CRIU',
  state: 'warn',
  what: 'nothing can be hibernated: there is no criu',
  why: 'the daemon has not found it among its tools, nor in PATH',
  next: `install CRIU (${SET_UP}), or name its directory as \`tools\` in the configuration, and restart the daemon`,
};

function lowDisk({ freeBytes }: Resources['images']): Shortage | undefined {
  if (freeBytes >= LOW_DISK_BYTES) return undefined;
  return {
    code: 'LOW_DISK',
    state: freeBytes < LOW_DISK_BYTES / 16 ? 'fail' : 'warn',
    what: `the disk of the state directory has ${formatSize(freeBytes)} free`,
    why: 'apps are not hibernated, and at last not even started, when it is full (NO_SPACE)',
    next: 'make room on it: wake or terminate what sleeps (runtimectl ps), empty storage that nobody needs (runtimectl storage ls)',
  };
}

function fullBudget({ sizeBytes, budgetBytes }: Resources['images']): Shortage | undefined {
  if (sizeBytes < budgetBytes * NEARLY_ALL) return undefined;
  return {
    code: 'IMAGE_BUDGET',
    state: 'warn',
    what: `the images take ${formatSize(sizeBytes)} of the ${formatSize(budgetBytes)} that all of them may take`,
    why: 'the next hibernations are refused (NO_SPACE)',
    next: 'raise hibernation.budgetBytes in the configuration, or wake or terminate what sleeps (runtimectl ps)',
  };
}

function fewUserIds({ taken, total, inUse }: Resources['userIds']): Shortage | undefined {
  if (taken < total * NEARLY_ALL) return undefined;
  const left = total - taken;
  return {
    code: 'USER_IDS_EXHAUSTED',
    state: inUse >= total ? 'fail' : 'warn',
    what: `${left === 0 ? 'none' : String(left)} of the ${total} user ids for apps ${left === 1 ? 'is' : 'are'} left`,
    why: `${inUse} belong to apps that have an instance, ${taken - inUse} to apps that had one; the latter go to new apps when their grace period is over and they have no storage`,
    next: 'delete the storage of apps that are gone (runtimectl storage ls, runtimectl storage delete APP), or widen userIds in the configuration',
  };
}
