/** Writes first, then tells: nobody hears of an event that is not on disk. */
import type { AppEvent, Origin } from '../domain/events.ts';
import type { Change, Journal } from '../ports/journal.ts';
import type { Log } from '../ports/log.ts';

/** `origin`: which message of a caller it follows from, if any. */
export type Listener = (event: AppEvent, origin?: Origin) => void;

type Announcement = {
  /** Called between the disk and the listeners. */
  readonly written?: () => void;
  readonly origin?: Origin | undefined;
};

export class Announcer {
  readonly #journal: Journal;
  readonly #log: Log;
  readonly #listeners = new Set<Listener>();

  constructor(journal: Journal, log: Log) {
    this.#journal = journal;
    this.#log = log;
  }

  /** The journal answers in the order of the calls, so listeners hear the events in the order of their numbers. */
  async commit(change: Change, { written, origin }: Announcement = {}): Promise<void> {
    const events = await this.#journal.commit(change);
    written?.();
    for (const event of events) {
      this.#log.info({ event }, event.type);
      for (const listener of this.#listeners) this.#tell(listener, event, origin);
    }
  }

  #tell(listener: Listener, event: AppEvent, origin: Origin | undefined): void {
    try {
      listener(event, origin);
    } catch (error) {
      // one listener's fault is not the others', and not the operation's
      this.#log.error({ err: error, seq: event.seq }, 'a listener failed');
    }
  }

  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
