/** The two ways to end an app. Neither needs the OCI runtime, so a hung runtime cannot keep an app alive. */
import { RuntimeError } from '../../domain/errors.ts';
import type { ExitCause } from '../../domain/exit.ts';
import { isAlreadySo, type State } from '../../domain/states.ts';
import { unhurried } from '../../domain/unhurried.ts';
import type { Instance } from '../instance.ts';
import type { World } from '../world.ts';
import { givesUp } from './in-place.ts';
import { during, endWithin, failureOf, liveOf } from './operation.ts';
import { cancelRestart } from './restart.ts';
import { release, settle } from './settle.ts';

/** SIGTERM, the grace period, then SIGKILL. A kill that overtakes it ends the grace period. True when it was so already. */
export const terminate = (world: World, instance: Instance, signal: AbortSignal): Promise<boolean> =>
  during(instance, 'terminate', async () => {
    if (isAlreadySo(instance.state, 'terminate')) return alreadyEnded(world, instance, 'terminate');
    const { via = 'TERMINATING' } = givesUp(world, instance, 'terminate') ? {} : instance.moveFor('terminate');
    await announceEnding(world, instance, { via, ending: 'terminated', why: 'terminate' });
    if (instance.record.live === null) await endAsleep(world, instance);
    else await askToEnd(world, instance, signal);
    return false;
  });

/** For recovery too: the instance is TERMINATING and may or may not have been asked before. */
export async function askToEnd(world: World, instance: Instance, signal: AbortSignal): Promise<void> {
  const { engine, settings } = world;
  const { containerId, app } = instance.record;
  await engine.terminate(containerId, liveOf(instance));
  const end = await endWithin(instance, { signal, timeoutMs: app.terminateGraceMs ?? settings.terminateGraceMs });
  if (end !== undefined) await settle(world, instance, end);
  else await forceEnd(world, instance);
}

/** A process of it was killed for memory: what is left is no whole app. Only cgroup v1 leaves that to us (v2: memory.oom.group). */
export const endForMemory = (world: World, instance: Instance): Promise<void> =>
  during(instance, 'kill', async () => {
    if (instance.state === 'RUNNING' || instance.state === 'SUSPENDED') await forceEnd(world, instance, 'oom');
  });

const FORCED = { killed: 'kill', oom: 'the kernel has killed a process of it for memory' } as const;
export type Forced = keyof typeof FORCED;

/** SIGKILL to everything in it, from any state. True when it was so already. */
export const kill = (world: World, instance: Instance): Promise<boolean> =>
  during(instance, 'kill', async () => {
    if (isAlreadySo(instance.state, 'kill')) return alreadyEnded(world, instance, 'kill');
    instance.moveFor('kill');
    await forceEnd(world, instance);
    return false;
  });

/** `ending`: why, as its exit will say. */
export async function forceEnd(world: World, instance: Instance, ending: Forced = 'killed'): Promise<void> {
  const { engine, settings } = world;
  await announceEnding(world, instance, { via: 'TERMINATING', ending, why: FORCED[ending] });
  if (instance.record.live === null) {
    await endAsleep(world, instance);
    return;
  }
  await engine.kill(instance.record.containerId, instance.record.live);
  const end = await endWithin(instance, unhurried(settings.killTimeoutMs));
  if (end === undefined) throw await notKilled(world, instance);
  await settle(world, instance, end);
}

async function notKilled({ settings, log }: World, instance: Instance): Promise<RuntimeError> {
  const { appInstanceId } = instance.record;
  const error = new RuntimeError('KILL_FAILED', {
    what: `${appInstanceId} is still there ${settings.killTimeoutMs} ms after SIGKILL`,
    next: 'look at its processes with ps: one in state D waits for the kernel; its end will be told when it comes',
  });
  const after = [failureOf('kill', error, { ended: false })];
  await instance.enter(instance.state, '', { after }).catch((fault: unknown) => {
    log.error({ err: fault, appInstanceId }, 'a kill that failed could not be written to the history');
  });
  return error;
}

type Ending = { readonly via: State; readonly ending: ExitCause; readonly why: string };

/** A full disk must not keep an app alive; its end is written when there is room again. */
export async function announceEnding({ log }: World, instance: Instance, { via, ending, why }: Ending): Promise<void> {
  await instance.enter(via, why, { record: { ending } }).catch((error: unknown) => {
    if (!(error instanceof RuntimeError && error.code === 'NO_SPACE')) throw error;
    log.error({ err: error, appInstanceId: instance.record.appInstanceId }, 'ending an app without a written intent');
  });
}

/** A hibernated app has no process: its end is that of its image. */
async function endAsleep(world: World, instance: Instance): Promise<void> {
  const end = { code: null, oom: false };
  try {
    await settle(world, instance, end);
  } catch (error) {
    if (!(error instanceof RuntimeError && error.code === 'NO_SPACE')) throw error;
    // its image is what fills the disk, and it was to go anyway
    await world.images.remove(instance.record.containerId);
    await settle(world, instance, end);
  }
}

/** The answer to "end it" also means "it stays so, and everything is given back". */
async function alreadyEnded(world: World, instance: Instance, why: string): Promise<boolean> {
  const wasPending = await cancelRestart(instance, why);
  await release(world, instance);
  return !wasPending;
}
