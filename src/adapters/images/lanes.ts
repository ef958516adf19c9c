/**
 * One thing at a time for each image, and none waits for another image. What a person waits for overtakes: work in the background
 * on the same image is stopped first.
 */
import { RuntimeError } from '../../domain/errors.ts';
import type { ContainerId } from '../../domain/ids.ts';

export class Lanes {
  readonly #tails = new Map<ContainerId, Promise<void>>();
  readonly #background = new Map<ContainerId, Set<AbortController>>();

  foreground<Result>(id: ContainerId, work: () => Promise<Result>): Promise<Result> {
    for (const one of this.#background.get(id) ?? []) one.abort('something more urgent was to be done with the image');
    return this.#enqueue(id, work);
  }

  async background<Result>(
    id: ContainerId,
    signal: AbortSignal,
    work: (signal: AbortSignal) => Promise<Result>,
  ): Promise<Result> {
    const own = new AbortController();
    const all = this.#background.get(id) ?? new Set();
    this.#background.set(id, all.add(own));
    try {
      return await this.#enqueue(id, () => work(AbortSignal.any([signal, own.signal])));
    } finally {
      all.delete(own);
      if (all.size === 0 && this.#background.get(id) === all) this.#background.delete(id);
    }
  }

  #enqueue<Result>(id: ContainerId, work: () => Promise<Result>): Promise<Result> {
    const result = (this.#tails.get(id) ?? Promise.resolve()).then(work);
    const tail = result.then(nothing, nothing).then(() => {
      if (this.#tails.get(id) === tail) this.#tails.delete(id);
    });
    this.#tails.set(id, tail);
    return result;
  }
}

const nothing = (): void => undefined;

/** Throws ABORTED. */
export function refuseAborted(signal: AbortSignal, what: string): void {
  if (signal.aborted) throw new RuntimeError('ABORTED', { what: `${what} was stopped`, cause: signal.reason });
}
