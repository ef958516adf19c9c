/** Pausing, asking to end, and ending. Dobby signals neither a pause nor a resume: its answers count, and its state where they fail. */
import { RuntimeError } from '../../domain/errors.ts';
import type { ErrorCode } from '../../domain/errors.ts';
import type { ContainerId } from '../../domain/ids.ts';
import { unhurried } from '../../domain/unhurried.ts';
import type { Live } from '../../ports/engine.ts';
import type { Wait } from '../../ports/wait.ts';
import type { DobbyState, Target } from './calls.ts';
import { dobbyId } from './ids.ts';
import type { Parts } from './parts.ts';
import { unlessShort, untilSettled } from './settled.ts';
import { targetOf } from './start.ts';

/** Ending an app must not wait long for a Dobby that hangs: then the kernel is asked. */
const ASK_MS = 2000;
/** memcr lets go of a process within 20 s; an app that is to end is not waited for so long. */
const GIVE_UP_MS = 3000;
const ASLEEP: ReadonlySet<DobbyState> = new Set<DobbyState>(['hibernating', 'hibernated', 'awakening']);

type Turn = {
  readonly method: 'pause' | 'resume';
  readonly undo: 'pause' | 'resume';
  readonly wanted: DobbyState;
  readonly code: ErrorCode;
  readonly next: string;
};

const PAUSE: Turn = {
  ...{ method: 'pause', undo: 'resume', wanted: 'paused', code: 'SUSPEND_FAILED' },
  next: "only an app that runs can be paused; Dobby's log says why it refused",
};
const RESUME: Turn = {
  ...{ method: 'resume', undo: 'pause', wanted: 'running', code: 'RESUME_FAILED' },
  next: "try again, or kill it; Dobby's log says why it refused",
};

export const suspend = (parts: Parts, id: ContainerId, wait: Wait): Promise<void> =>
  turn(parts, id, { ...PAUSE, wait });
export const resume = (parts: Parts, id: ContainerId, wait: Wait): Promise<void> =>
  turn(parts, id, { ...RESUME, wait });

async function turn(parts: Parts, id: ContainerId, { method, undo, wanted, code, next, wait }: Turn & { wait: Wait }) {
  const { calls, containers } = parts;
  const target = handleOf(parts, id);
  const handle = containers.handleOf(id);
  const mine = containers.nextTurn(id);
  // nobody counts on it any more, unless somebody has asked for something else since: then it is not ours to change
  const late = (done: boolean): void => {
    if (done && containers.handleOf(id) === handle && containers.turnOf(id) === mine) {
      calls[undo](target, unhurried(wait.timeoutMs)).catch(() => undefined);
    }
  };
  const fail = (cause?: unknown): never => {
    throw new RuntimeError(code, { what: `Dobby did not ${method} ${id}`, next, cause });
  };
  try {
    if (await calls[method](target, wait, late)) return;
    if ((await calls.state(target, wait)) === wanted) return;
  } catch (error) {
    if (error instanceof RuntimeError && error.code === 'ABORTED') throw error;
    fail(error);
  }
  fail();
}

/** As Dobby knows it. Throws ENGINE_UNAVAILABLE for one that its present life does not have. */
export function handleOf({ containers }: Parts, id: ContainerId, live?: Live): Target {
  const handle = live?.handle ?? containers.handleOf(id);
  if (handle !== null) return targetOf(id, handle);
  throw new RuntimeError('ENGINE_UNAVAILABLE', {
    what: `Dobby's container of ${id} is not known`,
    next: 'Dobby was away when this daemon started: try again when it is back',
  });
}

/** SIGTERM to every process of the app, once: process 1 would hand it on to those that have had it. Never throws. */
export async function terminate(parts: Parts, id: ContainerId, live: Live): Promise<void> {
  const { calls, containers, processes, log } = parts;
  const wait = unhurried(ASK_MS);
  containers.noteSignal(id, 'SIGTERM');
  try {
    const handle = handleOf(parts, id, live);
    const state = await awakened(parts, handle);
    // what memcr has stopped hears nothing, and there is nobody to ask
    if (ASLEEP.has(state)) {
      await kill(parts, id, live);
      return;
    }
    const pids = (await calls.info(handle, wait))?.pids ?? [];
    const others = pids.filter((pid) => pid !== live.init.pid).flatMap((pid) => processes.identify(pid) ?? []);
    for (const one of others.length > 0 ? others : [live.init]) processes.signal(one, 'SIGTERM');
    if (state === 'paused') await calls.resume(handle, wait);
  } catch (error) {
    log.warn({ err: error, containerId: id }, 'Dobby does not answer: its process 1 alone is asked to end');
    processes.signal(live.init, 'SIGTERM');
  }
}

/** A hibernation at work is given up, so that the app hears what it is asked. */
async function awakened(parts: Parts, target: Target): Promise<DobbyState> {
  const { calls } = parts;
  const state = await calls.state(target, unhurried(ASK_MS));
  if (state !== 'hibernating' && state !== 'awakening') return state;
  if (state === 'hibernating') {
    await unlessShort(parts, target, unhurried(ASK_MS));
    await calls.wakeup(target, unhurried(ASK_MS));
  }
  return untilSettled(parts, target, unhurried(GIVE_UP_MS));
}

/** Paused or asleep, and also while Dobby hangs: the end of process 1 ends its whole pid namespace. Never throws. */
export async function kill(parts: Parts, id: ContainerId, live: Live): Promise<void> {
  const { calls, containers, processes, groups, log } = parts;
  containers.noteSignal(id, 'SIGKILL');
  try {
    if (await calls.stop(handleOf(parts, id, live), true, unhurried(ASK_MS))) {
      // of one whose hibernation it could not give up Dobby says that it is stopping, and does no more
      processes.signal(live.init, 'SIGKILL');
      return;
    }
  } catch (error) {
    log.warn({ err: error, containerId: id }, 'Dobby does not answer: the kernel is asked to end its container');
  }
  processes.signal(live.init, 'SIGKILL');
  // a frozen process of cgroup v1 does not even die
  await groups.thaw(dobbyId(id)).catch(() => undefined);
}
