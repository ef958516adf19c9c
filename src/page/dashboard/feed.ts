/** The daemon's events, each once, from some way back to now and over its restarts. */
import { signal } from '@preact/signals';
import { RuntimeError, type AppEvent, type EventItem } from '../../client/browser.ts';
import { storyOf } from '../../domain/history.ts';
import { announce } from './announce.ts';
import { manager, phase } from './session.ts';

/** So many are kept; the log of the daemon has the rest. */
const MAX_KEPT = 2000;

/** Oldest first. */
export const recent = signal<readonly AppEvent[]>([]);
/** Called for each one that happens from now on, in order. */
const listeners = new Set<(event: AppEvent) => void>();

export const onEvent = (listener: (event: AppEvent) => void): void => void listeners.add(listener);

const TOLD: ReadonlySet<AppEvent['type']> = new Set([
  'stateChanged',
  'failure',
  'terminated',
  'displayDied',
  'storageFull',
]);

/** Until the client is closed. */
export async function followEvents(): Promise<void> {
  const client = manager();
  let since = await whereToBegin();
  recent.value = [];
  for (;;) {
    try {
      const { lastSeq: now } = await client.getEvents({ since: 0, limit: 1 });
      for await (const item of client.events({ since })) since = take(item, now);
      return;
    } catch (error) {
      // the log was begun anew
      if (!(error instanceof RuntimeError) || error.code !== 'INVALID_ARGUMENT') throw error;
      since = 0;
      recent.value = [];
    }
  }
}

async function whereToBegin(): Promise<number> {
  const { lastSeq } = await manager().getEvents({ since: 0, limit: 1 });
  return Math.max(0, lastSeq - MAX_KEPT);
}

let waiting: AppEvent[] = [];

/** Many at once, as after a load, are one change of what is shown. Returns how far we are. */
function take(item: EventItem, before: number): number {
  if (item.type === 'gap') return item.to;
  if (waiting.length === 0) setTimeout(show);
  waiting.push(item);
  if (item.seq <= before) return item.seq;
  if (TOLD.has(item.type) && phase.value === 'live') announce(`${item.appInstanceId}: ${storyOf(item).what}`);
  for (const listener of listeners) listener(item);
  return item.seq;
}

function show(): void {
  recent.value = [...recent.value, ...waiting].slice(-MAX_KEPT);
  waiting = [];
}
