/** One WebSocket: its calls side by side, its events, and its end. */
import { isUtf8 } from 'node:buffer';
import type { RawData, WebSocket } from 'ws';
import type { Log } from '../ports/log.ts';
import type { Calls } from './calls.ts';
import { sendBytes, sendText } from './fragments.ts';
import { answer, parseError } from './json-rpc.ts';
import type { Handler } from './json-rpc.ts';
import type { Caller } from './methods.ts';
import type { Hub } from './subscriptions.ts';
import type { Guest, Visitor } from './visitor.ts';

export type ConnectionHost = Pick<Visitor, 'who' | 'pace' | 'guest'> & {
  readonly handlerFor: (caller: Caller) => Handler;
  readonly hub: Hub;
  readonly calls: Calls;
  readonly log: Log;
  readonly maxBufferedBytes: number;
  /** Called before each answer is written. */
  readonly joinWrites: () => void;
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
  const { hub, calls, log, maxBufferedBytes, joinWrites, who, pace } = host;
  const drop = dropping(socket, host);
  const gone = new AbortController();
  const send = (text: string) => sendText(socket, text);
  const subscriptions = hub.join({ send, bufferedBytes: () => socket.bufferedAmount, drop });
  const channel = { notify: notifying(socket), sendBytes: (message: Uint8Array) => sendBytes(socket, message) };
  const handler = host.handlerFor({ gone: () => AbortSignal.any([gone.signal, host.closing]), subscriptions, channel });
  let pending = 0;
  let waiting: NodeJS.Timeout | undefined;
  /** A pause stops the socket, not the frames that ws has read from it already. */
  const waitingTexts: { readonly value: string | undefined }[] = [];

  /** Nothing is lost and nobody gets an error: who calls too much is read later. */
  function regulate(): void {
    clearTimeout(waiting);
    let debtMs = 0;
    while (waitingTexts.length > 0 && pending < MAX_PENDING) {
      debtMs = pace?.debtMs() ?? 0;
      if (debtMs > 0) break;
      const text = waitingTexts.shift();
      if (text !== undefined) calls.track(serve(text.value)).catch(failing(socket, host));
    }
    if (debtMs > 0) waiting = setTimeout(regulate, debtMs);
    if (waitingTexts.length > 0) socket.pause();
    else if (socket.isPaused) socket.resume();
  }

  async function serve(text: string | undefined): Promise<void> {
    pending += 1;
    const origin = subscriptions.answers.expect();
    const reply =
      text === undefined ? parseError('the message is not UTF-8').text : await answer(text, handler, origin);
    pending -= 1;
    if (waitingTexts.length > 0) regulate();
    if (reply !== undefined && socket.readyState === socket.OPEN) give(reply);
    subscriptions.answers.answered(origin);
  }

  function give(reply: string): void {
    joinWrites();
    send(reply);
    if (socket.bufferedAmount > maxBufferedBytes + reply.length) drop('does not read its answers');
  }

  keepPlace(socket, host.guest, () => pending > 0 || subscriptions.listens());
  socket.on('message', (data, isBinary) => {
    waitingTexts.push({ value: textOf(data, isBinary) });
    regulate();
  });
  // ws refuses what breaks the protocol or is too long with a close code
  socket.on('error', (error) => log.debug({ who, error: error.message }, 'a WebSocket client broke the protocol'));
  socket.on('close', () => {
    waitingTexts.length = 0;
    clearTimeout(waiting);
    gone.abort();
    subscriptions.leave();
  });
}

const notifying =
  (socket: WebSocket) =>
  (method: string, params: object): Promise<void> =>
    new Promise((resolve) => sendText(socket, JSON.stringify({ jsonrpc: '2.0', method, params }), resolve));

const dropping =
  (socket: WebSocket, { log, who }: ConnectionHost) =>
  (why: string): void => {
    log.warn({ who, bufferedBytes: socket.bufferedAmount }, `a client is dropped: ${why}`);
    socket.close(TRY_AGAIN_LATER, 'too slow');
    setTimeout(() => socket.terminate(), DROP_TIMEOUT_MS).unref();
  };

/** Its place among the connections of the listener. */
function keepPlace(socket: WebSocket, guest: Guest | undefined, listens: () => boolean): void {
  if (guest === undefined) return;
  guest.listens = listens;
  socket.on('message', () => {
    guest.usedAt = performance.now();
  });
}

const failing =
  (socket: WebSocket, { log, who }: ConnectionHost) =>
  (error: unknown): void => {
    log.error({ err: error, who }, 'a WebSocket failed by a fault of ours');
    socket.terminate();
  };

/** Undefined for what is no text; ws has looked at text frames itself. */
function textOf(data: RawData, isBinary: boolean): string | undefined {
  const bytes = Array.isArray(data) ? Buffer.concat(data) : Buffer.isBuffer(data) ? data : Buffer.from(data);
  return isBinary && !isUtf8(bytes) ? undefined : bytes.toString();
}
