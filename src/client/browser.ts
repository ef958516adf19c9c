/** The same client for browsers, on their own WebSocket: no package and nothing of Node is in it. */
import { RuntimeError } from '../domain/errors.ts';
import { connectOver } from './client.ts';
import type { Client, WaitOptions } from './client.ts';
import { overWebSocket } from './socket.ts';
import { checkToken } from './token.ts';
import { shownUrl, webSocketUrl } from './url.ts';

export * from './public.ts';

export type ConnectOptions = WaitOptions & {
  /** The daemon's; sent as `?token=`, because a page cannot set headers of a WebSocket. */
  readonly token?: string | undefined;
};

const BEAT_MS = 15_000;

/** Throws UNREACHABLE, also for a wrong token: a browser does not tell its pages why. INVALID_ARGUMENT for what is no address. */
export async function connect(address: string, { token, ...wait }: ConnectOptions = {}): Promise<Client> {
  checkToken(token);
  const url = webSocketUrl(address);
  if (token !== undefined) url.searchParams.set('token', token);
  const next =
    'see that runtimemanagerd runs there and listens at this address (--listen), that the token is right, and that it lets ' +
    'pages of this origin in (allowedOrigins); its log has the reason';
  return connectOver({
    ...wait,
    unreachable: (cause) =>
      new RuntimeError('UNREACHABLE', { what: `no daemon answers at ${shownUrl(url)}`, next, cause }),
    open: overWebSocket(() => new WebSocket(url)),
    beatMs: BEAT_MS,
  });
}
