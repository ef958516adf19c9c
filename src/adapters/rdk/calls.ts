/** Calls that wait for their answers on one channel. */
import { RuntimeError } from '../../domain/errors.ts';
import type { Wait } from '../../ports/wait.ts';
import { resultOf, type Answer } from './answers.ts';

export type Calls = {
  /** Throws NEIGHBOUR_FAILED, TIMED_OUT, ABORTED. */
  readonly call: (designator: string, params: unknown, wait: Wait) => Promise<unknown>;
  /** An answer has come; one that nobody waits for any more is dropped. */
  readonly settle: (id: unknown, answer: Answer) => void;
  readonly failAll: (error: RuntimeError) => void;
  readonly count: () => number;
};

type Options = {
  readonly send: (text: string) => void;
  /** A call had no answer in time. */
  readonly onStuck: () => void;
  /** A call has come to an end. */
  readonly onDone: () => void;
};

/** Thunder's ids are numbers of this width; it does not answer any other. */
const MAX_UINT32 = 2 ** 32 - 1;

export function waitingCalls({ send, onStuck, onDone }: Options): Calls {
  const waiting = new Map<number, PromiseWithResolvers<Answer>>();
  let lastId = 0;
  return {
    call: async (designator, params, { signal, timeoutMs }) => {
      if (signal.aborted) throw aborted(`Thunder's ${designator}`, signal.reason);
      lastId = (lastId % MAX_UINT32) + 1;
      const id = lastId;
      const answer = Promise.withResolvers<Answer>();
      const giveUp = (): void => {
        answer.reject(aborted(`Thunder's ${designator}`, signal.reason));
      };
      const timer = setTimeout(() => {
        onStuck();
        answer.reject(timedOut(`Thunder's ${designator}`, timeoutMs));
      }, timeoutMs);
      signal.addEventListener('abort', giveUp, { once: true });
      waiting.set(id, answer);
      try {
        send(JSON.stringify({ jsonrpc: '2.0', id, method: designator, params }));
        return resultOf(designator, await answer.promise);
      } finally {
        waiting.delete(id);
        clearTimeout(timer);
        signal.removeEventListener('abort', giveUp);
        onDone();
      }
    },
    settle: (id, answer) => waiting.get(Number(id))?.resolve(answer),
    failAll: (error) => {
      for (const { reject } of waiting.values()) reject(error);
    },
    count: () => waiting.size,
  };
}

export const timedOut = (what: string, timeoutMs: number): RuntimeError =>
  new RuntimeError('TIMED_OUT', {
    what: `${what} did not answer within ${timeoutMs} ms`,
    next: 'try again; if it stays so, restart the plugin or Thunder',
  });

export const aborted = (what: string, reason: unknown): RuntimeError =>
  reason instanceof RuntimeError
    ? reason
    : new RuntimeError('ABORTED', { what: `nobody waits for ${what} any more`, cause: reason });

/** Bounds a wait that others share. Throws TIMED_OUT, ABORTED. */
export async function within<Result>(what: string, shared: Promise<Result>, wait: Wait): Promise<Result> {
  const { signal, timeoutMs } = wait;
  const { promise: never, reject } = Promise.withResolvers<never>();
  const giveUp = (): void => {
    reject(aborted(what, signal.reason));
  };
  const timer = setTimeout(() => {
    reject(timedOut(what, timeoutMs));
  }, timeoutMs);
  signal.addEventListener('abort', giveUp, { once: true });
  if (signal.aborted) giveUp();
  try {
    return await Promise.race([shared, never]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', giveUp);
  }
}
