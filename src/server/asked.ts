/** One call, as the service sees it. */
import type { Origin } from '../domain/events.ts';
import type { Channel } from '../domain/exec.ts';
import type { ServiceCall } from './service.ts';

export type Asker = {
  /** Aborted when nobody is there any more to hear the answer. Made when it is asked for: few calls wait for anything. */
  readonly gone: () => AbortSignal;
  /** Absent where nothing can be told besides answers. */
  readonly channel?: Channel | undefined;
  /** For events: who asked. */
  readonly who?: string | undefined;
};

const NEVER = new AbortController().signal;

/**
 * A class, not a literal with a getter: V8 gives each such object a form (map) of its own, which keeps the getter and all that it
 * sees until the next full collection: every request was copied to the old generation.
 */
export class Asked implements ServiceCall {
  readonly #asker: Asker;
  readonly #isRead: boolean;
  readonly origin: Origin | undefined;

  constructor(asker: Asker, isRead: boolean, origin: Origin | undefined) {
    this.#asker = asker;
    this.#isRead = isRead;
    this.origin = origin;
  }

  get signal(): AbortSignal {
    return this.#isRead ? this.#asker.gone() : NEVER;
  }

  get gone(): () => AbortSignal {
    return this.#asker.gone;
  }

  get by(): string | undefined {
    return this.#asker.who;
  }

  get channel(): Channel | undefined {
    return this.#asker.channel;
  }
}
