/**
 * The order of operations on one instance.
 *
 * INVARIANTS
 * - one operation at a time; the others wait in the order they came;
 * - who overtakes goes before all that wait, and the operation at work is told to stop (its signal), never cut off: it has to
 *   undo what it began before the next one starts;
 * - an operation that fails does not stop the queue.
 */
import { RuntimeError } from '../domain/errors.ts';

export type Work<Result> = (signal: AbortSignal) => Promise<Result>;
type Around = <Result>(work: () => Promise<Result>) => Promise<Result>;
type Entry = { readonly run: () => Promise<void> };

/** More than a caller can mean seriously; without a bound a stuck instance would collect calls for ever. */
const MAX_WAITING = 64;

export class Queue {
  readonly #around: Around;
  #waiting: Entry[] = [];
  #current: AbortController | undefined;

  /** `around`: carries out each work. */
  constructor(around: Around = (work) => work()) {
    this.#around = around;
  }

  get busy(): boolean {
    return this.#current !== undefined;
  }

  /** Runs `work` when everything before it is done. Throws BUSY. */
  push<Result>(work: Work<Result>): Promise<Result> {
    if (this.#waiting.length >= MAX_WAITING) {
      const what = `${MAX_WAITING} operations wait for this instance already`;
      return Promise.reject(new RuntimeError('BUSY', { what, next: 'wait, or kill the instance' }));
    }
    return this.#enter(work, (entry) => this.#waiting.push(entry));
  }

  /** Runs `work` before all that wait, and tells the operation at work to stop, with this reason. */
  overtake<Result>(reason: RuntimeError, work: Work<Result>): Promise<Result> {
    const done = this.#enter(work, (entry) => this.#waiting.unshift(entry));
    this.#current?.abort(reason);
    return done;
  }

  /** Tells the operation at work to stop, with this reason; what waits stays. */
  stop(reason: RuntimeError): void {
    this.#current?.abort(reason);
  }

  /** Runs `work` before all that wait, when the one at work is done; nobody is told to stop. */
  next<Result>(work: Work<Result>): Promise<Result> {
    return this.#enter(work, (entry) => this.#waiting.unshift(entry));
  }

  #enter<Result>(work: Work<Result>, place: (entry: Entry) => unknown): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      place({
        run: async () => {
          const controller = new AbortController();
          this.#current = controller;
          // what throws at once fails like what throws later: for its caller alone
          await this.#around(async () => work(controller.signal)).then(resolve, reject);
        },
      });
      // an entry never rejects
      if (this.#current === undefined) this.#drain().catch(reject);
    });
  }

  async #drain(): Promise<void> {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) await next.run();
    this.#current = undefined;
  }
}
