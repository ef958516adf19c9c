/** Checkpoint and restore with the OCI runtime and CRIU. */
import { readFile } from 'node:fs/promises';
import { isErrno, RuntimeError } from '../../domain/errors.ts';
import type { Phases } from '../../domain/hibernation.ts';
import type { ContainerId } from '../../domain/ids.ts';
import type { CheckpointOrder, Live, PagesState, RestoreOrder, Restored } from '../../ports/engine.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Wiring } from '../../ports/networks.ts';
import type { Processes, ProcessId } from '../../ports/processes.ts';
import type { Wait } from '../../ports/wait.ts';
import { rootGroup } from '../../domain/root-group.ts';
import { unhurried } from '../../domain/unhurried.ts';
import { blameDisk } from '../files/full-disk.ts';
import { bindSources, writeBundle } from './bundle.ts';
import { unknownToRuntime } from './mounts.ts';
import { freeze, thaw, type Parts } from './parts.ts';

const POLL_MS = 3;
const RECOVER_MS = 5000;

export async function checkpoint(parts: Parts, order: CheckpointOrder, wait: Wait): Promise<Phases> {
  const { runtime, groups, bundleOf, criu } = parts;
  const { id, live, imageDirectory } = order;
  const workDirectory = bundleOf(id);
  const wasFrozen = groups.frozen(id) === 'frozen';
  const begin = performance.now();
  try {
    // CRIU's own freezing polls in steps of 100 ms; what is frozen already it takes as it is
    await freeze(parts, id, wait);
    await criu.configure(workDirectory, order.tcp, await unknownToRuntime(parts, id));
    const frozen = performance.now();
    await runtime.checkpoint(id, { imageDirectory, workDirectory }, wait);
    const end = performance.now();
    return { freeze: frozen - begin, dump: end - frozen, ...(await criu.figures(workDirectory, 'dump')) };
  } catch (error) {
    // what failed or was stopped may have been only the runtime's last word: an app that CRIU has ended is in its image
    if (await endDump(parts, { id, live, graceMs: wait.signal.aborted ? 0 : RECOVER_MS })) {
      return { dump: performance.now() - begin };
    }
    await criu.keepLog(`${workDirectory}/dump.log`, order.failureLog);
    await leaveAsBefore(parts, { id, live, wasFrozen });
    const cause = blameDisk(error, [imageDirectory, workDirectory]);
    throw failed('CHECKPOINT_FAILED', `${id} was not hibernated`, { log: order.failureLog, cause });
  }
}

type Abandoned = { readonly id: ContainerId; readonly live: Live; readonly wasFrozen: boolean };

/**
 * CRIU's line when everything is written and it begins to end the container (2: TASK_DEAD): from then on the image is the app.
 * Source: criu/pstree.c, pstree_switch_state, called by cr_dump_finish after all images are closed.
 */
const ENDS_THE_APP = 'Unfreezing tasks into 2';

type Dump = {
  readonly id: ContainerId;
  readonly live: Live;
  /** How long CRIU may take to notice that its caller is gone, and to put the app back as it was. */
  readonly graceMs: number;
};

/**
 * Waits until nothing dumps any more and the app is nobody's tracee. True when the dump is whole and the app gone. CRIU is killed
 * only when the grace is over: while it has its code in the app a kill can be the app's end. An app with much memory takes its time
 * to go, and must not be taken for one that lives on.
 */
async function endDump({ processes, groups, bundleOf, clock }: Parts, { id, live, graceMs }: Dump): Promise<boolean> {
  const begin = performance.now();
  const deadline = begin + graceMs + RECOVER_MS;
  for (let busy = true; busy && performance.now() < deadline;) {
    const dumpers = await processes.holding('criu', bundleOf(id));
    if (performance.now() >= begin + graceMs) for (const one of dumpers) processes.signal(one, 'SIGKILL');
    busy = dumpers.length > 0 || groups.members(id).some((pid) => isTraced(processes, pid));
    if (busy) await clock.sleep(POLL_MS);
  }
  if (
    !(await hasEndedTheApp({ clock, log: `${bundleOf(id)}/dump.log`, deadline }, () => processes.isAlive(live.init)))
  ) {
    return false;
  }
  while (processes.isAlive(live.init) && performance.now() < deadline) await clock.sleep(POLL_MS);
  return !processes.isAlive(live.init);
}

type DumpLog = { readonly clock: Clock; readonly log: string; readonly deadline: number };

/**
 * By CRIU's log. One that is there and cannot be read (no descriptor is left) says nothing: of an app that has ended the error is
 * thrown, as nobody may take it for one that was not saved.
 */
async function hasEndedTheApp({ clock, log, deadline }: DumpLog, isAlive: () => boolean): Promise<boolean> {
  for (;;) {
    try {
      return (await readFile(log, 'utf8')).includes(ENDS_THE_APP);
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return false;
      if (!isAlive()) throw error;
      if (performance.now() > deadline) return false;
      await clock.sleep(POLL_MS);
    }
  }
}

function isTraced(processes: Processes, pid: number): boolean {
  const process = processes.identify(pid);
  return process !== undefined && processes.tracerOf(process) !== 0;
}

/** Frozen or running, as it was: a killed CRIU leaves it thawed, a killed runtime frozen. Or it has ended by the kill. */
async function leaveAsBefore(parts: Parts, abandoned: Abandoned): Promise<void> {
  const { processes, groups } = parts;
  const { id, live, wasFrozen } = abandoned;
  if (!wasFrozen && processes.isAlive(live.init)) await thaw(parts, id);
  await goOn(parts, abandoned);
  if (!wasFrozen || !processes.isAlive(live.init)) return;
  await groups.freeze(id, unhurried(RECOVER_MS));
}

/**
 * Until every thread has come past the instruction at which the tracer left it. One that CRIU had just made to call something for
 * it (compel's syscall and int3) is ended by that by SIGTRAP, and must not be taken for one that lives on.
 */
async function goOn({ processes, groups, clock }: Parts, { id, live }: Abandoned): Promise<void> {
  const deadline = performance.now() + RECOVER_MS;
  const before = processes.runnable(groups.members(id));
  const waits = (): boolean =>
    [...processes.runnable(groups.members(id))].some(([thread, ran]) => before.get(thread) === ran);
  while (processes.isAlive(live.init) && performance.now() < deadline && (processes.isEnding(live.init) || waits())) {
    await clock.sleep(POLL_MS);
  }
}

export async function restore(parts: Parts, order: RestoreOrder, wait: Wait): Promise<Restored> {
  const { runtime, monitor, groups, processes, doors, criu, network, bundleOf } = parts;
  const { id, imageDirectory, logFile, logMaxBytes, terminal, lazyPages } = order;
  const hooks = network.hooks(order.network, 'restore');
  const bundle = bundleOf(id);
  const begin = performance.now();
  try {
    const places = await doors.open(id, { sources: bindSources(order.config), gid: rootGroup(order.config) }, wait);
    await writeBundle(bundle, { config: order.config, places, hooks });
    await criu.configure(bundle, order.tcp);
    await using held = new AsyncDisposableStack();
    const permission = lazyPages ? criu.lazyPermission.take() : undefined;
    // given back also when the page server fails before it was granted
    held.defer(async () => (await permission?.catch(() => undefined))?.[Symbol.asyncDispose]());
    const [pages] = lazyPages
      ? await Promise.all([criu.lazyPages({ imageDirectory, workDirectory: bundle }, wait), permission])
      : [null];
    const prepared = performance.now();
    const restoring = { imageDirectory, lazyPages };
    const live = await monitor.create(
      { id, bundle, logFile, logMaxBytes, terminal, runtime, restore: restoring },
      wait,
    );
    await groups.enforce(id, order.limits).catch((error: unknown) => {
      // as with the network below
      if (processes.isAlive(live.init)) throw error;
    });
    const restored = performance.now();
    if (hooks === undefined) await wire(parts, live.init, { network: order.network, ...wait });
    await doors.close(id, wait);
    const end = performance.now();
    return {
      live,
      pages,
      phases: {
        prepare: prepared - begin,
        restore: restored - prepared,
        network: end - restored,
        ...(await criu.figures(bundle, 'restore')),
      },
    };
  } catch (error) {
    await criu.keepLog(`${bundle}/restore.log`, order.failureLog);
    const cause = blameDisk(error, [bundle]);
    throw failed('RESTORE_FAILED', `${id} was not woken`, { log: order.failureLog, cause });
  }
}

type Wired = Wait & { readonly network: Wiring };

async function wire(
  { network, processes }: Parts,
  init: ProcessId,
  { network: wiring, ...wait }: Wired,
): Promise<void> {
  await network.wire(init, wiring, wait).catch((error: unknown) => {
    // an app that has ended since was restored all the same
    if (processes.isAlive(init)) throw error;
  });
}

type Failure = { readonly log: string; readonly cause: unknown };

/** What says more than that it failed. */
const PASSED_ON: ReadonlySet<string> = new Set([
  ...['TIMED_OUT', 'ABORTED', 'NOT_SUPPORTED', 'NO_SPACE', 'OUT_OF_RESOURCES'],
]);

function failed(code: 'CHECKPOINT_FAILED' | 'RESTORE_FAILED', what: string, { log, cause }: Failure): RuntimeError {
  const known = cause instanceof RuntimeError && PASSED_ON.has(cause.code) ? cause : undefined;
  return new RuntimeError(known?.code ?? code, { what, next: known?.next, details: { log }, cause });
}

/** The dump of a killed daemon gets its time like any other: it may well come to its end. */
export async function finishCheckpoint(
  parts: Parts,
  { timeoutMs, ...abandoned }: Abandoned & Pick<Wait, 'timeoutMs'>,
): Promise<boolean> {
  const { processes, runtime, clock } = parts;
  const deadline = performance.now() + timeoutMs;
  const dumping = () => processes.withArguments([runtime.stateRoot, 'checkpoint', abandoned.id]);
  for (let found = await dumping(); found.length > 0; found = await dumping()) {
    if (performance.now() > deadline) for (const one of found) processes.signal(one, 'SIGKILL');
    await clock.sleep(POLL_MS);
  }
  if (await endDump(parts, { ...abandoned, graceMs: RECOVER_MS })) return true;
  await leaveAsBefore(parts, abandoned);
  return false;
}

/**
 * An app may run already when its restore is not over yet: whoever throws it back to its image then undoes what it has done since.
 * So it gets its time, and is stopped only when that is over.
 */
export async function interruptRestore({ processes, runtime, clock }: Parts, id: ContainerId, { timeoutMs }: Wait) {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const restoring = await processes.withArguments([runtime.stateRoot, 'restore', id]);
    if (restoring.length === 0) return false;
    if (performance.now() > deadline) {
      for (const one of restoring) processes.signal(one, 'SIGKILL');
      return true;
    }
    await clock.sleep(POLL_MS);
  }
}

type Finish = { readonly live: Live; readonly network: Wiring } & Wait;

export async function finishRestore(
  parts: Parts,
  id: ContainerId,
  { live, network: wiring, ...wait }: Finish,
): Promise<ProcessId | null> {
  const { processes, network, doors, criu, bundleOf } = parts;
  await Promise.all([network.wire(live.init, wiring, wait), doors.close(id, wait)]);
  if (criu.lazyPagesState(bundleOf(id)) === undefined) return null;
  // one that is gone is named all the same: what became of its pages is told by the status it left
  return (await processes.withArguments(['-c', 'lazy-pages', bundleOf(id)]))[0] ?? { pid: 0, startTime: 'gone' };
}

export function pagesOf({ criu, processes, bundleOf }: Parts, id: ContainerId, pages: ProcessId): PagesState {
  // asked in this order: who ends in between has left its status
  const alive = processes.isAlive(pages);
  const state = criu.lazyPagesState(bundleOf(id)) ?? 'lost';
  return state === 'coming' && !alive ? 'lost' : state;
}
