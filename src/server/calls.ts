/** The calls that are being carried out, so that a clean end can wait for them. */
import { setTimeout as sleep } from 'node:timers/promises';

export type Calls = {
  readonly track: <Result>(call: Promise<Result>) => Promise<Result>;
  /** False when some still ran after this time. */
  readonly drain: (timeoutMs: number) => Promise<boolean>;
};

export function runningCalls(): Calls {
  const running = new Set<Promise<unknown>>();
  return {
    track: async (call) => {
      running.add(call);
      try {
        return await call;
      } finally {
        running.delete(call);
      }
    },
    drain: async (timeoutMs) => {
      const timer = new AbortController();
      const late = sleep(timeoutMs, false, { signal: timer.signal }).catch(() => false);
      const drained = await Promise.race([Promise.allSettled(running).then(() => true), late]);
      timer.abort();
      return drained;
    },
  };
}
