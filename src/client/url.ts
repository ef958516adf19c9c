/** Addresses by TCP, as people write them. */
import { RuntimeError } from '../domain/errors.ts';
import { JSON_RPC_PATH } from '../domain/wire.ts';

/** `ws:`, `wss:`, or what the daemon's ready line and Thunder's tools write: `http:`, `https:`. Throws INVALID_ARGUMENT. */
export function webSocketUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text.replace(/^http/i, 'ws')) : undefined;
  if (url === undefined || !/^wss?:$/.test(url.protocol)) {
    throw new RuntimeError('INVALID_ARGUMENT', {
      what: `${JSON.stringify(text)} is no address of a daemon`,
      next: 'write ws://HOST:PORT or wss://HOST:PORT',
    });
  }
  if (url.username !== '' || url.password !== '') {
    throw new RuntimeError('INVALID_ARGUMENT', {
      what: `the address of ${url.host} has a user or a password in it`,
      next: 'give the token beside the address, not in it',
    });
  }
  if (url.pathname === '/') url.pathname = JSON_RPC_PATH;
  url.hash = '';
  return url;
}

/** For people; the query may hold a token. */
export const shownUrl = ({ protocol, host, pathname }: URL): string =>
  `${protocol}//${host}${pathname === JSON_RPC_PATH ? '' : pathname}`;
