/** The manager: what callers may ask, as the server's table of methods wants it. */
import type { MethodParams, MethodResults } from '../domain/api.ts';
import { RuntimeError } from '../domain/errors.ts';
import type { Origin } from '../domain/events.ts';
import { appInstanceId, type AppInstanceId } from '../domain/ids.ts';
import { isAlive } from '../domain/states.ts';
import { VERSION } from '../domain/version.ts';
import { wakeTargetOf } from '../domain/wake-target.ts';
import type { Listener } from './announcer.ts';
import { Damaged } from './damaged.ts';
import type { ExecCall } from './execs.ts';
import { healthOf, resourcesOf } from './health.ts';
import { Instance } from './instance.ts';
import { Instances } from './instances.ts';
import { isolate } from './isolate.ts';
import { Keeper } from './keeper.ts';
import { liveMethods } from './live-methods.ts';
import { givingUp, type Work } from './giving-up.ts';
import { readOrder } from './operations/order.ts';
import { newRecord, run } from './operations/run.ts';
import { explain } from './operations/explain.ts';
import { generateSpec } from './operations/generate-spec.ts';
import { hibernate } from './operations/hibernate.ts';
import { askedBy, overtaken } from './operations/operation.ts';
import { openView, viewAddress } from './operations/live-view.ts';
import { readLog } from './operations/read-log.ts';
import { screenshot } from './operations/screen.ts';
import { resume, suspend } from './operations/suspend-resume.ts';
import { kill, terminate } from './operations/terminate-kill.ts';
import { wake, type WakeRequest } from './operations/wake.ts';
import { recover } from './recovery.ts';
import { isPending } from './restarts.ts';
import { watchScreens } from './screen-events.ts';
import { ScreenStack } from './screen-stack.ts';
import { Sleepers } from './sleepers.ts';
import { Troubles } from './troubles.ts';
import { clearStorage, deleteStorage, listStorage, repairStorage } from './storage-methods.ts';
import { listImages, listPackages, prunePackages } from './store-methods.ts';
import { views, type Views } from './views.ts';
import type { World } from './world.ts';

/** For an engine that is a daemon of its own and may hang. */
const ENGINE_ANSWER_MS = 5000;

type Call = ExecCall & { readonly signal: AbortSignal; readonly origin?: Origin | undefined };
type One = { readonly appInstanceId: string };
type House = {
  readonly world: World;
  readonly instances: Instances;
  readonly keeper: Keeper;
  readonly screens: ScreenStack;
  readonly sleepers: Sleepers;
  readonly views: Views;
  readonly troubles: Troubles;
  readonly damaged: Damaged;
};

export type Manager = ReturnType<typeof methods> & AsyncDisposable & { readonly endAllApps: () => Promise<void> };

/** Recovers what an earlier daemon left; ready to serve when it returns. */
export async function startManager(
  world: World,
  remembered: Awaited<ReturnType<World['journal']['load']>>,
): Promise<Manager> {
  const instances = new Instances();
  for (const record of remembered.instances) {
    instances.add(new Instance(world.announcer, record, true));
    const lease = remembered.userIds.find((one) => one.appId === record.appId);
    if (!record.released && lease !== undefined) world.userIds.adopt(lease);
  }
  const sleepers = new Sleepers(world);
  const keeper = new Keeper(world, instances, (instance) => {
    sleepers.tend(instance);
  });
  const watch = watchScreens(world, instances);
  const damaged = new Damaged(world, remembered.damaged);
  await recover(world, instances, damaged.containers);
  for (const instance of instances) if (instance.state === 'HIBERNATED') sleepers.tend(instance);
  const [screens, troubles] = [new ScreenStack(world, instances), new Troubles(world.clock.now)];
  const house = { world, instances, keeper, sleepers, screens, views: views(world, screens), troubles, damaged };
  return {
    ...methods(house),
    endAllApps: () => endAllApps(house),
    [Symbol.asyncDispose]: async () => {
      watch[Symbol.dispose]();
      screens[Symbol.dispose]();
      await sleepers[Symbol.asyncDispose]();
      await keeper[Symbol.asyncDispose]();
    },
  };
}

const DONE = { already: false } as const;

function operations(house: House) {
  const { world, instances, sleepers } = house;
  /** In the instance's queue, and told with the name of who asked. */
  const queued =
    <Result>(work: Work<Result>) =>
    async (params: One, call: Call): Promise<Result> => {
      const instance = instances.get(appInstanceId(params.appInstanceId));
      return instance.queue.push((signal) => askedBy(instance, call, () => work(instance, signal)));
    };
  return {
    run: (params: MethodParams<'run'>, call: Call) => admitRun(house, params, call),
    suspend: queued(async (instance, signal) => {
      await suspend(world, instance, signal);
      return DONE;
    }),
    resume: queued(async (instance, signal) => {
      await resume(world, instance, signal);
      return DONE;
    }),
    hibernate: queued(async (instance, signal) => {
      await hibernate(world, instance, signal);
      sleepers.tend(instance);
      return DONE;
    }),
    wake: (params: MethodParams<'wake'>, call: Call) => {
      const target = wakeTargetOf(params, world.settings.wakeTarget);
      return givingUp(house, 'wake', async (instance, signal) => {
        await wakeUp(house, instance, { target, signal });
        return DONE;
      })(params, call);
    },
    terminate: givingUp(house, 'terminate', async (instance, signal) => ({
      already: await end(house, instance, signal),
    })),
    kill: (params: One, call: Call) => overtakingKill(house, params, call),
  };
}

type Operations = ReturnType<typeof operations>;

function watchedOperations(house: House): Operations {
  const works = operations(house);
  const { troubles, damaged } = house;
  return {
    run: troubles.watched('run', damaged.refusing(works.run)),
    suspend: troubles.watched('suspend', works.suspend),
    resume: troubles.watched('resume', works.resume),
    hibernate: troubles.watched('hibernate', works.hibernate),
    wake: troubles.watched('wake', works.wake),
    terminate: troubles.watched('terminate', works.terminate),
    kill: troubles.watched('kill', damaged.ending(works.kill)),
  };
}

function methods(house: House) {
  const { world, instances } = house;
  return {
    ...watchedOperations(house),
    ...liveMethods(world, house),
    explainHibernation: (params: One) => explain(world, instances.get(appInstanceId(params.appInstanceId))),
    getInfo: (params: One) => Promise.resolve(house.views.infoOf(instances.get(appInstanceId(params.appInstanceId)))),
    generateSpec: (params: MethodParams<'generateSpec'>, { signal }: Call) =>
      generateSpec(world, { instances, signal }, params),
    list: (params: MethodParams<'list'>) => list(house, params),
    getLogs: (params: MethodParams<'getLogs'>, { signal }: Call) =>
      readLog(world, instances.get(appInstanceId(params.appInstanceId)), { ...params, signal }),
    getScreenshot: (params: One, { signal }: Call) =>
      screenshot(world, instances.get(appInstanceId(params.appInstanceId)), signal),
    getView: async (params: One) => viewAddress(world, instances.get(appInstanceId(params.appInstanceId))),
    openView: async (id: string, signal: AbortSignal) => openView(world, instances.get(appInstanceId(id)), signal),
    getEvents: (params: MethodParams<'getEvents'>) =>
      world.journal.events({
        since: params.since,
        limit: params.limit,
        ...(params.appInstanceId !== undefined && { appInstanceId: appInstanceId(params.appInstanceId) }),
      }),
    getHealth: () => healthOf(house),
    resources: () => resourcesOf(world),
    listStorage: () => listStorage(world),
    clearStorage: (params: MethodParams<'clearStorage'>) => clearStorage(world, params),
    repairStorage: (params: MethodParams<'repairStorage'>) => repairStorage(world, params),
    deleteStorage: (params: MethodParams<'deleteStorage'>) => deleteStorage(world, params),
    listImages: () => listImages(world, instances),
    listPackages: () => listPackages(world, instances),
    prunePackages: () => prunePackages(world),
    getEngine: (_: unknown, { signal }: Call) => world.engine.report({ signal, timeoutMs: ENGINE_ANSWER_MS }),
    version: () =>
      Promise.resolve({
        version: VERSION,
        engine: world.engine.name,
        runtime: world.engine.runtimeName,
        pid: process.pid,
        root: world.settings.root,
        url: world.settings.webAddress(),
      }),
    isolate: (id: AppInstanceId, thrown: unknown) => isolate(house, id, thrown),
    subscribe: (listener: Listener) => world.announcer.subscribe(listener),
  };
}

/** A living instance is not touched by a second run: it is refused before anything is queued. */
async function admitRun(house: House, params: MethodParams<'run'>, call: Call): Promise<MethodResults['run']> {
  const { world, instances, keeper } = house;
  const order = await readOrder(world, params);
  const known = instances.find(order.appInstanceId);
  if (known?.taken === true) throw stillThere(known);
  const instance =
    known ?? new Instance(world.announcer, { ...newRecord(world, order, { uid: 0, gid: 0 }), released: true });
  instance.claimed = true;
  instances.add(instance);
  try {
    await instance.queue.push((signal) => askedBy(instance, call, () => run(world, instance, { order, signal })));
  } finally {
    instance.claimed = false;
    // refused before it began: nothing is to be remembered of it
    if (known === undefined && instance.record.exit === null && !isAlive(instance.state)) instances.drop(instance);
    forgetOldest(house);
  }
  // it may have ended before anybody knew whom to watch
  keeper.check(instance);
  return { appInstanceId: order.appInstanceId };
}

const stillThere = (instance: Instance): RuntimeError =>
  new RuntimeError('ALREADY_EXISTS', {
    what: `the instance ${instance.record.appInstanceId} is ${instance.state} and was not touched`,
    next: 'give another appInstanceId, or terminate this one first',
    details: { state: instance.state },
  });

/** Nobody else may work on the image meanwhile. */
async function wakeUp({ world, sleepers, keeper }: House, instance: Instance, request: WakeRequest): Promise<void> {
  await sleepers.leave(instance);
  try {
    await wake(world, instance, request);
  } finally {
    if (instance.state === 'HIBERNATED') sleepers.tend(instance);
  }
  keeper.check(instance);
}

async function end({ world, sleepers }: House, instance: Instance, signal: AbortSignal): Promise<boolean> {
  await sleepers.leave(instance);
  return terminate(world, instance, signal);
}

async function overtakingKill(house: House, params: One, call: Call): Promise<MethodResults['kill']> {
  const { world, instances, sleepers } = house;
  const instance = instances.get(appInstanceId(params.appInstanceId));
  // an operation that is overtaken may end the app on its way out: that was this kill's doing
  const { taken } = instance;
  const already = await instance.queue.overtake(overtaken('kill', instance), () =>
    askedBy(instance, call, async () => {
      await sleepers.leave(instance);
      return kill(world, instance);
    }),
  );
  return { already: already && !taken };
}

async function list(
  { instances, views: { summaryOf } }: House,
  { all }: MethodParams<'list'>,
): Promise<MethodResults['list']> {
  const shown = [...instances].filter((instance) => all || isAlive(instance.state));
  const summaries: MethodResults['list'][number][] = [];
  for (const instance of shown) {
    summaries.push(summaryOf(instance));
    // each costs some reads of kernel files: hundreds of them must not hold up the others' calls
    if (summaries.length % 16 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  return summaries;
}

/** The history of ended instances is bounded; who ended first goes first, with its log. */
function forgetOldest({ world, instances }: House): void {
  const ended = [...instances].filter(
    ({ record, taken }) => !taken && record.released && record.exit !== null && !isPending(record),
  );
  const excess = ended.length - world.settings.keepEnded;
  if (excess <= 0) return;
  const oldest = ended
    .sort((one, other) => ((one.record.exit?.at ?? '') < (other.record.exit?.at ?? '') ? -1 : 1))
    .slice(0, excess);
  const forgotten: AppInstanceId[] = oldest.map(({ record }) => record.appInstanceId);
  for (const instance of oldest) instances.drop(instance);
  const removals = oldest.map(({ record }) => world.logs.remove(record.containerId));
  Promise.all([...removals, world.announcer.commit({ forgotten })]).catch((error: unknown) => {
    world.log.warn({ err: error }, 'old history could not be removed');
  });
}

async function endAllApps(house: House): Promise<void> {
  const { world, instances } = house;
  const living = [...instances].filter(({ record, taken }) => taken || isPending(record));
  const outcomes = await Promise.allSettled(
    living.map((instance) =>
      instance.queue.push((signal) =>
        askedBy(instance, { by: 'the end of the daemon' }, () => end(house, instance, signal)),
      ),
    ),
  );
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') world.log.error({ err: outcome.reason as unknown }, 'an app could not be ended');
  }
}
