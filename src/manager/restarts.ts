/** Whether and when an app that has ended is started again: pure, so that one table of ends and policies is all there is to know. */
import type { ExitCause, ExitRecord } from '../domain/exit.ts';
import type { InstanceRecord, RestartRecord } from '../ports/journal.ts';
import type { EventBody } from './instance.ts';

/** What goes into the record, and what is told of it. */
export type Next = { readonly restart: RestartRecord | null; readonly events: readonly EventBody[] };

type Kind = 'asked' | 'failure' | 'other';

/**
 * A caller asked for it, or whoever put it to sleep decides: no restart. A restart of the machine is no failure of the app. An exit
 * is judged by its code.
 */
const KINDS: Readonly<Record<ExitCause, Kind>> = {
  exited: 'other',
  signalled: 'failure',
  oom: 'failure',
  terminated: 'asked',
  killed: 'asked',
  'display-died': 'failure',
  'checkpoint-died': 'failure',
  'start-failed': 'failure',
  'start-interrupted': 'failure',
  'monitor-lost': 'failure',
  'engine-lost': 'failure',
  'image-lost': 'asked',
  reboot: 'other',
};

/** After the end of a run. */
export function afterEnd(record: InstanceRecord, exit: ExitRecord): Next {
  const { startedAt, app, restart } = record;
  if (!callsForRestart(record, exit)) return { restart: null, events: [] };
  const ranMs = startedAt === null ? 0 : Date.parse(exit.at) - Date.parse(startedAt);
  const isWell = startedAt !== null && ranMs >= app.restart.resetAfterMs;
  return nextAttempt(record, { attempts: isWell ? 0 : (restart?.attempts ?? 0), now: exit.at });
}

function callsForRestart({ app, startedAt, restart }: InstanceRecord, { cause, code }: ExitRecord): boolean {
  const { policy } = app.restart;
  if (policy === 'never' || KINDS[cause] === 'asked') return false;
  // it never came to run: the caller was told so and decides; an attempt of ours is followed by the next one
  const neverRan = startedAt === null;
  if (neverRan && restart === null) return false;
  return policy === 'always' || (cause === 'exited' ? code !== 0 : neverRan || KINDS[cause] === 'failure');
}

/** After `attempts` in a row that came to nothing. */
export function nextAttempt({ app }: InstanceRecord, { attempts, now }: { attempts: number; now: string }): Next {
  const { maxRetries, backoffMs, maxBackoffMs } = app.restart;
  if (maxRetries !== null && attempts >= maxRetries) {
    const why = 'it has failed as often as its restart policy allows';
    return { restart: { attempts, dueAt: null }, events: [{ type: 'restartGivenUp', attempts, why }] };
  }
  const attempt = attempts + 1;
  const pauseMs = Math.min(backoffMs * 2 ** attempts, maxBackoffMs);
  const dueAt = new Date(Date.parse(now) + pauseMs).toISOString();
  return { restart: { attempts: attempt, dueAt }, events: [{ type: 'restarting', attempt, maxRetries, dueAt }] };
}

export const isPending = ({ restart }: InstanceRecord): boolean => (restart?.dueAt ?? null) !== null;

/** Also when the clock was set back meanwhile: no pause is longer than the longest. */
export function isDue({ restart, app }: InstanceRecord, now: string): boolean {
  const dueAt = restart?.dueAt ?? null;
  if (dueAt === null) return false;
  const waitMs = Date.parse(dueAt) - Date.parse(now);
  return waitMs <= 0 || waitMs > app.restart.maxBackoffMs;
}
