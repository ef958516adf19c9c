/** The endpoint by TCP, with or without TLS. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server as HttpServer } from 'node:http';
import type { AddressInfo, DropArgument, Socket } from 'node:net';
import { isErrno, RuntimeError } from '../domain/errors.ts';
import type { Log } from '../ports/log.ts';
import { tcpGate } from './access.ts';
import type { AccessOptions } from './access.ts';
import { Admission, admitting, guardServer } from './admission.ts';
import type { Door, Endpoint } from './endpoint.ts';
import { HTTP_LIMITS, refuseBytes } from './http-limits.ts';
import { tokenBucket } from '../domain/token-bucket.ts';
import type { TokenBucket } from '../domain/token-bucket.ts';
import type { Gate } from './visitor.ts';

export type TcpOptions = AccessOptions & {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** PEM. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  readonly maxConnections: number;
  /** Of one connection; who calls more is read later. */
  readonly callsPerSecond: number;
};

export type TcpListener = {
  readonly address: AddressInfo;
  readonly server: HttpServer;
};

/** A peer that vanished without a word is noticed after about this time. */
const KEEP_ALIVE_MS = 30_000;

/** Throws when the port is taken or the certificate is none. */
export async function listenTcp(api: Endpoint, options: TcpOptions, log: Log): Promise<TcpListener> {
  const { host, port, maxConnections } = options;
  const admission = new Admission({ maxConnections, refused: api.refused, now: () => performance.now() });
  const door = api.door(admitting(pacing(tcpGate(options), options.callsPerSecond), admission));
  const server = await newServer(options, door);
  // callers, and those that have not shown who they are
  server.maxConnections = 2 * maxConnections;
  guardServer(server, admission, log);
  server.on('upgrade', door.onUpgrade);
  server.on('clientError', refuseBytes);
  server.on('drop', (peer?: DropArgument) => {
    api.refused(peer?.remoteAddress ?? '?', 'a connection', `there are ${2 * maxConnections} already`);
  });
  try {
    server.listen({ host: host.replace(/^\[(.*)\]$/, '$1'), port });
    await once(server, 'listening');
  } catch (cause) {
    const isTaken = isErrno(cause, 'EADDRINUSE');
    throw new RuntimeError(isTaken ? 'PORT_TAKEN' : 'INVALID_ARGUMENT', {
      what: `the daemon cannot listen at ${host}:${port}`,
      next: isTaken
        ? 'runtimectl doctor names who has it (Thunder itself often has 9998): choose another with listen or --listen'
        : 'choose an address that this machine has, and a port that it may use, with listen or --listen',
      cause,
    });
  }
  return { server, address: server.address() as AddressInfo };
}

async function newServer({ tls }: TcpOptions, door: Door): Promise<HttpServer> {
  const limits = { ...HTTP_LIMITS, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS, noDelay: true };
  const unheard = (): void => undefined; // told by `guardServer`, or by the failed `listen`
  if (tls === undefined) return createServer(limits, door.onRequest).on('error', unheard);
  // TLS is 3 MB that most daemons do without
  const { createServer: createTlsServer } = await import('node:https');
  try {
    const secure = { ...limits, ...tls, handshakeTimeout: HTTP_LIMITS.headersTimeout };
    return createTlsServer(secure, door.onRequest).on('error', unheard);
  } catch (cause) {
    throw new RuntimeError('INVALID_ARGUMENT', {
      what: 'the certificate or its key cannot be used',
      next: 'give PEM files that belong together as tls.cert and tls.key',
      cause,
    });
  }
}

/** One bucket for each connection, whatever goes over it. */
function pacing(gate: Gate, perSecond: number): Gate {
  const buckets = new WeakMap<Socket, TokenBucket>();
  return (request) => {
    const visitor = gate(request);
    if ('why' in visitor) return visitor;
    let pace = buckets.get(request.socket);
    if (pace === undefined) {
      pace = tokenBucket({ perSecond, burst: perSecond, now: () => performance.now() });
      buckets.set(request.socket, pace);
    }
    return { ...visitor, pace };
  };
}
