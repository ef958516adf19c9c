/** How long the tools may take. */
import { RuntimeError } from '../../domain/errors.ts';
import type { Wait } from '../../ports/wait.ts';

/** What is left of a time limit, asked for anew before each step. */
export type TimeLeft = () => Wait;

/** Throws TIMED_OUT when nothing is left. */
export function countdown({ signal, timeoutMs }: Wait, what: string): TimeLeft {
  const endMs = performance.now() + timeoutMs;
  return () => {
    const leftMs = Math.ceil(endMs - performance.now());
    if (leftMs <= 0) throw new RuntimeError('TIMED_OUT', { what: `${what} took longer than ${timeoutMs} ms` });
    return { signal, timeoutMs: leftMs };
  };
}

/** An SD card, or a CPU that is wanted elsewhere: 2 MB/s. */
const SLOWEST_BYTES_PER_MS = 2000;

/** For work that nobody waits for: generous, but never for ever. */
export const patience =
  (bytes: number, signal: AbortSignal): TimeLeft =>
  () => ({ signal, timeoutMs: 60_000 + Math.ceil(bytes / SLOWEST_BYTES_PER_MS) });
