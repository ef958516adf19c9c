/** How long calls had to wait for the daemon itself. */
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** In seconds, since the last page; 0 for the first one. */
export type Lag = { readonly max: number; readonly p99: number };

const RESOLUTION_MS = 50;
const UNASKED_MS = 180_000;

/** Measured by a timer that wakes the processor: only as long as somebody asks for it. */
export class LagWatch implements Disposable {
  #watch: ReturnType<typeof monitorEventLoopDelay> | undefined;
  #idle: NodeJS.Timeout | undefined;

  /** Since the last call. */
  take(): Lag {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this[Symbol.dispose](), UNASKED_MS).unref();
    const watch = this.#watch;
    if (watch === undefined) {
      this.#watch = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
      this.#watch.enable();
      return { max: 0, p99: 0 };
    }
    // the timer's own pause is part of what is measured
    const late = (ns: number): number => Math.max(0, ns / 1e9 - RESOLUTION_MS / 1000);
    const lag = watch.count === 0 ? { max: 0, p99: 0 } : { max: late(watch.max), p99: late(watch.percentile(99)) };
    watch.reset();
    return lag;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#idle);
    this.#watch?.disable();
    this.#watch = undefined;
  }
}
