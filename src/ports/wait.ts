/** The bounds of everything that waits: nobody waits without both. */
export type Wait = {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
};
