/** The chain of what happened to one instance, in words. */
import type { AppEvent, EventType } from './events.ts';
import { EXIT_CAUSES, exitCure, exitWords, type ExitRecord } from './exit.ts';
import type { AppId, AppInstanceId } from './ids.ts';
import type { Limits } from './limits.ts';
import { printable } from './printable.ts';
import { failureWords } from './problems.ts';
import { formatSize } from './size.ts';
import type { State } from './states.ts';

export type HistoryEntry = {
  /** Of the event. */
  readonly seq: number;
  readonly time: string;
  readonly type: EventType;
  /** What happened. */
  readonly what: string;
  /** The reason, where there is one to tell. */
  readonly why: string | null;
  /** What mends it, where something is wrong. */
  readonly next: string | null;
  /** Who asked for it: `the unix socket`, or the address of the caller; null when nobody did. */
  readonly by: string | null;
  /** The state from then on; null when what is kept does not reach back to it. */
  readonly state: State | null;
  /** Of a change of state: how long the state lasted, in ms; null while it does, and for what is no such change. */
  readonly lastedMs: number | null;
  /** Of the end of a run. */
  readonly exit: ExitRecord | null;
};

export type History = {
  readonly appId: AppId;
  readonly appInstanceId: AppInstanceId;
  /** Null when only the event log still knows the instance. */
  readonly state: State | null;
  /** Of the last run that has ended. */
  readonly exit: ExitRecord | null;
  /** Whether they reach back to the beginning of a run; older ones may have been dropped or left out. */
  readonly complete: boolean;
  /** Oldest first. */
  readonly entries: readonly HistoryEntry[];
};

type Story = { readonly what: string; readonly why?: string | undefined; readonly next?: string | null | undefined };

export function storyOf(event: AppEvent): Story {
  switch (event.type) {
    case 'started':
      return { what: `started with pid ${event.pid}` };
    case 'stateChanged':
      return { what: `${event.old} → ${event.new}`, why: event.why };
    case 'terminated':
      return {
        what: `terminated: ${exitWords(event.exit)}`,
        why: EXIT_CAUSES[event.exit.cause],
        next: exitCure(event.exit.cause, event.appInstanceId),
      };
    case 'storageFull':
      return {
        what: `its storage is full (${formatSize(event.limitBytes)})`,
        why: 'its writes there fail with ENOSPC until it deletes something',
        next: `run it with more (--storage SIZE), or empty it: runtimectl storage clear ${event.appId}`,
      };
    case 'failure':
      return { what: failureWords(event.operation, event.error), why: event.error.why, next: event.error.next };
    case 'displayConnected':
      return { what: 'is connected to its display' };
    case 'displayReady':
      return {
        what: `shows its first picture${event.ms === null ? '' : ` ${Math.round(event.ms)} ms after it was asked for`}`,
      };
    case 'displayGone':
      return { what: 'shows nothing any more' };
    case 'displayDied':
      return { what: 'its display has died', why: 'the compositor has ended' };
    case 'displayChanged':
      return { what: `its display: ${viewWords(event)}` };
    case 'displayFocused':
      return { what: 'has the focus' };
    case 'limitsChanged':
      return { what: `limits: ${limitWords(event.limits)}` };
    case 'executed': {
      const end = event.exitCode === null ? 'its end was not seen' : `exit code ${event.exitCode}`;
      return { what: `ran ${printable(event.program)}: ${end}` };
    }
    case 'mounted':
      return {
        what: `${printable(event.source)} mounted on ${printable(event.destination)}${event.readOnly ? ', read-only' : ''}`,
      };
    case 'unmounted':
      return { what: `${printable(event.destination)} unmounted` };
    case 'restarting': {
      const of = event.maxRetries === null ? '' : ` of ${event.maxRetries}`;
      return { what: `is started again at ${event.dueAt} (attempt ${event.attempt}${of})` };
    }
    case 'restartGivenUp':
      return { what: `is not started again (attempts made: ${event.attempts})`, why: event.why };
    case 'annotated': {
      const key = printable(event.key);
      return {
        what: event.value === null ? `annotation ${key} removed` : `annotation ${key} = ${printable(event.value)}`,
      };
    }
  }
}

type View = Extract<AppEvent, { readonly type: 'displayChanged' }>;

const viewWords = ({ visible, zOrder, width, height }: View): string =>
  [
    visible ? 'visible' : 'hidden',
    `z-order ${zOrder}`,
    ...(width === null || height === null ? [] : [`${width}x${height}`]),
  ].join(', ');

const limitWords = ({ memoryBytes, cpus, pids, cpuShares, cores, ioWeight }: Limits): string =>
  [
    memoryBytes === null ? 'memory without limit' : `${formatSize(memoryBytes)} of memory`,
    cpus === null ? 'CPU time without limit' : `CPU time of ${cpus} cores`,
    `${pids} processes`,
    ...(cpuShares === null ? [] : [`${cpuShares} CPU shares`]),
    ...(cores === null ? [] : [`on the cores ${cores}`]),
    ...(ioWeight === null ? [] : [`weight ${ioWeight} for disks`]),
  ].join(', ');

/** Events of one instance, oldest first. */
export function entriesOf(events: readonly AppEvent[]): readonly HistoryEntry[] {
  const ends = endsOfStates(events);
  let state: State | null = null;
  return events.map((event) => {
    const { seq, time, type, by } = event;
    if (event.type === 'stateChanged') state = event.new;
    const { what, why, next } = storyOf(event);
    const end = ends.get(seq);
    return {
      ...{ seq, time, type, what, why: why ?? null, next: next ?? null, by: by ?? null, state },
      lastedMs: end === undefined ? null : Date.parse(end) - Date.parse(time),
      exit: event.type === 'terminated' ? event.exit : null,
    };
  });
}

/** For each change of state, by its number, the time of the next one. */
function endsOfStates(events: readonly AppEvent[]): ReadonlyMap<number, string> {
  const changes = events.filter(({ type }) => type === 'stateChanged');
  return new Map(changes.slice(1).map(({ time }, index) => [changes[index]?.seq ?? 0, time]));
}

/** Whether these events begin with the beginning of a run. */
export function beginsWithRun([first]: readonly AppEvent[]): boolean {
  return first?.type === 'stateChanged' && first.new === 'STARTING';
}
