/**
 * Calls under way to one Dobby. A call that nobody waits for any more keeps its slot until it is answered: Dobby keeps its own for
 * it, too, and with 49 of them taken it answers nobody any more (facts/dobby.md §0.2).
 */
export class Slots {
  readonly #most: number;
  readonly #waiting: (() => void)[] = [];
  #taken = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** True when there is one at last; false when the signal came first. */
  async take(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false;
    if (this.#taken < this.#most) {
      this.#taken++;
      return true;
    }
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const enter = (): void => {
      resolve(true);
    };
    const leave = (): void => {
      const at = this.#waiting.indexOf(enter);
      // handed over already: it is its owner's to give back
      if (at < 0) return;
      this.#waiting.splice(at, 1);
      resolve(false);
    };
    this.#waiting.push(enter);
    signal.addEventListener('abort', leave, { once: true });
    try {
      return await promise;
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }

  giveBack(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#taken--;
    else next();
  }
}
