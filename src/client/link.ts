/** One connection: answers find their calls, notifications their listeners. When it is lost it stays lost. */
import type { RuntimeError } from '../domain/errors.ts';
import { EXEC_OUTPUT } from '../domain/exec.ts';
import { readExecMessage } from '../domain/exec-message.ts';
import { bounded } from './bounded.ts';
import type { Bounds } from './bounded.ts';
import { heartbeat } from './heartbeat.ts';
import type { Heartbeat } from './heartbeat.ts';
import { pendingCalls } from './pending.ts';
import type { Ask } from './pending.ts';
import { givenUp, parseMessage } from './protocol.ts';
import type { Message } from './protocol.ts';
import type { OpenSocket, Socket } from './socket.ts';

/** Until a promise of it is settled nothing more is read, where that is possible. */
type Listener = (params: unknown) => unknown;

export type Link = {
  readonly call: (name: string, params: unknown, bounds: Bounds) => Promise<unknown>;
  /** Without a time limit of its own. */
  readonly ask: Ask;
  /** Calls back for each notification of this name; returns how to stop that. */
  readonly listen: (method: string, listener: Listener) => () => void;
  /** Calls back once, at the end; at once when it has ended. Returns how to stop that. */
  readonly onLost: (listener: (error: RuntimeError) => void) => () => void;
  readonly isLost: () => boolean;
  readonly close: () => void;
};

export type LinkOptions = {
  readonly open: OpenSocket;
  /** The error for a daemon that does not answer, or no longer: says where it was looked for and what to do. */
  readonly unreachable: (cause: unknown) => RuntimeError;
  readonly connectTimeoutMs?: number | undefined;
  /** Where the other end can vanish without a word; see heartbeat.ts. */
  readonly beatMs?: number | undefined;
};

const CONNECT_TIMEOUT_MS = 10_000;

/** Throws UNREACHABLE, or what `unreachable` makes of the reason; ABORTED with the signal. */
export async function openLink(options: LinkOptions, signal?: AbortSignal): Promise<Link> {
  const { open, unreachable, connectTimeoutMs = CONNECT_TIMEOUT_MS, beatMs } = options;
  if (signal?.aborted === true) throw givenUp('connect', signal.reason);
  const listeners = new Map<string, Listener>();
  const opened = Promise.withResolvers<undefined>();
  const end = ending();
  let beat: Heartbeat | undefined;

  const socket = open({
    onOpen: () => opened.resolve(undefined),
    onText: (text) => receive(parseMessage(text)),
    onBytes: (bytes) => receive(outputIn(bytes)),
    onClosed: (cause) => end.come(unreachable(cause)),
  });
  const taking = takingTime(socket, () => beat?.heard());
  const calls = pendingCalls(socket.send);
  end.listen((error) => {
    opened.reject(error);
    calls.failAll(error);
  });

  function receive(message: Message | undefined): void {
    beat?.heard();
    if (typeof message?.method === 'string') taking.wait(listeners.get(message.method)?.(message.params));
    else if (message !== undefined) calls.settle(message);
  }

  function close(error: RuntimeError): void {
    end.come(error);
    socket.close();
  }

  await opening(opened.promise, {
    ...{ signal, timeoutMs: connectTimeoutMs },
    giveUp: () => close(givenUp('connect', signal?.reason)),
    tooLate: () => close(unreachable(`no connection within ${connectTimeoutMs} ms`)),
  });
  if (beatMs !== undefined) {
    beat = heartbeat({
      beatMs,
      ask: () => void calls.ask('version', undefined, new AbortController().signal).catch(() => undefined),
      lose: () => {
        // its signs of life are not read while we take what it has sent
        if (!taking.isBusy()) close(unreachable('it has given no sign of life for a while'));
      },
    });
    end.listen(beat.stop);
  }
  return {
    ask: calls.ask,
    call: (name, params, bounds) => bounded(name, bounds, (ends) => calls.ask(name, params, ends)),
    listen: (method, listener) => {
      listeners.set(method, listener);
      return () => void listeners.delete(method);
    },
    onLost: end.listen,
    isLost: () => end.error() !== undefined,
    close: () => close(unreachable('the client was closed')),
  };
}

/** As if it had come by a notification. */
function outputIn(bytes: Uint8Array): Message | undefined {
  const output = readExecMessage(bytes);
  return output === undefined ? undefined : { method: `${output.stream}.${EXEC_OUTPUT}`, params: output };
}

/** A listener that takes long is not sent more: the daemon, and what it reads from, wait as well. */
function takingTime({ pause, resume }: Socket, onTaken: () => void) {
  let untaken = 0;
  const goOn = (): void => {
    onTaken();
    if (--untaken === 0) resume();
  };
  return {
    isBusy: () => untaken > 0,
    wait: (taken: unknown): void => {
      if (!(taken instanceof Promise)) return;
      if (++untaken === 1) pause();
      taken.then(goOn, goOn);
    },
  };
}

/** Comes once, with its reason. */
function ending() {
  const listeners = new Set<(error: RuntimeError) => void>();
  let reason: RuntimeError | undefined;
  return {
    error: () => reason,
    come: (error: RuntimeError) => {
      if (reason !== undefined) return;
      reason = error;
      for (const listener of listeners) listener(error);
    },
    listen: (listener: (error: RuntimeError) => void) => {
      if (reason === undefined) listeners.add(listener);
      else listener(reason);
      return () => void listeners.delete(listener);
    },
  };
}

type Opening = {
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number;
  readonly giveUp: () => void;
  readonly tooLate: () => void;
};

async function opening(opened: Promise<undefined>, { signal, timeoutMs, giveUp, tooLate }: Opening): Promise<void> {
  signal?.addEventListener('abort', giveUp, { once: true });
  const timer = setTimeout(tooLate, timeoutMs);
  try {
    await opened;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', giveUp);
  }
}
