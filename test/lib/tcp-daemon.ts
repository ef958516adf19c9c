/** The fake daemon by TCP, at the same port in each of its lives. */
import assert from 'node:assert/strict';
import type { TcpOptions } from '../../src/server/tcp.ts';
import { fakeDaemon } from './fake-daemon.ts';
import type { FakeDaemon } from './fake-daemon.ts';

export const TOKENS = { control: 'c'.repeat(43), observe: 'o'.repeat(43) };

export type TcpDaemon = FakeDaemon & {
  /** `ws://127.0.0.1:PORT` or `wss://…`. */
  readonly url: string;
  readonly token: string;
};

export async function tcpDaemon(
  more: Partial<TcpOptions> = {},
  options: { readonly maxBufferedBytes?: number; readonly pageDirectory?: string } = {},
): Promise<TcpDaemon> {
  const tcp = {
    ...{ host: '127.0.0.1', port: 0, tokens: TOKENS, allowedHosts: [], allowedOrigins: [] },
    ...{ maxConnections: 256, callsPerSecond: 100_000 },
    ...more,
  };
  const daemon = await fakeDaemon({ tcp, ...options });
  const { port } = new URL(daemon.server().url ?? assert.fail('it does not listen'));
  tcp.port = Number(port);
  return { ...daemon, url: `${more.tls === undefined ? 'ws' : 'wss'}://127.0.0.1:${port}`, token: TOKENS.control };
}
