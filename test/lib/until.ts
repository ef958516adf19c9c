/** Waiting for something to become true, in place of sleeping. */
import { setTimeout as sleep } from 'node:timers/promises';

type Bounds = {
  /** What is waited for, for the person who reads that it did not come. */
  readonly what: string;
  readonly timeoutMs?: number;
  readonly pollMs?: number;
};

const TIMEOUT_MS = 15_000;
const POLL_MS = 5;

type Truthy<Value> = Exclude<Value, false | null | undefined | '' | 0>;

/** The first result of `condition` that is not falsy. Throws when the time is over, with the last error of `condition`. */
export async function until<Value>(
  condition: () => Value | Promise<Value>,
  { what, timeoutMs = TIMEOUT_MS, pollMs = POLL_MS }: Bounds,
): Promise<Truthy<Awaited<Value>>> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    let cause: unknown;
    try {
      const value = await condition();
      if (value) return value as Truthy<Awaited<Value>>;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > deadline) throw new Error(`${what}: not so after ${timeoutMs} ms`, { cause });
    await sleep(pollMs);
  }
}
