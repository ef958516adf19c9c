/** How long the event log may become, and which of its oldest events go. Only the oldest go, so what is left has no holes. */

export type EventBounds = {
  readonly maxEvents: number;
  /** Of the whole of state.db. */
  readonly maxEventBytes: number;
  readonly maxEventAgeMs: number;
};

export type LogSize = {
  /** The oldest and the newest event kept. */
  readonly first: number;
  readonly last: number;
  /** Pages in use; a file never shrinks, but what is free in it is used again. */
  readonly usedBytes: number;
};

/**
 * Dropped at once, at most: some 5 ms of the event loop, and less than a megabyte of the write-ahead log. What is more, as after a
 * bound was lowered, goes step by step.
 */
export const PRUNE_LOT = 500;
/** However small the bounds: who reconnects soon misses nothing. */
const ALWAYS_KEPT = 1000;

/** The last event to be dropped now, `first - 1` when none is; `youngFrom`: the first of the next lot that is not too old. */
export function lastToDrop(
  { first, last, usedBytes }: LogSize,
  { maxEvents, maxEventBytes }: EventBounds,
  youngFrom: number,
): number {
  const tooMany = last - maxEvents;
  // in lots, so that few commits have to drop anything
  const byCount = tooMany - first + 1 >= PRUNE_LOT ? tooMany : first - 1;
  const bySize = usedBytes > maxEventBytes ? first + PRUNE_LOT - 1 : first - 1;
  const wanted = Math.max(byCount, bySize, youngFrom - 1);
  return Math.max(first - 1, Math.min(wanted, first + PRUNE_LOT - 1, last - ALWAYS_KEPT));
}
