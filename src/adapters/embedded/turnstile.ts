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
    const { places, patienceMs, clock } = this.#options;
    if (this.#inside >= places) {
      const place = Promise.withResolvers<undefined>();
      const take = (): void => {
        place.resolve(undefined);
      };
      this.#waiting.push(take);
      await Promise.race([place.promise, clock.sleep(patienceMs)]);
      const at = this.#waiting.indexOf(take);
      if (at >= 0) this.#waiting.splice(at, 1);
    }
    this.#inside++;
    try {
      return await work();
    } finally {
      this.#inside--;
      this.#waiting.shift()?.();
    }
  }
}
