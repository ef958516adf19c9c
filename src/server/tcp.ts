/** The endpoint by TCP, with or without TLS. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server as HttpServer } from 'node:http';
import type { AddressInfo, DropArgument, Socket } from 'node:net';
import { isErrno, RuntimeError } from '../domain/errors.ts';
import { tcpGate } from './access.ts';
import type { AccessOptions } from './access.ts';
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
export async function listenTcp(api: Endpoint, options: TcpOptions): Promise<TcpListener> {
  const { host, port, maxConnections } = options;
  const door = api.door(pacing(tcpGate(options), options.callsPerSecond));
  const server = await newServer(options, door);
  server.maxConnections = maxConnections;
  server.on('upgrade', door.onUpgrade);
  server.on('clientError', refuseBytes);
  server.on('drop', (peer?: DropArgument) => {
    api.refused(peer?.remoteAddress ?? '?', 'a connection', `there are ${maxConnections} already`);
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
  if (tls === undefined) return createServer(limits, door.onRequest);
  // TLS is 3 MB that most daemons do without
  const { createServer: createTlsServer } = await import('node:https');
  try {
    return createTlsServer({ ...limits, ...tls, handshakeTimeout: HTTP_LIMITS.headersTimeout }, door.onRequest);
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
