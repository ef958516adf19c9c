/** Why an instance is as it is: the chain of causes from what is known of it. Pure, for the command line and for pages. */
import type { LogLine } from './api.ts';
import { EXIT_CAUSES, exitWords, type ExitRecord } from './exit.ts';
import type { Problem } from './health.ts';
import type { History, HistoryEntry } from './history.ts';
import type { AppId, AppInstanceId } from './ids.ts';
import type { AppInfo } from './info.ts';
import { formatSize } from './size.ts';
import type { State } from './states.ts';

export type Why = {
  readonly appId: AppId;
  readonly appInstanceId: AppInstanceId;
  /** Null when only the event log still knows it. */
  readonly state: State | null;
  /** In one sentence. */
  readonly summary: string;
  /** From the last time that a caller asked for a run: who asked for what, and what came of it; oldest first. */
  readonly chain: readonly HistoryEntry[];
  /** Whether the chain has its beginning. */
  readonly complete: boolean;
  readonly exit: ExitRecord | null;
  /** What else speaks for the cause of the end. */
  readonly evidence: readonly string[];
  readonly problems: readonly Problem[];
  /** What mends it, the most likely first. */
  readonly next: readonly string[];
  /** The last lines that it wrote. */
  readonly log: readonly LogLine[];
};

export type Known = {
  readonly history: History;
  /** Null when the daemon has forgotten all but its events. */
  readonly info: AppInfo | null;
  /** Of this instance. */
  readonly problems: readonly Problem[];
  readonly log: readonly LogLine[];
};

/** What explains nothing. */
const BESIDE: ReadonlySet<HistoryEntry['type']> = new Set<HistoryEntry['type']>([
  ...(['started', 'displayReady', 'displayGone', 'annotated', 'mounted', 'unmounted'] as const),
]);
/** Of a chain of restarts; its beginning is kept too. */
const LAST_LINKS = 30;

export function whyOf({ history, info, problems, log }: Known): Why {
  const { appId, appInstanceId, state, exit } = history;
  const { chain, complete } = chainOf(history);
  const cure = chain.findLast(({ next }) => next !== null)?.next ?? null;
  const cures = [...(cure === null ? [] : [cure]), ...problems.map(({ next }) => next)];
  return {
    ...{ appId, appInstanceId, state, chain, complete, exit, problems, log },
    summary: summaryOf(history, chain),
    evidence: exit === null || isAwake(state) ? [] : evidenceOf(exit, history, info),
    next: [...new Set(cures)],
  };
}

const isAwake = (state: State | null): boolean => state !== null && state !== 'TERMINATED';

function chainOf({ entries, complete }: History): Pick<Why, 'chain' | 'complete'> {
  const begins = entries.findLastIndex(
    ({ type, state, by }) => type === 'stateChanged' && state === 'STARTING' && by !== null,
  );
  const links = entries.slice(Math.max(0, begins)).filter(({ type }) => !BESIDE.has(type));
  const [first, ...rest] = links;
  const chain = first === undefined ? [] : [first, ...rest.slice(-LAST_LINKS)];
  return { chain, complete: (begins !== -1 || complete) && chain.length === links.length };
}

function summaryOf({ appInstanceId: id, state, exit }: History, chain: readonly HistoryEntry[]): string {
  const last = chain.findLast(({ type }) => type === 'stateChanged');
  const asker = chain.findLast(({ state: then }) => then === 'TERMINATING')?.by ?? null;
  if (!isAwake(state) && exit !== null) {
    const by = asker === null ? '' : `, asked for by ${asker}`;
    return `${id} ended at ${exit.at}: ${exitWords(exit)}${by}: ${EXIT_CAUSES[exit.cause]}`;
  }
  if (last === undefined) return `${id}: what happened to it is no longer kept`;
  const by = last.by === null ? '' : `, asked for by ${last.by}`;
  return `${id} is ${state ?? last.state ?? 'gone'} since ${last.time}: ${last.why ?? ''}${by}`;
}

function evidenceOf(exit: ExitRecord, { entries }: History, info: AppInfo | null): readonly string[] {
  const { cause, oom, code, signal } = exit;
  const limit = info?.limits.memoryBytes ?? null;
  const changed = entries.findLast(({ type }) => type === 'limitsChanged');
  const limits = [
    ...(limit === null ? [] : [`its memory limit is ${formatSize(limit)}`]),
    ...(changed === undefined ? [] : [`at ${changed.time} it got other limits: ${changed.what}`]),
  ];
  if (oom) {
    return [
      'the kernel counts a kill for memory in its control group (memory.events, memory.oom_control)',
      ...(limits.length > 0 ? limits : ['which limit it had is no longer kept']),
    ];
  }
  if (cause === 'signalled' && signal === 9) {
    return [
      'SIGKILL came from outside; its control group counts no kill for memory',
      "when the whole device was short of memory, the kernel's log says so: dmesg | grep -i 'killed process'",
    ];
  }
  if (cause === 'exited' && code !== null && code > 0) return [`its own program gave the exit code ${code}`];
  return [];
}
