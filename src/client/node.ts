/** The package's main export: Runtime Manager's client for Node. */
import { connect as connectSocket } from 'node:net';
import { WebSocket } from 'ws';
import { JSON_RPC_PATH } from '../domain/wire.ts';
import { roadTo, unreachable } from './address.ts';
import type { Address, Road } from './address.ts';
import { connectOver } from './client.ts';
import type { Client, WaitOptions } from './client.ts';
import { overWebSocket } from './socket.ts';
import { checkToken } from './token.ts';

export * from './public.ts';
export type { Address } from './address.ts';
export { callOnce } from './unix.ts';

export type ConnectOptions = Address & WaitOptions;

/** A machine that has vanished is noticed after a minute. */
const BEAT_MS = 15_000;

/**
 * `connect('ws://127.0.0.1:9998', { token })`, `connect('unix:/run/runtime-manager/control.sock')`, `connect({ root })`, or
 * `connect()` for the system's own daemon. Throws UNREACHABLE when no daemon answers, PERMISSION_DENIED when it lets nobody in,
 * INVALID_ARGUMENT for what is no address.
 */
export async function connect(
  to: string | ConnectOptions = {},
  more: Omit<ConnectOptions, 'url'> = {},
): Promise<Client> {
  const { timeoutMs, connectTimeoutMs, signal, ...address } = typeof to === 'string' ? { ...more, url: to } : to;
  const road = roadTo(address);
  checkToken(address.token);
  return connectOver({
    ...{ timeoutMs, connectTimeoutMs, signal },
    unreachable: (cause) => unreachable(address, cause),
    open: overWebSocket(() => openWebSocket(road)),
    beatMs: road.kind === 'tcp' ? BEAT_MS : undefined,
  });
}

function openWebSocket(road: Road): WebSocket {
  if (road.kind === 'tcp') {
    const { url, token, ca } = road;
    return new WebSocket(url, {
      ...(token !== undefined && { headers: { authorization: `Bearer ${token}` } }),
      ...(ca !== undefined && { ca }),
      perMessageDeflate: false,
    });
  }
  // not by a `ws+unix:` URL: that cannot name every path (a colon ends it, a space is changed)
  return new WebSocket(`ws://localhost${JSON_RPC_PATH}`, {
    createConnection: () => connectSocket({ path: road.socketPath }),
    perMessageDeflate: false,
  });
}
