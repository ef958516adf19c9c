/** One WebSocket to Thunder: answers find their calls by number, events go to one listener. When it is lost it stays lost. */
import { WebSocket, type RawData } from 'ws';
import { RuntimeError } from '../../domain/errors.ts';
import type { Wait } from '../../ports/wait.ts';
import { membersOf } from './answers.ts';
import { waitingCalls, type Calls } from './calls.ts';

export type Channel = {
  readonly call: Calls['call'];
  /** No call waits for its answer. */
  readonly isIdle: () => boolean;
  /** Tells no more events, and ends when the last of its calls has come to an end. */
  readonly retire: () => void;
  readonly close: () => void;
};

export type ChannelOptions = {
  readonly url: string;
  readonly token: string | undefined;
  readonly onEvent: (method: string, params: unknown) => void;
  /** A call had no answer in time: whatever comes after it may have none either. */
  readonly onStuck: () => void;
  /** Once, at the end of a channel, also of one that was never open. */
  readonly onLost: (error: RuntimeError) => void;
};

/** Thunder's clients in browsers use it, and every version takes it for JSON-RPC as text. */
const SUB_PROTOCOL = 'notification';
/** No answer that we ask for comes near it. */
const MAX_MESSAGE_BYTES = 2 ** 20;

/** Throws NEIGHBOUR_FAILED. */
export async function openChannel(options: ChannelOptions, { signal, timeoutMs }: Wait): Promise<Channel> {
  const opened = Promise.withResolvers<unknown>();
  let lost: RuntimeError | undefined;
  let retired = false;

  const calls = waitingCalls({
    // without a callback ws throws when the socket has closed meanwhile; its end is heard in 'close'
    send: (text) => {
      socket.send(text, () => undefined);
    },
    onStuck: options.onStuck,
    onDone: endIfRetired,
  });

  function lose(cause: unknown): void {
    if (lost !== undefined) return;
    lost = unreachable(options.url, cause);
    opened.reject(lost);
    calls.failAll(lost);
    socket.terminate();
    options.onLost(lost);
  }

  function receive(data: RawData, isBinary: boolean): void {
    const message = isBinary ? undefined : parse(data);
    // whoever says such things is not Thunder, or is out of step: nothing that follows could be trusted
    if (message === undefined) lose('what it sends is no JSON-RPC');
    else if (typeof message['method'] !== 'string' || 'id' in message) calls.settle(message['id'], message);
    else if (!retired) options.onEvent(message['method'], message['params']);
  }

  function endIfRetired(): void {
    if (retired && calls.count() === 0) lose('it was retired');
  }

  const socket = openSocket(options, timeoutMs, lose);
  socket.on('open', () => opened.resolve(null)).on('message', receive);
  socket.on('close', (code) => {
    lose(`the connection was closed (${code})`);
  });
  await unlessStopped(opened.promise, signal, lose);
  return {
    call: async (...call) => {
      if (lost !== undefined) throw lost;
      return calls.call(...call);
    },
    isIdle: () => calls.count() === 0,
    retire: () => {
      retired = true;
      endIfRetired();
    },
    close: () => {
      lose('the daemon ends');
    },
  };
}

/** Waits until it is open, or gives it up when the signal comes first. */
async function unlessStopped(
  opened: Promise<unknown>,
  signal: AbortSignal,
  lose: (why: unknown) => void,
): Promise<void> {
  const giveUp = (): void => {
    lose(signal.reason);
  };
  signal.addEventListener('abort', giveUp, { once: true });
  if (signal.aborted) giveUp();
  await opened.finally(() => signal.removeEventListener('abort', giveUp));
}

function openSocket({ url, token }: ChannelOptions, timeoutMs: number, onError: (error: Error) => void): WebSocket {
  const target = new URL(url);
  if (token !== undefined) target.searchParams.set('token', token);
  const socket = new WebSocket(target, SUB_PROTOCOL, {
    handshakeTimeout: timeoutMs,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    followRedirects: false,
  });
  return socket.on('error', onError);
}

function parse(data: RawData): Readonly<Record<string, unknown>> | undefined {
  try {
    // the default of ws: a message is one Buffer, however many frames it came in
    const message: unknown = JSON.parse((data as Buffer).toString());
    return Array.isArray(message) || typeof message !== 'object' || message === null ? undefined : membersOf(message);
  } catch {
    return undefined;
  }
}

const unreachable = (url: string, cause: unknown): RuntimeError =>
  new RuntimeError('NEIGHBOUR_FAILED', {
    what: `Thunder cannot be reached at ${url}`,
    next: 'start it, or correct thunder.url in the configuration',
    details: { refusal: 'unreachable' },
    cause,
  });
