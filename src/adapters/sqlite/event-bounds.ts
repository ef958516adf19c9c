/**
 * How long the event log may become, and how much of it goes. What is too old goes from the old end; what is too much goes from the
 * instance with the most events, so that one app's noise costs no other app its history, and from the old end where no instance has
 * more than its share (decision 0175).
 */

export type EventBounds = {
  readonly maxEvents: number;
  /** Of the whole of state.db. */
  readonly maxEventBytes: number;
  readonly maxEventAgeMs: number;
};

export type LogSize = {
  readonly events: number;
  /** Pages in use; a file never shrinks, but what is free in it is used again. */
  readonly usedBytes: number;
};

/**
 * Dropped at once, at most: some 5 ms of the event loop, and less than a megabyte of the write-ahead log. What is more, as after a
 * bound was lowered, goes step by step.
 */
export const PRUNE_LOT = 500;
/** The newest, however small the bounds: a client that reconnects soon misses nothing. */
export const ALWAYS_KEPT = 1000;
const SHARES = 64;
const LEAST_SHARE = 100;

/** Events of one instance that are never dropped for another one's. */
export const shareOf = ({ maxEvents }: EventBounds): number => Math.max(LEAST_SHARE, Math.floor(maxEvents / SHARES));

/** How many events are too many, at most a lot; in whole lots, so that few commits have to drop anything. */
export function surplusOf({ events, usedBytes }: LogSize, { maxEvents, maxEventBytes }: EventBounds): number {
  const isTooLong = events - maxEvents >= PRUNE_LOT;
  return isTooLong || usedBytes > maxEventBytes ? PRUNE_LOT : 0;
}
