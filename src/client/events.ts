/**
 * Every durable event after a number, each exactly once and in order, over lost connections and restarts of the daemon.
 * How: registered first, so that nothing can happen unseen; then the log is read up to now; then what was pushed meanwhile is
 * taken, less what the log has told already. A hole sends us back to the log.
 */
import { RuntimeError } from '../domain/errors.ts';
import { withGaps, type AppEvent, type EventGap, type EventPage } from '../domain/events.ts';
import { openFeed } from './event-feed.ts';
import type { EventFeed } from './event-feed.ts';
import type { Link } from './link.ts';
import { timeoutOf } from './protocol.ts';

export type { EventGap } from '../domain/events.ts';

export type EventsOptions = {
  /** Events after this number; 0: all that are kept; absent: those that happen from now on. */
  readonly since?: number | undefined;
  /** Only this instance's. */
  readonly appInstanceId?: string | undefined;
  /** Ends the iteration. */
  readonly signal?: AbortSignal | undefined;
};

export type EventItem = AppEvent | EventGap;

const PAGE_SIZE = 1000;
const FIRST_PAUSE_MS = 50;
const LAST_PAUSE_MS = 5000;
/** Not the end: the daemon is being restarted, or has too much to do. */
const PASSING = new Set(['UNREACHABLE', 'TIMED_OUT', 'ABORTED', 'BUSY']);

export async function* followEvents(
  link: () => Promise<Link>,
  { since, appInstanceId, signal }: EventsOptions & { readonly signal: AbortSignal },
): AsyncGenerator<EventItem, void, undefined> {
  // not asked of the daemon: in a log of one instance's events a hole would not be seen
  for await (const item of followAll(link, since, signal)) {
    if (signal.aborted) return;
    if (appInstanceId === undefined || item.type === 'gap' || item.appInstanceId === appInstanceId) yield item;
  }
}

async function* followAll(
  link: () => Promise<Link>,
  since: number | undefined,
  signal: AbortSignal,
): AsyncGenerator<EventItem, void, undefined> {
  const place: Place = { last: since, failures: 0 };
  while (!signal.aborted) {
    try {
      yield* readOn(await link(), place, signal);
    } catch (error) {
      if (!(error instanceof RuntimeError) || !PASSING.has(error.code)) throw error;
    }
    await pause(Math.min(LAST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** place.failures), signal);
    place.failures += 1;
  }
}

/** How far the reader is; kept from one connection to the next. */
type Place = { last: number | undefined; failures: number };

/** On one connection: the log, then what is pushed, and the log again where something is missing. */
async function* readOn(link: Link, place: Place, signal: AbortSignal): AsyncGenerator<EventItem, void, undefined> {
  const feed = await openFeed(link, signal);
  try {
    let at = (place.last ??= await lastEvent(link));
    place.failures = 0;
    while (!signal.aborted) {
      for await (const item of missing(link, feed, at)) {
        at = place.last = item.type === 'gap' ? item.to : item.seq;
        yield item;
      }
    }
  } finally {
    feed.close();
  }
}

/** The log to its end and what is pushed after it, until something does not follow on. */
async function* missing(link: Link, feed: EventFeed, since: number): AsyncGenerator<EventItem, void, undefined> {
  let at = since;
  for await (const item of readLog(link, at)) {
    at = item.type === 'gap' ? item.to : item.seq;
    yield item;
  }
  for (let event = await feed.take(); event !== undefined && event.seq <= at + 1; event = await feed.take()) {
    if (event.seq <= at) continue;
    at = event.seq;
    yield event;
  }
}

/** The log from this number to its present end. */
async function* readLog(link: Link, since: number): AsyncGenerator<EventItem, void, undefined> {
  for (let at = since; ;) {
    const page = await readPage(link, at, PAGE_SIZE);
    if (page.lastSeq < at) throw notReached(at, page.lastSeq);
    for (const item of withGaps(page, at, true)) {
      at = item.type === 'gap' ? item.to : item.seq;
      yield item;
    }
    if (page.events.length === 0 || at >= page.lastSeq) return;
  }
}

/** The number of the last event. */
export const lastEvent = async (link: Link): Promise<number> => (await readPage(link, 0, 1)).lastSeq;

const readPage = async (link: Link, since: number, limit: number): Promise<EventPage> =>
  (await link.call('getEvents', { since, limit }, { timeoutMs: timeoutOf('getEvents') })) as EventPage;

const notReached = (since: number, lastSeq: number): RuntimeError =>
  new RuntimeError('INVALID_ARGUMENT', {
    what: `event ${since} does not exist: the daemon's log ends with ${lastSeq}`,
    next: 'the log was begun anew or is another daemon’s; begin with 0',
    details: { lastSeq },
  });

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}
