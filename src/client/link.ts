/** One connection: answers find their calls, notifications their listeners. When it is lost it stays lost. */
import type { RuntimeError } from '../domain/errors.ts';
import { pendingCalls } from './pending.ts';
import type { Call } from './pending.ts';
import { parseMessage } from './protocol.ts';
import type { OpenSocket } from './socket.ts';

export type Link = {
  readonly call: Call;
  /** Calls back for each notification of this name; returns how to stop that. */
  readonly listen: (method: string, listener: (params: unknown) => void) => () => void;
  /** Calls back once, at the end; at once when it has ended. */
  readonly onLost: (listener: (error: RuntimeError) => void) => void;
  readonly isLost: () => boolean;
  readonly close: () => void;
};

export type LinkOptions = {
  readonly open: OpenSocket;
  /** The error for a daemon that does not answer, or no longer: says where it was looked for and what to do. */
  readonly unreachable: (cause: unknown) => RuntimeError;
};

const CONNECT_TIMEOUT_MS = 10_000;

/** Throws UNREACHABLE. */
export async function openLink({ open, unreachable }: LinkOptions): Promise<Link> {
  const listeners = new Map<string, (params: unknown) => void>();
  const lostListeners = new Set<(error: RuntimeError) => void>();
  const opened = Promise.withResolvers<undefined>();
  let lost: RuntimeError | undefined;

  const socket = open({ onOpen: () => opened.resolve(undefined), onText: receive, onClosed: lose });
  const calls = pendingCalls(socket.send);

  function lose(cause: unknown): void {
    if (lost !== undefined) return;
    lost = unreachable(cause);
    opened.reject(lost);
    calls.failAll(lost);
    for (const listener of lostListeners) listener(lost);
  }

  function receive(text: string): void {
    const message = parseMessage(text);
    if (typeof message?.method === 'string') listeners.get(message.method)?.(message.params);
    else if (message !== undefined) calls.settle(message);
  }

  function close(cause: string): void {
    lose(cause);
    socket.close();
  }

  const timer = setTimeout(() => close(`no connection within ${CONNECT_TIMEOUT_MS} ms`), CONNECT_TIMEOUT_MS);
  await opened.promise.finally(() => clearTimeout(timer));
  return {
    call: async (...call) => {
      if (lost !== undefined) throw lost;
      return calls.call(...call);
    },
    listen: (method, listener) => {
      listeners.set(method, listener);
      return () => void listeners.delete(method);
    },
    onLost: (listener) => {
      if (lost === undefined) lostListeners.add(listener);
      else listener(lost);
    },
    isLost: () => lost !== undefined,
    close: () => close('the client was closed'),
  };
}
