/** Time, as an argument. */
export type Clock = {
  /** ISO 8601, UTC. */
  readonly now: () => string;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
};
