/** A small app that an engine hibernates in place and wakes: the only proof that it can. */
import { appSchema, type App } from '../domain/app.ts';
import { RuntimeError } from '../domain/errors.ts';
import type { ContainerId } from '../domain/ids.ts';
import { unhurried } from '../domain/unhurried.ts';
import type { Ended, Engine, InPlace, Live, StartOrder } from '../ports/engine.ts';
import type { Wait } from '../ports/wait.ts';
import { systemClock } from '../adapters/process/clock.ts';
import { describeApp } from '../spec/described.ts';
import { dobbySpec } from '../spec/dobby/spec.ts';
import { NO_PLATFORM } from '../spec/platform/platform.ts';
import { trialOrder, type TrialOptions } from './trial.ts';

const TIMEOUT_MS = 60_000;
/** The word of an end comes after the end. */
const WORD_MS = 2000;
const POLL_MS = 20;
/** Of a user in a Dobby spec. */
const MOST_ID = 65_534;
/** A network of its own, as apps have; a memory limit, without which Dobby takes no spec. */
const APP = appSchema.parse({
  rootfs: { host: true },
  args: ['/bin/sleep', '1000'],
  limits: { memoryBytes: 2 ** 26 },
});

type Options = TrialOptions & { readonly cores: number };
type Subject = { readonly id: ContainerId; readonly signal: AbortSignal };

/** Throws with the reason in plain words. */
export const tryInPlace =
  (options: Options) =>
  async (engine: Engine & { readonly inPlace: InPlace }, { id, signal }: Subject): Promise<void> => {
    signal.throwIfAborted();
    const wait = { signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]), timeoutMs: TIMEOUT_MS };
    let live: Live | null = null;
    try {
      live = await engine.start(await orderFor(options, { engine, id, app: APP }), wait).catch(notStarted);
      await sleepAndWake(engine, { id, live, wait });
    } finally {
      // also when it was stopped
      if (live !== null) await engine.kill(id, live);
      await engine.remove(id, { known: live, ...unhurried(TIMEOUT_MS) });
      await options.insides.remove(id);
    }
  };

/** No verdict on hibernation. */
function notStarted(cause: unknown): never {
  throw new RuntimeError('ENGINE_UNAVAILABLE', {
    what: 'a small app, to try a hibernation with, could not be started',
    next: RuntimeError.of(cause).next,
    cause,
  });
}

type Order = { readonly engine: Engine; readonly id: ContainerId; readonly app: App };

async function orderFor(options: Options, order: Order): Promise<StartOrder> {
  const { engine, id, app } = order;
  const oci = await trialOrder(options, order);
  if ((await engine.format()) === 'oci') return oci;
  const { cores, runDirectory } = options;
  const uid = Math.min(options.uid, MOST_ID);
  const { spec } = dobbySpec({
    ...{ described: describeApp(app, NO_PLATFORM), appId: 'trial', appInstanceId: id },
    ...{
      identity: { uid, gid: uid },
      storage: `${runDirectory}/trial/data`,
      hasDisplay: false,
      rialtoSocket: null,
      cores,
    },
  });
  return { ...oci, config: spec };
}

type Sleeping = { readonly id: ContainerId; readonly live: Live; readonly wait: Wait };

async function sleepAndWake(engine: Engine & { readonly inPlace: InPlace }, { id, live, wait }: Sleeping) {
  const { hibernate, wake } = engine.inPlace;
  try {
    await hibernate(id, { live, from: 'RUNNING', ...wait });
    await wake(id, { live, ...wait });
  } catch (error) {
    const end = await endSoon(engine, id, live);
    throw end === undefined ? error : killed(end, error);
  }
  const end = await engine.ended(id, live);
  if (end !== undefined) throw killed(end);
}

async function endSoon(engine: Engine, id: ContainerId, live: Live): Promise<Ended | undefined> {
  const deadline = performance.now() + WORD_MS;
  for (;;) {
    const end = await engine.ended(id, live);
    if (end !== undefined || performance.now() > deadline) return end;
    await systemClock.sleep(POLL_MS);
  }
}

/** memcr kills what it cannot save (memcr.c, checkpoint_worker). */
const killed = ({ code }: Ended, cause?: unknown): RuntimeError =>
  new RuntimeError('CHECKPOINT_FAILED', {
    what: `the hibernation of a small app ended it (exit code ${code ?? 'unknown'})`,
    next: 'start memcr with -N (docs/dobby.md): without it, it does not reach an app that has a network namespace of its own, and kills it; its log says more',
    cause,
  });
