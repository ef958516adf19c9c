/** Where the endpoint listens: the unix socket, and TCP when asked for. The only place of the server that touches sockets and files. */
import { once } from 'node:events';
import { chownSync } from 'node:fs';
import { lstat, unlink } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { Server as HttpServer } from 'node:http';
import { connect, Server as NetServer } from 'node:net';
import { isErrno, RuntimeError } from '../domain/errors.ts';
import type { DeviceProblem } from '../domain/health.ts';
import { JSON_RPC_PATH, MAX_SOCKET_PATH_BYTES } from '../domain/wire.ts';
import { Admission, admitting, guardServer } from './admission.ts';
import { endpoint } from './endpoint.ts';
import type { EndpointOptions } from './endpoint.ts';
import { HTTP_LIMITS, refuseBytes } from './http-limits.ts';
import { keepSocket } from './http-socket.ts';
import { listenTcp } from './tcp.ts';
import type { TcpListener, TcpOptions } from './tcp.ts';
import { openGate } from './visitor.ts';

export type ServerOptions = EndpointOptions & {
  /** In a directory that exists. */
  readonly socketPath: string;
  /** Members of this group may call, besides root. */
  readonly groupId?: number | undefined;
  /** By TCP too. */
  readonly tcp?: TcpOptions | undefined;
  /** By the unix socket; 1024 when absent. */
  readonly maxConnections?: number | undefined;
};

export type Server = {
  /** Where it is reached by TCP. */
  readonly url: string | undefined;
  /** Of the control socket, where somebody removed or replaced it. */
  readonly problems: () => readonly DeviceProblem[];
  /** Stops listening, removes the socket file, gives running calls this time and closes every connection. */
  readonly close: (timeoutMs: number) => Promise<void>;
};

/** Takes from everybody but owner and group what 0777 would give: 0660. */
const SOCKET_UMASK = 0o117;
const PROBE_TIMEOUT_MS = 2000;
const MAX_CONNECTIONS = 1024;
/** Of callers that come when there is no place, until another has made room. */
const SPARE_CONNECTIONS = 16;

/** Throws ALREADY_RUNNING when somebody answers at this path, INVALID_ARGUMENT when the path cannot be a socket's. */
export async function startServer({
  socketPath,
  groupId,
  tcp,
  maxConnections = MAX_CONNECTIONS,
  ...options
}: ServerOptions): Promise<Server> {
  checkPath(socketPath);
  await removeStaleSocket(socketPath);
  const api = endpoint(options);
  const admission = new Admission({ maxConnections, refused: api.refused, now: () => performance.now() });
  const door = api.door(admitting(openGate, admission));
  const server = createServer(HTTP_LIMITS, door.onRequest).on('error', () => undefined);
  // the kernel has checked who may open it: whoever comes is a caller
  server.maxConnections = maxConnections + SPARE_CONNECTIONS;
  guardServer(server, admission, options.log);
  server.on('connection', (socket) => {
    if (admission.admit(socket, 'control') === undefined) socket.destroy();
  });
  server.on('upgrade', door.onUpgrade);
  server.on('clientError', refuseBytes);
  const servers = [server];
  const open = async (): Promise<void> => {
    await listen(server, socketPath);
    if (groupId !== undefined) chownSync(socketPath, 0, groupId);
  };
  let byTcp: TcpListener | undefined;
  try {
    await open();
    if (tcp !== undefined) byTcp = await listenTcp(api, tcp, options.log);
  } catch (error) {
    await closeServers(servers, () => api.close(0));
    throw notListening(socketPath, error);
  }
  if (byTcp !== undefined) servers.push(byTcp.server);
  if (tcp !== undefined && tcp.tokens === undefined) {
    options.log.warn(
      { host: tcp.host, port: tcp.port },
      'auth is none: every program on this machine may do everything',
    );
  }
  const kept = keepSocket({
    ...{ path: socketPath, log: options.log, clear: () => removeStaleSocket(socketPath) },
    open: () => {
      // only the listening ends, not the connections; libuv removes the file at the path, where nothing of use is any more
      NetServer.prototype.close.call(server);
      return open();
    },
  });
  return {
    url: byTcp === undefined ? undefined : urlOf(byTcp, tcp?.tls !== undefined),
    problems: kept.problems,
    close: (timeoutMs) => {
      kept.stop();
      return closeServers(servers, () => api.close(timeoutMs));
    },
  };
}

function notListening(socketPath: string, error: unknown): RuntimeError {
  if (error instanceof RuntimeError) return error;
  return new RuntimeError('INTERNAL', { what: `the daemon cannot listen at ${socketPath}`, cause: error });
}

function urlOf({ address }: TcpListener, isTls: boolean): string {
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `${isTls ? 'https' : 'http'}://${host}:${address.port}${JSON_RPC_PATH}`;
}

function checkPath(socketPath: string): void {
  const sizeBytes = Buffer.byteLength(socketPath);
  if (sizeBytes <= MAX_SOCKET_PATH_BYTES) return;
  throw new RuntimeError('INVALID_ARGUMENT', {
    what: `the socket's path ${socketPath} has ${sizeBytes} bytes; a unix socket's can have ${MAX_SOCKET_PATH_BYTES}`,
    next: 'use a shorter --root',
  });
}

/** A socket that nobody serves is what a daemon leaves that was killed. Anything else at its place is not ours to remove. */
async function removeStaleSocket(socketPath: string): Promise<void> {
  const found = await lstat(socketPath).catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  });
  if (found === undefined) return;
  if (!found.isSocket()) {
    throw new RuntimeError('INVALID_ARGUMENT', {
      what: `${socketPath} is there and is no socket`,
      next: 'move it away, or use another --root',
    });
  }
  if (await answers(socketPath)) {
    throw new RuntimeError('ALREADY_RUNNING', {
      what: `a daemon answers at ${socketPath} already`,
      next: 'use that one, end it first, or use another --root',
    });
  }
  await unlink(socketPath);
}

/** One that is too busy to accept in time is alive too. */
function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path: socketPath, timeout: PROBE_TIMEOUT_MS });
    socket.on('error', (error) => {
      if (isErrno(error, 'ECONNREFUSED', 'ENOENT')) resolve(false);
      else if (isErrno(error, 'EAGAIN')) resolve(true);
      else reject(error);
    });
    const settle = (alive: boolean) => () => {
      socket.destroy();
      resolve(alive);
    };
    socket.once('connect', settle(true)).once('timeout', settle(true));
  });
}

/** May be called again after the listening has ended. */
async function listen(server: HttpServer, socketPath: string): Promise<void> {
  const listening = once(server, 'listening');
  // bind(2) happens inside listen, so that nobody finds the socket open to everybody for a moment
  const umask = process.umask(SOCKET_UMASK);
  try {
    server.listen(socketPath);
  } finally {
    process.umask(umask);
  }
  await listening;
}

async function closeServers(servers: readonly HttpServer[], closeApi: () => Promise<void>): Promise<void> {
  // libuv removes the socket file here
  const closed = servers.map((server) => new Promise((resolve) => server.close(resolve)));
  await closeApi();
  for (const server of servers) server.closeAllConnections();
  await Promise.all(closed);
}
