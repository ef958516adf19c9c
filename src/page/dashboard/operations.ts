/** What is asked of apps from here: under way, and what came of it. */
import { signal } from '@preact/signals';
import { RuntimeError } from '../../client/browser.ts';
import type { Operation, State } from '../../domain/states.ts';
import { announce } from './announce.ts';
import { duration } from '../../domain/durations.ts';
import { appOf, refreshApps } from './apps.ts';
import { refreshFigures } from './figures.ts';
import { manager, observes, phase } from './session.ts';

/** All but `run`, which needs a description. */
export type Deed = Exclude<Operation, 'run'>;

export type UnderWay = { readonly deed: Deed; readonly sinceMs: number };
export type Outcome = { readonly deed: Deed; readonly ms: number; readonly error?: RuntimeError };

/** By instance. */
export const underWay = signal<ReadonlyMap<string, UnderWay>>(new Map());
/** Of the last one of each instance. */
export const outcomes = signal<ReadonlyMap<string, Outcome>>(new Map());

export const DONE: Readonly<Record<Deed, string>> = {
  suspend: 'suspended',
  resume: 'running again',
  hibernate: 'hibernated',
  wake: 'awake',
  terminate: 'terminated',
  kill: 'killed',
};

/** Where it leads. */
const GOALS: Readonly<Record<Deed, State>> = {
  suspend: 'SUSPENDED',
  resume: 'RUNNING',
  hibernate: 'HIBERNATED',
  wake: 'RUNNING',
  terminate: 'TERMINATED',
  kill: 'TERMINATED',
};

const set = <Value>(
  map: ReadonlyMap<string, Value>,
  id: string,
  value: Value | undefined,
): ReadonlyMap<string, Value> => {
  const next = new Map(map);
  if (value === undefined) next.delete(id);
  else next.set(id, value);
  return next;
};

export const forgetOutcome = (id: string): void => {
  outcomes.value = set(outcomes.value, id, undefined);
};

export async function perform(id: string, deed: Deed): Promise<void> {
  const sinceMs = performance.now();
  underWay.value = set(underWay.value, id, { deed, sinceMs });
  forgetOutcome(id);
  const end = (error?: RuntimeError): void => {
    const ms = performance.now() - sinceMs;
    // a kill may have overtaken it
    if (underWay.value.get(id)?.sinceMs === sinceMs) underWay.value = set(underWay.value, id, undefined);
    outcomes.value = set(outcomes.value, id, { deed, ms, ...(error !== undefined && { error }) });
    announce(error === undefined ? `${id} is ${DONE[deed]} after ${duration(ms)}` : `${deed} failed: ${error.message}`);
  };
  try {
    await manager()[deed]({ appInstanceId: id });
    end();
  } catch (thrown) {
    const error = RuntimeError.of(thrown);
    if (error.code === 'PERMISSION_DENIED') observes.value = true;
    end(error.code === 'UNREACHABLE' ? await afterLoss(id, deed) : error);
  }
  await Promise.all([refreshApps(), refreshFigures(id)]);
}

/** The daemon went away in the middle. The next one finishes what was begun, or undoes it: its word counts. */
async function afterLoss(id: string, deed: Deed): Promise<RuntimeError | undefined> {
  let state: State | undefined;
  do {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    if (phase.value !== 'live') continue;
    await refreshApps();
    state = appOf(id)?.state ?? 'TERMINATED';
  } while (phase.value !== 'login' && (state === undefined || UNSETTLED.has(state)));
  if (state === GOALS[deed]) return undefined;
  return new RuntimeError('ABORTED', {
    what: `the daemon went away in the middle${state === undefined ? '' : `; ${id} is ${state} now`}`,
    next: `press ${deed} again if it is still wanted`,
  });
}

const LOOK_MS = 300;
const UNSETTLED: ReadonlySet<State> = new Set(['STARTING', 'HIBERNATING', 'WAKING', 'TERMINATING']);
