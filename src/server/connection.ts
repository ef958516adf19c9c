/** One WebSocket: its calls side by side, its events, and its end. */
import type { RawData, WebSocket } from 'ws';
import type { Log } from '../ports/log.ts';
import type { Calls } from './calls.ts';
import { answer } from './json-rpc.ts';
import type { Handler } from './json-rpc.ts';
import type { Caller } from './methods.ts';
import type { Hub } from './subscriptions.ts';

export type ConnectionHost = {
  readonly handlerFor: (caller: Caller) => Handler;
  readonly hub: Hub;
  readonly calls: Calls;
  readonly log: Log;
  readonly maxBufferedBytes: number;
  /** Aborted when the server ends: waiting reads are given up. */
  readonly closing: AbortSignal;
};

/** Close codes of RFC 6455 §7.4.1 and the IANA registry. */
export const GOING_AWAY = 1001;
const TRY_AGAIN_LATER = 1013;

/** With so many calls under way nothing more is read from the connection until one is done. */
const MAX_PENDING = 256;
/** A dropped peer that does not even read the close frame is cut off after this time. */
const DROP_TIMEOUT_MS = 2000;

export function serveConnection(socket: WebSocket, host: ConnectionHost): void {
  const { hub, calls, log, maxBufferedBytes } = host;
  const gone = new AbortController();
  const subscriber = { send, bufferedBytes: () => socket.bufferedAmount, drop };
  const subscriptions = hub.join(subscriber);
  const handler = host.handlerFor({ gone: AbortSignal.any([gone.signal, host.closing]), subscriptions });
  let pending = 0;

  // without a callback ws throws when the socket has closed meanwhile; its end is heard in 'close'
  function send(text: string): void {
    socket.send(text, () => undefined);
  }

  function drop(why: string): void {
    log.warn({ bufferedBytes: socket.bufferedAmount }, `a client is dropped: ${why}`);
    socket.close(TRY_AGAIN_LATER, 'too slow');
    const timer = setTimeout(() => socket.terminate(), DROP_TIMEOUT_MS);
    socket.once('close', () => clearTimeout(timer));
  }

  async function serve(text: string): Promise<void> {
    pending += 1;
    if (pending >= MAX_PENDING) socket.pause();
    const reply = await answer(text, handler);
    pending -= 1;
    if (pending < MAX_PENDING && socket.isPaused) socket.resume();
    if (reply === undefined || socket.readyState !== socket.OPEN) return;
    send(reply);
    if (socket.bufferedAmount > maxBufferedBytes + reply.length) drop('does not read its answers');
  }

  socket.on('message', (data) => void calls.track(serve(textOf(data))));
  // ws refuses what breaks the protocol or is too long with a close code; without a listener that would end the daemon
  socket.on('error', (error) => log.debug({ error: error.message }, 'a WebSocket client broke the protocol'));
  socket.on('close', () => {
    gone.abort();
    subscriptions.leave();
  });
}

function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString();
  return Buffer.isBuffer(data) ? data.toString() : Buffer.from(data).toString();
}
