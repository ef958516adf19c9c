/** Bounds for work that nothing may interrupt (ending, giving back): it has its time, in milliseconds, and nobody stops it. */
export const unhurried = (timeoutMs: number): { readonly signal: AbortSignal; readonly timeoutMs: number } => ({
  signal: new AbortController().signal,
  timeoutMs,
});
