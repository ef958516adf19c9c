/** Calls that wait for their answers. */
import type { RuntimeError } from '../domain/errors.ts';
import { givenUp, requestText, resultOf, timedOut } from './protocol.ts';
import type { CallOptions, Message } from './protocol.ts';

export type Call = (
  name: string,
  params: unknown,
  options: CallOptions & { readonly timeoutMs: number },
) => Promise<unknown>;

export type PendingCalls = {
  readonly call: Call;
  /** An answer has come; one that nobody waits for any more is dropped. */
  readonly settle: (message: Message) => void;
  readonly failAll: (error: RuntimeError) => void;
};

type Waiting = { readonly resolve: (message: Message) => void; readonly reject: (error: RuntimeError) => void };

/** Thunder's ids are 32 bits wide. */
const UINT32 = 2 ** 32;

export function pendingCalls(send: (text: string) => void): PendingCalls {
  const pending = new Map<number, Waiting>();
  let lastId = 0;
  return {
    call: async (name, params, { signal, timeoutMs }) => {
      if (signal?.aborted === true) throw givenUp(name, signal.reason);
      lastId = (lastId + 1) % UINT32;
      const id = lastId;
      const { promise, resolve, reject } = Promise.withResolvers<Message>();
      const timer = setTimeout(() => reject(timedOut(name, timeoutMs)), timeoutMs);
      const abort = () => reject(givenUp(name, signal?.reason));
      signal?.addEventListener('abort', abort, { once: true });
      pending.set(id, { resolve, reject });
      try {
        send(requestText(id, name, params));
        return resultOf(await promise);
      } finally {
        pending.delete(id);
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
      }
    },
    settle: (message) => {
      if (typeof message.id === 'number') pending.get(message.id)?.resolve(message);
    },
    failAll: (error) => {
      for (const { reject } of pending.values()) reject(error);
    },
  };
}
