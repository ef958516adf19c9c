/** What needs somebody's attention, from the events: what happened, why, and the command that mends it. */
import type { AppEvent } from '../../domain/events.ts';
import type { ErrorCode } from '../../domain/errors.ts';
import type { ExitCause } from '../../domain/exit.ts';
import { storyOf } from '../../domain/history.ts';

export type Problem = {
  /** Of its kind there is one for each instance. */
  readonly key: string;
  readonly seq: number;
  readonly time: string;
  readonly appInstanceId: string;
  readonly what: string;
  readonly why: string | undefined;
  /** What to do, in words. */
  readonly next: string | undefined;
  /** Commands, in order. */
  readonly mend: readonly string[];
};

type Cure = { readonly next?: string; readonly mend: (id: string, appId: string) => readonly string[] };

const logs: Cure['mend'] = (id) => [`runtimectl logs ${id} --tail 50`];
const history: Cure['mend'] = (id) => [`runtimectl history ${id}`];

const BY_EXIT: Readonly<Partial<Record<ExitCause, Cure>>> = {
  exited: { next: 'its last words tell why; then run it again', mend: logs },
  signalled: { next: 'its last words tell why; then run it again', mend: logs },
  oom: {
    next: 'run it again with a higher memory limit (--memory), or find out what it holds',
    mend: (id) => [`runtimectl history ${id}`, `runtimectl logs ${id} --tail 50`],
  },
  'start-failed': { mend: history },
  'start-interrupted': { next: 'run it again', mend: history },
  'monitor-lost': { next: 'its exit code is lost; its last words may tell why', mend: logs },
  'image-lost': { next: 'run it again; see that nobody empties the directory of images', mend: history },
  reboot: { next: 'run it again; with --restart always it comes back by itself', mend: history },
};

const BY_ERROR: Readonly<Partial<Record<ErrorCode, Cure['mend']>>> = {
  CHECKPOINT_FAILED: (id) => [`runtimectl explain ${id}`],
  RESTORE_FAILED: (id) => [`runtimectl explain ${id}`, `runtimectl terminate ${id}`],
  IMAGE_UNUSABLE: (id) => [`runtimectl terminate ${id}`],
  NO_SPACE: () => ['runtimectl ps', 'runtimectl storage ls'],
  PORT_TAKEN: () => ['runtimectl ps'],
  USER_IDS_EXHAUSTED: () => ['runtimectl ps --all', 'runtimectl storage ls'],
  START_FAILED: logs,
  SUSPEND_FAILED: history,
  KILL_FAILED: (id) => [`runtimectl kill ${id}`],
};

/** Fails of these are answers to a caller who asked for too much, or was overtaken. */
const NO_PROBLEM: ReadonlySet<ErrorCode> = new Set(['ABORTED', 'ILLEGAL_STATE', 'BUSY', 'CONFLICT']);

/** So many bad ends within this time are a crash loop. */
const LOOP_ENDS = 3;
const LOOP_MS = 600_000;

/** Newest first. What has been mended since is none. */
export function problemsOf(events: readonly AppEvent[]): readonly Problem[] {
  const open = new Map<string, Problem>();
  const ends = new Map<string, readonly AppEvent[]>();
  for (const event of events) {
    for (const kind of mendedBy(event)) open.delete(`${kind}/${event.appInstanceId}`);
    const found = problemIn(event);
    if (found === undefined) continue;
    // a start that failed has told why already
    if (!(isFailedStart(event) && open.has(found.key))) open.set(found.key, found);
    if (event.type !== 'terminated') continue;
    const bad = [...(ends.get(event.appInstanceId) ?? []), event].slice(-LOOP_ENDS);
    ends.set(event.appInstanceId, bad);
    const loop = loopIn(bad);
    if (loop !== undefined) open.set(loop.key, loop);
  }
  // a loop says all that its last end says
  for (const key of open.keys()) if (key.startsWith('loop/')) open.delete(key.replace('loop/', 'end/'));
  return [...open.values()].sort((a, b) => b.seq - a.seq);
}

const isFailedStart = (event: AppEvent): boolean => event.type === 'terminated' && event.exit.cause === 'start-failed';

type Kind = 'end' | 'loop' | 'start' | 'hibernate' | 'wake' | 'display' | 'storage' | 'other';

/** What an event shows to be over. */
function mendedBy(event: AppEvent): readonly Kind[] {
  if (event.type === 'started') return ['end', 'start', 'display'];
  if (event.type === 'displayReady') return ['display'];
  if (event.type === 'terminated') {
    const isAsked = event.exit.cause === 'terminated' || event.exit.cause === 'killed' || event.exit.code === 0;
    return ['hibernate', 'wake', 'display', 'storage', 'other', ...(isAsked ? (['loop'] as const) : [])];
  }
  if (event.type !== 'stateChanged') return [];
  if (event.new === 'HIBERNATED' && event.old === 'HIBERNATING') return ['hibernate'];
  return event.new === 'RUNNING' && event.old === 'WAKING' ? ['wake', 'other'] : [];
}

const KINDS: Readonly<Record<string, Kind>> = { run: 'start', restart: 'start', hibernate: 'hibernate', wake: 'wake' };

function problemIn(event: AppEvent): Problem | undefined {
  const { appInstanceId: id, appId } = event;
  switch (event.type) {
    case 'failure': {
      const { code, next } = event.error;
      if (NO_PROBLEM.has(code)) return undefined;
      return problem(event, KINDS[event.operation] ?? 'other', { next, mend: (BY_ERROR[code] ?? history)(id, appId) });
    }
    case 'terminated': {
      const cure = event.exit.code === 0 && event.exit.cause === 'exited' ? undefined : BY_EXIT[event.exit.cause];
      return (
        cure && problem(event, isFailedStart(event) ? 'start' : 'end', { next: cure.next, mend: cure.mend(id, appId) })
      );
    }
    case 'displayDied':
      return problem(event, 'display', {
        next: 'end it and run it again: what was connected to the display is gone',
        mend: [`runtimectl terminate ${id}`],
      });
    case 'storageFull':
      return problem(event, 'storage', {
        next: 'let the app delete something, or end it and clear its storage',
        mend: ['runtimectl storage ls', `runtimectl terminate ${id}`, `runtimectl storage clear ${appId}`],
      });
    case 'restartGivenUp':
      return problem(event, 'loop', {
        next: 'mend what its last words tell, then run it again',
        mend: logs(id, appId),
      });
    default:
      return undefined;
  }
}

type Advice = { readonly next: string | undefined; readonly mend: readonly string[] };

function problem(event: AppEvent, kind: Kind, { next, mend }: Advice): Problem {
  const { what, why } = storyOf(event);
  const { seq, time, appInstanceId } = event;
  return { key: `${kind}/${appInstanceId}`, seq, time, appInstanceId, what, why, next, mend };
}

function loopIn(bad: readonly AppEvent[]): Problem | undefined {
  const [first] = bad;
  const last = bad.at(-1);
  if (first === undefined || last?.type !== 'terminated' || bad.length < LOOP_ENDS) return undefined;
  if (Date.parse(last.time) - Date.parse(first.time) > LOOP_MS) return undefined;
  return problem(last, 'loop', {
    next: `it has ended badly ${LOOP_ENDS} times within ${LOOP_MS / 60_000} minutes: mend what its last words tell before it is run again`,
    mend: [...logs(last.appInstanceId, last.appId), `runtimectl terminate ${last.appInstanceId}`],
  });
}
