/** Structured log of the daemon itself. */
export type Log = {
  readonly [Level in 'debug' | 'info' | 'warn' | 'error']: (facts: object, message: string) => void;
};
