/** So many in a second, and so many at once: who takes more owes, and is served when the debt is paid by time. */

export type TokenBucket = {
  readonly take: () => void;
  /** Time until the next may be taken, in ms; 0: now. */
  readonly debtMs: () => number;
};

type Options = {
  readonly perSecond: number;
  readonly burst: number;
  /** Monotonic, in ms. */
  readonly now: () => number;
};

export function tokenBucket({ perSecond, burst, now }: Options): TokenBucket {
  let tokens = burst;
  let filledAt = now();

  function fill(): void {
    const at = now();
    tokens = Math.min(burst, tokens + ((at - filledAt) * perSecond) / 1000);
    filledAt = at;
  }

  return {
    take: () => {
      fill();
      tokens -= 1;
    },
    debtMs: () => {
      fill();
      return tokens >= 1 ? 0 : Math.ceil(((1 - tokens) * 1000) / perSecond);
    },
  };
}
