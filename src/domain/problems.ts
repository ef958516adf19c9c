/** What is wrong with one instance now, from what is known of it and what has happened to it last. Pure. */
import { ERRORS, type ErrorData } from './errors.ts';
import type { AppEvent } from './events.ts';
import { EXIT_CAUSES, exitCure, exitWords, type ExitRecord } from './exit.ts';
import type { Problem } from './health.ts';
import type { AppInfo } from './info.ts';
import { formatSize } from './size.ts';

export type Subject = {
  readonly info: AppInfo;
  /** The last ones of the instance, oldest first. */
  readonly events: readonly AppEvent[];
  readonly nowMs: number;
};

type Story = Pick<Problem, 'code' | 'state' | 'what' | 'why' | 'next' | 'since'>;
type Rule = (subject: Subject) => Story | undefined;

/** An end is told for this long, unless the instance is run again. */
const RECENT_MS = 86_400_000;
/** Restarts in a row that make a loop of it. */
const LOOP = 3;
/** As `storageFull` has it. */
const FULL = 0.99;

export function problemsOf(subject: Subject): readonly Problem[] {
  const { appId, appInstanceId } = subject.info;
  return RULES.flatMap((rule) => rule(subject) ?? []).map((story) => ({ ...story, appId, appInstanceId }));
}

/** An unusable image is found by a look after a restart, too: then no operation was tried. */
export const failureWords = (operation: string, { code, what }: Pick<ErrorData, 'code' | 'what'>): string =>
  code === 'IMAGE_UNUSABLE' ? what : `${operation} failed: ${what}`;

/** One that failed, in the words of a problem. */
export function failureStory(operation: string, error: ErrorData, since: string): Story {
  return {
    code: error.code,
    state: 'fail',
    what: failureWords(operation, error),
    why: error.why ?? ERRORS[error.code].doc,
    next: error.next ?? `docs/errors.md has the meaning of ${error.code}`,
    since,
  };
}

/** The latest of its kinds in this run. */
function lastOf<Type extends AppEvent['type']>(events: readonly AppEvent[], ...types: readonly Type[]) {
  return events.findLast((event): event is Extract<AppEvent, { type: Type }> =>
    (types as readonly string[]).includes(event.type),
  );
}

const crashLoop: Rule = ({ info, events }) => {
  const given = lastOf(events, 'restartGivenUp', 'started');
  const { appInstanceId: id, restart } = info;
  const gaveUp = given?.type === 'restartGivenUp';
  if (!gaveUp && restart.attempts < LOOP) return undefined;
  const end = lastOf(events, 'terminated');
  return {
    code: 'CRASH_LOOP',
    state: 'fail',
    what: gaveUp
      ? `${id} has ended again and again and is not started any more (restarts: ${given.attempts})`
      : `${id} ends again and again (restarts in a row: ${restart.attempts})`,
    why: end === undefined ? 'its end is no longer kept' : endWords(end.exit),
    next: `runtimectl why ${id} tells how it ends; ${gaveUp ? 'mend it and run it again' : `runtimectl kill ${id} ends it and what is pending`}`,
    since: (gaveUp ? given.time : end?.time) ?? null,
  };
};

const endWords = (exit: ExitRecord): string => `its last end: ${exitWords(exit)}: ${EXIT_CAUSES[exit.cause]}`;

const ended: Rule = ({ info, events, nowMs }) => {
  const { exit, state, restart, appInstanceId: id } = info;
  if (exit === null || !hasEndedBadly(exit, nowMs)) return undefined;
  // it runs, or will: told as a loop when it goes on so; memory does not come back by itself
  if ((state !== 'TERMINATED' || restart.dueAt !== null) && exit.cause !== 'oom') return undefined;
  if (lastOf(events, 'restartGivenUp', 'started')?.type === 'restartGivenUp') return undefined;
  return {
    code: exit.cause.toUpperCase().replaceAll('-', '_'),
    state: 'warn',
    what: `${id} has ended: ${exitWords(exit)}`,
    why: EXIT_CAUSES[exit.cause],
    next: exitCure(exit.cause, id) ?? '',
    since: exit.at,
  };
};

/** In the last day. */
export const hasEndedBadly = (exit: ExitRecord, nowMs: number): boolean =>
  isBad(exit) && nowMs - Date.parse(exit.at) <= RECENT_MS;

const isBad = ({ cause, code }: ExitRecord): boolean =>
  cause === 'exited' ? code !== 0 : exitCure(cause, '') !== null && cause !== 'reboot';

/** One that nothing has come after but the way back to the state before it. */
const failure: Rule = ({ events, info }) => {
  const last = lastOf(events, 'failure');
  if (last === undefined || info.state === 'TERMINATED') return undefined;
  const later = events.filter(({ seq, type }) => seq > last.seq && type === 'stateChanged');
  return later.length > 1 ? undefined : failureStory(last.operation, last.error, last.time);
};

const display: Rule = ({ events, info }) => {
  const last = lastOf(events, 'displayDied', 'displayReady', 'started');
  if (last?.type !== 'displayDied' || info.pid === null) return undefined;
  return {
    code: 'DISPLAY_DIED',
    state: 'fail',
    what: `the display of ${info.appInstanceId} has died`,
    why: 'its compositor has ended, so nothing that the app draws is seen',
    next: `runtimectl terminate ${info.appInstanceId}, then run it again; what the compositor said last is in its log`,
    since: last.time,
  };
};

const storage: Rule = ({ info: { storageUse, appInstanceId, appId } }) => {
  const limitBytes = storageUse?.limitBytes ?? null;
  if (storageUse === null || limitBytes === null || storageUse.usedBytes < limitBytes * FULL) return undefined;
  return {
    code: 'STORAGE_FULL',
    state: 'warn',
    what: `the storage of ${appInstanceId} is full (${formatSize(limitBytes)})`,
    why: 'its writes there fail with ENOSPC until it deletes something',
    next: `run it with more (--storage SIZE), or end it and empty it: runtimectl storage clear ${appId}`,
    since: null,
  };
};

const monitor: Rule = ({ info: { pid, monitored, appInstanceId, state } }) => {
  if (pid === null || monitored || state === 'STARTING' || state === 'WAKING') return undefined;
  return {
    code: 'MONITOR_LOST',
    state: 'warn',
    what: `nobody watches ${appInstanceId}: its conmon is gone`,
    why: 'it runs on, but its log has stopped and its exit code will be lost',
    next: `runtimectl terminate ${appInstanceId}, then run it again, when it suits`,
    since: null,
  };
};

const RULES: readonly Rule[] = [crashLoop, ended, failure, display, storage, monitor];
