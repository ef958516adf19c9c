/**
 * Whom Dobby had when it was asked last. A plugin between says neither that Dobby has ended nor that it has begun anew: then all that
 * it had is gone at once, and no end is told of any.
 */
export class Roll {
  /** Name → descriptor. */
  readonly #there = new Map<string, number>();
  readonly #lost = new Set<string>();

  add(name: string, descriptor: number): void {
    this.#lost.delete(name);
    this.#there.set(name, descriptor);
  }

  /** Its end was told. */
  strike(name: string): void {
    this.#lost.delete(name);
    this.#there.delete(name);
  }

  /** All that there are. One that is missing stays on the roll while others are there: the list may be older than its start. */
  compare(listed: ReadonlyMap<string, number>): void {
    const had = [...this.#there];
    if (!had.some(([name, descriptor]) => listed.get(name) === descriptor)) {
      for (const [name] of had) this.#lost.add(name);
      this.#there.clear();
    }
    for (const [name, descriptor] of listed) this.add(name, descriptor);
  }

  isLost(name: string): boolean {
    return this.#lost.has(name);
  }

  /** Ends may not have been heard. */
  clear(): void {
    this.#there.clear();
  }
}
