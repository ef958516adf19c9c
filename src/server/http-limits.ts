/** What every HTTP server of ours is patient with, and how it ends what is no HTTP. */
import type { Duplex } from 'node:stream';

export const HTTP_LIMITS = {
  headersTimeout: 5000,
  requestTimeout: 30_000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 1000,
};

/** Not HTTP, or too slow, or too large: one line where it still can be said, and the connection is closed. */
export function refuseBytes(error: NodeJS.ErrnoException, socket: Duplex): void {
  const status = error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? '408 Request Timeout' : '400 Bad Request';
  if (socket.writable) socket.write(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  socket.destroy();
}
