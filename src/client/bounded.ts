/** Work that ends with its caller's signal and time limit, whatever it waits for. */
import { givenUp, timedOut } from './protocol.ts';

export type Bounds = { readonly signal?: AbortSignal | undefined; readonly timeoutMs: number };

/** What timers can count; a longer time would be over at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Throws TIMED_OUT or ABORTED; `ends` then has the same error as its reason, and the work should stop. */
export async function bounded<Result>(
  name: string,
  { signal, timeoutMs }: Bounds,
  work: (ends: AbortSignal) => Promise<Result>,
): Promise<Result> {
  if (signal?.aborted === true) throw givenUp(name, signal.reason);
  const ends = new AbortController();
  const over = Promise.withResolvers<never>();
  const end = (error: Error) => {
    ends.abort(error);
    over.reject(error);
  };
  const giveUp = () => end(givenUp(name, signal?.reason));
  const timer = setTimeout(() => end(timedOut(name, timeoutMs)), Math.min(timeoutMs, MAX_TIMER_MS));
  signal?.addEventListener('abort', giveUp, { once: true });
  try {
    return await Promise.race([work(ends.signal), over.promise]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', giveUp);
  }
}
