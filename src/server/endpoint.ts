/** JSON-RPC over HTTP and WebSocket, on whatever listens: answers requests and upgrades of a node:http server. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { RuntimeError } from '../domain/errors.ts';
import { JSON_RPC_PATH, MAX_MESSAGE_BYTES } from '../domain/wire.ts';
import type { Log } from '../ports/log.ts';
import { runningCalls } from './calls.ts';
import { GOING_AWAY, serveConnection } from './connection.ts';
import { answer, errorText } from './json-rpc.ts';
import type { Handler } from './json-rpc.ts';
import { methods } from './methods.ts';
import type { Caller } from './methods.ts';
import type { Service } from './service.ts';
import { eventHub } from './subscriptions.ts';

export type EndpointOptions = {
  readonly service: Service;
  readonly log: Log;
  /** A client for which more than this waits is dropped. */
  readonly maxBufferedBytes?: number | undefined;
};

export type Endpoint = {
  readonly onRequest: (request: IncomingMessage, response: ServerResponse) => void;
  readonly onUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** Takes no new call, gives the running ones this time, then closes every WebSocket. */
  readonly close: (timeoutMs: number) => Promise<void>;
};

const MAX_BUFFERED_BYTES = 4 * 2 ** 20;
/** For the close handshake; a peer that is silent is cut off. */
const CLOSE_TIMEOUT_MS = 1000;

export function endpoint({ service, log, maxBufferedBytes = MAX_BUFFERED_BYTES }: EndpointOptions): Endpoint {
  const hub = eventHub({ maxBufferedBytes });
  const unsubscribe = service.subscribe(hub.publish);
  const calls = runningCalls();
  const closing = new AbortController();
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    // every sub-protocol means JSON-RPC text; Thunder echoes the first
    handleProtocols: (protocols) => protocols.values().next().value ?? false,
  });

  const handlerFor = (caller: Caller): Handler => {
    const dispatch = methods(service, caller);
    return {
      dispatch: (designator, params) => {
        if (closing.signal.aborted) throw ending();
        return dispatch(designator, params);
      },
      reportFault: (fault, method) => log.error({ err: fault, method }, 'a call failed by a fault of ours'),
    };
  };
  const host = { handlerFor, hub, calls, log, maxBufferedBytes, closing: closing.signal };

  return {
    onRequest: (request, response) => {
      const gone = goneSignal(response, closing.signal);
      const serving = serveRequest(request, response, handlerFor({ gone }));
      void calls.track(serving).catch((error: unknown) => {
        log.debug({ err: error }, 'an HTTP request ended early');
        response.destroy();
      });
    },
    onUpgrade: (request, socket, head) => {
      socket.on('error', () => socket.destroy());
      if (!isJsonRpc(request) || closing.signal.aborted) {
        socket.end(NO_SUCH_SERVICE);
        return;
      }
      sockets.handleUpgrade(request, socket, head, (webSocket) => serveConnection(webSocket, host));
    },
    close: async (timeoutMs) => {
      closing.abort();
      if (!(await calls.drain(timeoutMs))) log.warn({ timeoutMs }, 'some calls still run; their callers get no answer');
      unsubscribe();
      await closeSockets(sockets);
    },
  };
}

const ending = (): RuntimeError =>
  new RuntimeError('ABORTED', { what: 'the daemon is ending', next: 'ask again when it has started anew' });

/** What Thunder answers to an upgrade elsewhere, word for word (facts/thunder.md §1.1). */
const NO_SUCH_SERVICE =
  'HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Type: text/plain\r\n\r\n' +
  'Could not find a correct service for this socket.';

function isJsonRpc(request: IncomingMessage): boolean {
  const path = (request.url ?? '').split('?', 1)[0];
  return path === JSON_RPC_PATH || path === `${JSON_RPC_PATH}/`;
}

function goneSignal(response: ServerResponse, closing: AbortSignal): AbortSignal {
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  return AbortSignal.any([gone.signal, closing]);
}

async function serveRequest(request: IncomingMessage, response: ServerResponse, handler: Handler): Promise<void> {
  if (!isJsonRpc(request)) {
    send(response, 404, `nothing is at this path; JSON-RPC is at ${JSON_RPC_PATH}`);
    return;
  }
  if (request.method !== 'POST') {
    response.setHeader('Allow', 'POST');
    send(response, 405, 'JSON-RPC only supported via POST request with a body');
    return;
  }
  const body = await readBody(request);
  if (body === undefined) {
    // what is still to come would be taken for the next request
    response.setHeader('Connection', 'close');
    const error = new RuntimeError('INVALID_ARGUMENT', {
      what: `the message is longer than ${MAX_MESSAGE_BYTES} bytes`,
    });
    send(response, 413, errorText(null, -32_600, error));
    return;
  }
  const reply = await answer(body, handler);
  if (reply === undefined) response.writeHead(204).end();
  else send(response, 200, reply);
}

function send(response: ServerResponse, status: number, text: string): void {
  const isJson = text.startsWith('{') || text.startsWith('[');
  response.writeHead(status, {
    'Content-Type': isJson ? 'application/json' : 'text/plain',
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  });
  response.end(text);
}

/** Undefined when it is too long. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > MAX_MESSAGE_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

async function closeSockets(sockets: WebSocketServer): Promise<void> {
  const clients = [...sockets.clients];
  const closed = clients.map((client) => new Promise((resolve) => client.once('close', resolve)));
  for (const client of clients) client.close(GOING_AWAY, 'the daemon is ending');
  const timer = setTimeout(() => {
    for (const client of clients) client.terminate();
  }, CLOSE_TIMEOUT_MS);
  await Promise.all(closed);
  clearTimeout(timer);
}
