/**
 * After a start of the daemon: journal × truth. Each instance that the journal holds for alive is compared with what the kernel,
 * the runtime and the monitor's files say; what lives is adopted, what ended is told, what was half done is undone or finished,
 * and what nobody owns is swept away.
 */
import type { ExitCause } from '../domain/exit.ts';
import type { State } from '../domain/states.ts';
import { isAlive } from '../domain/states.ts';
import type { Inspection } from '../ports/engine.ts';
import type { Instance } from './instance.ts';
import type { Instances } from './instances.ts';
import { askToEnd, forceEnd } from './operations/terminate-kill.ts';
import { release, settle } from './operations/settle.ts';
import { unhurried } from './operations/operation.ts';
import type { World } from './world.ts';

export type Verdict =
  /** It lives, in this state. */
  | { readonly do: 'adopt'; readonly state: State }
  /** It lives and is to end: the operation that was under way is finished. */
  | { readonly do: 'finish-ending' }
  /** It came to an end, or never came to life. */
  | { readonly do: 'settle'; readonly cause?: ExitCause };

/** Pure: the whole policy. `sameBoot` false: the machine was restarted, and nothing of before can live. */
export function judge(state: State, inspection: Inspection, sameBoot: boolean): Verdict {
  if (!sameBoot) return { do: 'settle', cause: 'reboot' };
  const lives = inspection.status === 'running' || inspection.status === 'frozen';
  if (lives && state === 'TERMINATING') return { do: 'finish-ending' };
  if (lives) return { do: 'adopt', state: inspection.status === 'frozen' ? 'SUSPENDED' : 'RUNNING' };
  if (state === 'STARTING' && inspection.status !== 'ended') return { do: 'settle', cause: 'start-interrupted' };
  return { do: 'settle' };
}

/** Ready when every instance has its true state; operations that were under way go on in their queues. */
export async function recover(world: World, instances: Instances): Promise<void> {
  const all = [...instances];
  await Promise.all(all.map((instance) => recoverOne(world, instance)));
  await sweep(world, instances);
}

async function recoverOne(world: World, instance: Instance): Promise<void> {
  const { engine, log, settings } = world;
  const { containerId, live, bootId, appInstanceId, state } = instance.record;
  if (!isAlive(state)) {
    // not waited for: it may take as long as a hung tool
    void instance.queue.push(() => release(world, instance));
    return;
  }
  try {
    const inspection = await engine.inspect(containerId, live);
    const verdict = judge(state, inspection, bootId === settings.bootId);
    log.info({ appInstanceId, state, found: inspection.status, verdict }, 'recovered');
    await instance.queue.push((signal) => carryOut(world, instance, { verdict, inspection, signal }));
  } catch (error) {
    log.error({ err: error, appInstanceId }, 'could not be recovered; it is tried again');
  }
}

type Sentence = { readonly verdict: Verdict; readonly inspection: Inspection; readonly signal: AbortSignal };

async function carryOut(world: World, instance: Instance, { verdict, inspection, signal }: Sentence): Promise<void> {
  const lives = inspection.status === 'running' || inspection.status === 'frozen' ? inspection.live : null;
  if (verdict.do === 'adopt') {
    const { startedAt } = instance.record;
    const started = { type: 'started', pid: lives?.init.pid ?? 0 } as const;
    await instance.enter(verdict.state, 'found so after a restart of the daemon', {
      record: { live: lives, startedAt: startedAt ?? world.clock.now() },
      before: instance.state === 'STARTING' ? [started] : [],
    });
    return;
  }
  if (verdict.do === 'finish-ending') {
    await instance.note({ live: lives });
    const finish = (more: AbortSignal): Promise<void> =>
      instance.record.ending === 'killed' ? forceEnd(world, instance) : askToEnd(world, instance, more);
    // its grace period may be long: the daemon is ready without it
    instance.queue.push(finish).catch((error: unknown) => {
      world.log.error({ err: error, appInstanceId: instance.record.appInstanceId }, 'ending after a restart failed');
    });
    return;
  }
  signal.throwIfAborted();
  const seen = inspection.status === 'ended' ? inspection.ended : { code: null, oom: false };
  await settle(world, instance, { ...seen, ...(verdict.cause !== undefined && { cause: verdict.cause }) });
}

/** Traces of containers that no instance owns. Only this daemon's: engines look below their own directories and groups. */
async function sweep(world: World, instances: Instances): Promise<void> {
  const { engine, log, settings } = world;
  const strays = (await engine.leftovers()).filter((id) => instances.ofContainer(id) === undefined);
  await Promise.all(
    strays.map(async (id) => {
      log.warn({ containerId: id }, 'sweeping a container that nobody owns');
      await engine.remove(id, { known: null, ...unhurried(settings.killTimeoutMs) }).catch((error: unknown) => {
        log.error({ err: error, containerId: id }, 'a stray container could not be removed');
      });
    }),
  );
}
