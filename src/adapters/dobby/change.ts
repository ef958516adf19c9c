/** Waiting for what others change, and for answers. */

/** Who waits looks again whenever something was told. */
export class Change {
  #next = Promise.withResolvers<null>();

  tell(): void {
    const { resolve } = this.#next;
    this.#next = Promise.withResolvers<null>();
    resolve(null);
  }

  /** What `look` finds first; undefined when the signal came before that. */
  async until<Found>(look: () => Found | undefined, signal: AbortSignal): Promise<Found | undefined> {
    const { promise: over, resolve } = Promise.withResolvers<null>();
    const end = (): void => {
      resolve(null);
    };
    signal.addEventListener('abort', end, { once: true });
    try {
      for (;;) {
        const found = look();
        if (found !== undefined || signal.aborted) return found;
        await Promise.race([this.#next.promise, over]);
      }
    } finally {
      signal.removeEventListener('abort', end);
    }
  }
}

type Patience<Answer> = {
  readonly signal: AbortSignal;
  /** What is thrown when the signal comes first. */
  readonly stopped: () => Error;
  /** Of an answer that came when nobody waited for it any more. */
  readonly late: ((answer: Answer) => void) | undefined;
};

/** An answer, waited for as long as the signal lets. */
export async function answerOrLate<Answer>(
  asked: Promise<Answer>,
  { signal, stopped, late }: Patience<Answer>,
): Promise<Answer> {
  const { promise: over, reject } = Promise.withResolvers<never>();
  const giveUp = (): void => {
    reject(stopped());
  };
  let isWaitedFor = true;
  const answer = asked.then((found) => {
    if (!isWaitedFor) late?.(found);
    return found;
  });
  signal.addEventListener('abort', giveUp, { once: true });
  if (signal.aborted) giveUp();
  try {
    return await Promise.race([answer, over]);
  } finally {
    isWaitedFor = false;
    answer.catch(() => undefined);
    over.catch(() => undefined);
    signal.removeEventListener('abort', giveUp);
  }
}
