/** JSON-RPC over HTTP and WebSocket, on whatever listens: answers requests and upgrades of node:http servers. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { RuntimeError } from '../domain/errors.ts';
import { CALLSIGN, MAX_MESSAGE_BYTES, VIEW_PROTOCOLS, viewedAt } from '../domain/wire.ts';
import type { ProfileName } from '../domain/wire.ts';
import type { Log } from '../ports/log.ts';
import { runningCalls } from './calls.ts';
import type { Calls } from './calls.ts';
import { GOING_AWAY, serveConnection } from './connection.ts';
import { joinedWrites } from './joined-writes.ts';
import { pageFileAt, servePage } from './http-pages.ts';
import type { Handler } from './json-rpc.ts';
import { methods } from './methods.ts';
import type { Caller, Witness } from './methods.ts';
import { Meter } from './metrics/meter.ts';
import { METRICS_PATH, serveMetrics } from './metrics/serve.ts';
import { witnessOf } from './metrics/witness.ts';
import type { MetricsHost } from './metrics/sample.ts';
import { LagWatch } from './metrics/lag.ts';
import { placeOf } from './path.ts';
import { PROFILES } from './profile.ts';
import type { Profile } from './profile.ts';
import { refuseRequest, serveRequest } from './request.ts';
import type { Service } from './service.ts';
import { eventHub } from './subscriptions.ts';
import type { Hub } from './subscriptions.ts';
import { acceptUnmasked, unmaskedWorks } from './unmasked.ts';
import { refusalLog } from './visitor.ts';
import type { Gate, RefusalLog, Visitor } from './visitor.ts';

export type EndpointOptions = {
  readonly service: Service;
  readonly log: Log;
  /** Whose error codes and forms the clients expect; `r4` when absent. */
  readonly profile?: ProfileName | undefined;
  /** Of the files that browsers get; none when absent. */
  readonly pageDirectory?: string | undefined;
  /** A client for which more than this waits is dropped. */
  readonly maxBufferedBytes?: number | undefined;
};

/** What one listener hands over. */
export type Door = {
  readonly onRequest: (request: IncomingMessage, response: ServerResponse) => void;
  readonly onUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
};

export type Endpoint = {
  readonly door: (gate: Gate) => Door;
  /** For what a listener refuses by itself. */
  readonly refused: RefusalLog;
  /** Takes no new call, gives the running ones this time, then closes every WebSocket. */
  readonly close: (timeoutMs: number) => Promise<void>;
};

const MAX_BUFFERED_BYTES = 4 * 2 ** 20;
/** For the close handshake; a peer that is silent is cut off. */
const CLOSE_TIMEOUT_MS = 1000;

export function endpoint(options: EndpointOptions): Endpoint {
  const { service, log, profile: profileName = 'r4', maxBufferedBytes = MAX_BUFFERED_BYTES } = options;
  const profile = PROFILES[profileName];
  const catchUp = { callsign: CALLSIGN, state: 'Activated', reason: 'Startup' } as const;
  const hub = eventHub({ maxBufferedBytes, ...(profile.catchesUp && { catchUp }) });
  const meter = new Meter();
  const unsubscribe = service.subscribe((event, origin) => {
    meter.event(event);
    hub.publish(event, origin);
  });
  const calls = runningCalls();
  const closing = new AbortController();
  const sockets = webSocketServer();
  const logRefusal = refusalLog(log, () => performance.now());
  const refused: RefusalLog = (who, what, why) => {
    meter.refused++;
    logRefusal(who, what, why);
  };
  const lag = new LagWatch();
  if (!unmaskedWorks()) log.warn({}, "this version of ws refuses the frames of Thunder's C++ client");
  const { pageDirectory } = options;
  const host = {
    ...{ pageDirectory, service, hub, calls, log, profile, sockets, refused, maxBufferedBytes, meter, lag },
    ...{ closing: closing.signal, witness: witnessOf({ service, log, meter }) },
  };
  return {
    refused,
    door: (gate) => ({
      onRequest: (request, response) => onRequest(host, gate, { request, response }),
      onUpgrade: (request, socket, head) => onUpgrade(host, gate, { request, socket, head }),
    }),
    close: async (timeoutMs) => {
      closing.abort();
      if (!(await calls.drain(timeoutMs))) log.warn({ timeoutMs }, 'some calls still run; their callers get no answer');
      unsubscribe();
      lag[Symbol.dispose]();
      hub.flush();
      hub.stateChange({ callsign: CALLSIGN, state: 'Deactivated', reason: 'Shutdown' });
      await closeSockets(sockets);
    },
  };
}

type Host = {
  readonly pageDirectory: string | undefined;
  readonly service: Service;
  readonly hub: Hub;
  readonly calls: Calls;
  readonly log: Log;
  readonly profile: Profile;
  readonly sockets: WebSocketServer;
  readonly refused: RefusalLog;
  readonly maxBufferedBytes: number;
  readonly closing: AbortSignal;
  readonly meter: Meter;
  readonly lag: LagWatch;
  readonly witness: Witness;
};

/** Carries out the calls of one visitor. */
function handlerFor(host: Host, caller: Caller, { who, role, pace }: Visitor): Handler {
  const { profile, hub, log, witness } = host;
  const dispatch = methods(host.service, { ...caller, who, profile, role, observers: hub.observers, witness });
  return {
    profile,
    dispatch: async (designator, params, origin) => {
      if (host.closing.aborted) throw ending();
      pace?.take();
      try {
        return await dispatch(designator, params, origin);
      } catch (error) {
        const isRefused = error instanceof RuntimeError && error.code === 'PERMISSION_DENIED';
        if (isRefused) host.refused(who, designator, error.what);
        throw error;
      }
    },
    reportFault: (fault, method) => log.error({ err: fault, method }, 'a call failed by a fault of ours'),
  };
}

type HttpExchange = { readonly request: IncomingMessage; readonly response: ServerResponse };

function onRequest(host: Host, gate: Gate, { request, response }: HttpExchange): void {
  const { calls, profile, log, closing } = host;
  const visitor = gate(request);
  const page = pageFor(host, request);
  if (page !== undefined && (!('why' in visitor) || visitor.status === 401)) {
    void calls.track(page({ request, response })).catch((error: unknown) => {
      log.warn({ err: error }, 'a page could not be served');
      response.destroy();
    });
    return;
  }
  if ('why' in visitor) {
    host.refused(visitor.who, `${request.method ?? ''} ${placeText(request)}`, visitor.why);
    refuseRequest(response, visitor.status, visitor.why);
    return;
  }
  holdWhileServed(visitor, response);
  const place = placeOf(request.url);
  const handler = handlerFor(host, { gone: () => goneSignal(response, closing), ...place }, visitor);
  const serving =
    placeText(request) === METRICS_PATH
      ? serveMetrics(metricsHost(host), request, response)
      : serveRequest({ request, response, place, profile, visitor, handler });
  void calls.track(serving).catch((error: unknown) => {
    log.debug({ err: error }, 'an HTTP request ended early');
    response.destroy();
  });
}

/** A connection with a request under way is not a silent one. */
function holdWhileServed({ guest }: Visitor, response: ServerResponse): void {
  if (guest === undefined) return;
  guest.busy++;
  response.on('close', () => {
    guest.busy--;
  });
}

const metricsHost = ({ service, meter, hub, sockets, lag }: Host): MetricsHost => ({
  ...{ service, meter, lag },
  subscribers: hub.observers(),
  dropped: hub.dropped(),
  connections: sockets.clients.size,
});

/** What answers where a page is asked for. A browser has no token yet when it opens one; its host and origin count. */
function pageFor({ pageDirectory }: Host, { method, url }: IncomingMessage) {
  const name = method === 'GET' || method === 'HEAD' ? pageFileAt(url) : undefined;
  if (pageDirectory === undefined || name === undefined) return undefined;
  return (exchange: HttpExchange) => servePage(exchange, pageDirectory, name);
}

type Upgrade = { readonly request: IncomingMessage; readonly socket: Duplex; readonly head: Buffer };

function onUpgrade(host: Host, gate: Gate, { request, socket, head }: Upgrade): void {
  socket.on('error', () => socket.destroy());
  const visitor = gate(request);
  const place = placeOf(request.url);
  const viewed = viewedBy(request);
  if ('why' in visitor) {
    host.refused(visitor.who, `WebSocket ${placeText(request)}`, visitor.why);
    socket.end(plain('403 Forbidden', 'Security prohibites this connection.'));
  } else if (viewed !== undefined && !host.closing.aborted) {
    onView(host, { request, socket, head }, { visitor, appInstanceId: viewed });
  } else if (place === undefined || place.isService || host.closing.aborted) {
    socket.end(plain('503 Service Unavailable', 'Could not find a correct service for this socket.'));
  } else {
    host.sockets.handleUpgrade(request, socket, head, (webSocket) => {
      acceptUnmasked(webSocket);
      const { who, pace, guest } = visitor;
      const own = (caller: Caller): Handler => handlerFor(host, { ...caller, ...place }, visitor);
      serveConnection(webSocket, { ...host, who, pace, guest, handlerFor: own, joinWrites: joinedWrites(socket) });
    });
  }
}

type Look = { readonly visitor: Visitor; readonly appInstanceId: string };

function onView(host: Host, { request, socket, head }: Upgrade, { visitor, appInstanceId }: Look): void {
  const { who, role, guest } = visitor;
  const { service, log, sockets } = host;
  if (guest !== undefined) guest.listens = () => true;
  const offered = request.headers['sec-websocket-protocol']?.split(/, */) ?? [];
  if (offered.includes(VIEW_PROTOCOLS[role])) request.headers['sec-websocket-protocol'] = VIEW_PROTOCOLS[role];
  sockets.handleUpgrade(request, socket, head, (webSocket) => {
    // at once: without a listener an error would end the daemon
    webSocket.on('error', (error) => log.debug({ who, error: error.message }, 'a viewer broke the protocol'));
    const open = (gone: AbortSignal) => service.openView(appInstanceId, AbortSignal.any([gone, host.closing]));
    // few look, so its code is read when somebody does
    const looking = import('./view.ts').then(({ serveView }) =>
      serveView(webSocket, { open, role, log, viewer: { who, appInstanceId } }),
    );
    looking.catch((error: unknown) => {
      log.error({ err: error }, 'a view failed by a fault of ours');
      webSocket.terminate();
    });
  });
}

/** Undefined for what is no name at all, too. */
function viewedBy(request: IncomingMessage): string | undefined {
  try {
    return viewedAt(placeText(request));
  } catch {
    return undefined;
  }
}

const webSocketServer = (): WebSocketServer =>
  new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    // every sub-protocol means JSON-RPC text; Thunder echoes the first
    handleProtocols: (protocols) => protocols.values().next().value ?? false,
    // noServer: errors are those of its sockets, and told there
  }).on('error', () => undefined);

const ending = (): RuntimeError =>
  new RuntimeError('ABORTED', { what: 'the daemon is ending', next: 'ask again when it has started anew' });

/** What Thunder answers to an upgrade that comes to nothing, word for word (facts/thunder.md §1.1, §1.2). */
const plain = (status: string, text: string): string =>
  `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: ${text.length}\r\n\r\n${text}`;

/** For the log: the query may hold a token. */
const placeText = ({ url }: IncomingMessage): string => (url ?? '').split('?', 1)[0] ?? '';

function goneSignal(response: ServerResponse, closing: AbortSignal): AbortSignal {
  const gone = new AbortController();
  if (response.closed) gone.abort();
  else response.on('close', () => gone.abort());
  return AbortSignal.any([gone.signal, closing]);
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
