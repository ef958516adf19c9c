/** Calls that wait for their answers. */
import type { RuntimeError } from '../domain/errors.ts';
import { requestText, resultOf } from './protocol.ts';
import type { Message } from './protocol.ts';

/** When `ends` is aborted nobody waits any more: throws its reason, and drops the answer. */
export type Ask = (name: string, params: unknown, ends: AbortSignal) => Promise<unknown>;

export type PendingCalls = {
  readonly ask: Ask;
  /** An answer has come; one that nobody waits for any more is dropped. */
  readonly settle: (message: Message) => void;
  /** Those that wait, and all that come. */
  readonly failAll: (error: RuntimeError) => void;
};

type Waiting = { readonly resolve: (message: Message) => void; readonly reject: (error: Error) => void };

/** Thunder's ids are 32 bits wide. */
const UINT32 = 2 ** 32;

export function pendingCalls(send: (text: string) => void): PendingCalls {
  const pending = new Map<number, Waiting>();
  let lastId = 0;
  let failed: RuntimeError | undefined;
  return {
    ask: async (name, params, ends) => {
      ends.throwIfAborted();
      if (failed !== undefined) throw failed;
      lastId = (lastId + 1) % UINT32;
      const id = lastId;
      const { promise, resolve, reject } = Promise.withResolvers<Message>();
      const stop = () => reject(ends.reason as Error);
      ends.addEventListener('abort', stop, { once: true });
      pending.set(id, { resolve, reject });
      try {
        send(requestText(id, name, params));
        return resultOf(await promise);
      } finally {
        pending.delete(id);
        ends.removeEventListener('abort', stop);
      }
    },
    settle: (message) => {
      if (typeof message.id === 'number') pending.get(message.id)?.resolve(message);
    },
    failAll: (error) => {
      failed = error;
      for (const { reject } of pending.values()) reject(error);
    },
  };
}
