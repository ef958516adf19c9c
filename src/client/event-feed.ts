/** The events that a connection brings, waiting to be taken one by one. */
import type { RuntimeError } from '../domain/errors.ts';
import type { AppEvent } from '../domain/events.ts';
import type { Link } from './link.ts';

export type EventFeed = {
  /** The next event; `undefined` when too many came at once and the log must be asked, or at the end. Throws when the connection is lost. */
  readonly take: () => Promise<AppEvent | undefined>;
  readonly close: () => void;
};

/** A reader that falls further behind reads on from the log: nothing grows without bound. */
const MAX_WAITING = 10_000;
const REGISTER_TIMEOUT_MS = 30_000;

let feeds = 0;

/** Events that happen from now on. */
export async function openFeed(link: Link, signal: AbortSignal): Promise<EventFeed> {
  feeds += 1;
  const id = `client.events.${feeds}`;
  let waiting: AppEvent[] = [];
  let overflowed = false;
  let lost: RuntimeError | undefined;
  let wake = (): void => undefined;

  const stopListening = link.listen(`${id}.onEvent`, (params) => {
    if (waiting.length >= MAX_WAITING) {
      waiting = [];
      overflowed = true;
    }
    if (!overflowed) waiting.push(params as AppEvent);
    wake();
  });
  const onAbort = () => wake();
  signal.addEventListener('abort', onAbort);
  const stopWatching = link.onLost((error) => {
    lost = error;
    wake();
  });
  const stop = () => {
    stopListening();
    stopWatching();
    signal.removeEventListener('abort', onAbort);
  };
  const tell = (method: 'register' | 'unregister') =>
    link.call(method, { event: 'onEvent', id }, { timeoutMs: REGISTER_TIMEOUT_MS });
  try {
    await tell('register');
  } catch (error) {
    stop();
    throw error;
  }

  return {
    take: async () => {
      while (waiting.length === 0 && !overflowed && !signal.aborted) {
        if (lost !== undefined) throw lost;
        await new Promise<void>((resolve) => (wake = resolve));
      }
      overflowed = false;
      return signal.aborted ? undefined : waiting.shift();
    },
    close: () => {
      stop();
      void tell('unregister').catch(() => undefined);
    },
  };
}
