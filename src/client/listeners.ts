/** Events for who wants to be called back: one iteration for all listeners, which begins with the first and ends with the last. */
import { RuntimeError } from '../domain/errors.ts';
import type { AppEvent, EventType } from '../domain/events.ts';
import type { EventGap, EventItem, EventsOptions } from './events.ts';

export type ClientEvents = {
  /** One kind of event. */
  readonly [Type in EventType]: Extract<AppEvent, { readonly type: Type }>;
} & {
  /** Each durable event, whatever its type. */
  readonly event: AppEvent;
  /** Events that are no longer kept were missed. */
  readonly gap: EventGap;
  /** The connection is lost; while anybody listens for events it is opened again, otherwise by the next call. */
  readonly lost: RuntimeError;
  /** It has been opened again. */
  readonly back: undefined;
  /** No more events will come, for instance because the token is not valid any more. Without a listener it is thrown. */
  readonly error: RuntimeError;
};

type Name = keyof ClientEvents;
type Listener = (event: never) => void;

/** Of the connection; no reason to ask the daemon for events. */
const CONNECTION: ReadonlySet<Name> = new Set(['lost', 'back', 'error']);

type Sources = {
  /** The number of the last event that has happened. */
  readonly begin: () => Promise<number>;
  readonly follow: (options: EventsOptions) => AsyncIterable<EventItem>;
};

export type ClientListeners = {
  readonly on: <One extends Name>(name: One, listener: (event: ClientEvents[One]) => void) => () => void;
  readonly tell: <One extends Name>(name: One, event: ClientEvents[One]) => void;
  /** Settled when nothing that is asked of the daemon from here on can happen unheard. */
  readonly ready: () => Promise<unknown>;
  readonly close: () => void;
};

export function clientListeners({ begin, follow }: Sources): ClientListeners {
  const registered = register();
  const { tell } = registered;
  let following: AbortController | undefined;
  let ready: Promise<unknown> = Promise.resolve();

  async function pump(since: Promise<number | undefined>, own: AbortController): Promise<void> {
    try {
      for await (const item of follow({ since: await since, signal: own.signal })) {
        if (own.signal.aborted) return;
        if (item.type !== 'gap') tell('event', item);
        tell(item.type, item);
      }
    } catch (thrown) {
      const error = RuntimeError.of(thrown);
      if (following === own) following = undefined;
      if (registered.has((name) => name === 'error')) tell('error', error);
      else raise(error);
    }
  }

  function regulate(): void {
    const isWanted = registered.has((name) => !CONNECTION.has(name));
    if (isWanted && following === undefined) {
      following = new AbortController();
      // where nothing answers, events begin with the first connection
      const since = begin().catch(() => undefined);
      ready = since;
      void pump(since, following);
    } else if (!isWanted) {
      following?.abort();
      following = undefined;
    }
  }

  return {
    on: (name, listener) => {
      const remove = registered.add(name, listener);
      regulate();
      return () => {
        remove();
        regulate();
      };
    },
    tell,
    ready: () => ready,
    close: () => {
      registered.clear();
      regulate();
    },
  };
}

/** Who listens to what. */
function register() {
  const rows = new Set<{ readonly name: Name; readonly listener: Listener }>();
  return {
    add: (name: Name, listener: Listener) => {
      const row = { name, listener };
      rows.add(row);
      return () => void rows.delete(row);
    },
    has: (wanted: (name: Name) => boolean) => [...rows].some(({ name }) => wanted(name)),
    clear: () => rows.clear(),
    tell: <One extends Name>(name: One, event: ClientEvents[One]): void => {
      for (const row of [...rows]) {
        if (row.name === name) attempt(() => (row.listener as (event: ClientEvents[One]) => void)(event));
      }
    },
  };
}

/** What a listener throws is its own fault: it reaches the program, and no other listener. */
function attempt(deed: () => void): void {
  try {
    deed();
  } catch (error) {
    raise(error);
  }
}

/** As the platform treats what an event listener throws. */
function raise(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
