/**
 * How many containers are made at once. Making one is work for the processors, and more at once make none faster; but they keep
 * the daemon's own forks waiting, and with them every other caller. Nobody waits long for a place, though: a runtime that hangs
 * must hold up its own instance alone.
 */
import type { Clock } from '../../ports/clock.ts';

type Options = { readonly places: number; readonly patienceMs: number; readonly clock: Clock };

export class Turnstile {
  readonly #options: Options;
  readonly #waiting: (() => void)[] = [];
  #inside = 0;

  constructor(options: Options) {
    this.#options = options;
  }

  /** Does the work when there is a place, or when patience is at its end. */
  async pass<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#inside >= this.#options.places) await this.#wait();
    this.#inside++;
    try {
      return await work();
    } finally {
      this.#inside--;
      this.#waiting.shift()?.();
    }
  }

  async #wait(): Promise<void> {
    const { patienceMs, clock } = this.#options;
    const place = new AbortController();
    const take = (): void => {
      place.abort();
    };
    this.#waiting.push(take);
    // a place that becomes free ends the sleep
    await clock.sleep(patienceMs, place.signal).catch(() => undefined);
    const at = this.#waiting.indexOf(take);
    if (at >= 0) this.#waiting.splice(at, 1);
  }
}
