/** What the settings say about TCP, as options of the listener; what would be unsafe is refused. */
import { readSmall } from '../adapters/files/read-small.ts';
import type { Config } from '../config.ts';
import { RuntimeError } from '../domain/errors.ts';
import type { Layout } from '../domain/layout.ts';
import { isLoopback } from '../server/access.ts';
import type { TcpOptions } from '../server/tcp.ts';
import { readTokens } from './tokens.ts';

/** RDK's; Thunder itself has it where it runs. */
export const DEFAULT_LISTEN = '127.0.0.1:9998';

/** Undefined: not by TCP. `asked`: of the command line, which wins. Throws INVALID_ARGUMENT. */
export async function tcpOptions(
  config: Config,
  places: Layout,
  asked: string | undefined,
): Promise<TcpOptions | undefined> {
  const listen = asked ?? (config.listen === true ? DEFAULT_LISTEN : config.listen);
  if (listen === false) return undefined;
  const { host, port } = parseAddress(listen);
  if (!isLoopback(host)) refuseUnsafe(listen, config);
  const { maxConnections, callsPerSecond } = config.tcpLimits;
  return {
    ...{ host, port, maxConnections, callsPerSecond },
    allowedHosts: config.allowedHosts,
    allowedOrigins: config.allowedOrigins,
    ...(config.auth === 'token' && { tokens: await readTokens(places) }),
    ...(config.tls !== undefined && { tls: await readTls(config.tls) }),
  };
}

/** `HOST:PORT`; an IPv6 address in brackets. */
function parseAddress(text: string): { readonly host: string; readonly port: number } {
  const [, host, digits] = /^(\[[\da-fA-F:.]+\]|[^:[\]\s/]+):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (host !== undefined && port <= 65_535) return { host, port };
  throw new RuntimeError('INVALID_ARGUMENT', {
    what: `${JSON.stringify(text)} is no address to listen at`,
    next: `write HOST:PORT, for instance ${DEFAULT_LISTEN} or [::1]:9998`,
  });
}

function refuseUnsafe(listen: string, { auth, tls }: Config): void {
  if (auth === 'token' && tls !== undefined) return;
  throw new RuntimeError('INVALID_ARGUMENT', {
    what: `${listen} can be reached by other machines, and ${auth === 'none' ? 'auth is none' : 'tls is not set'}`,
    next: 'listen at a loopback address, or set tls, and auth to token',
  });
}

async function readTls({ cert, key }: { readonly cert: string; readonly key: string }) {
  const read = (path: string) =>
    readSmall(path, { links: 'followed' }).catch((cause: unknown) => {
      throw new RuntimeError('INVALID_ARGUMENT', {
        what: `${path} cannot be read`,
        next: 'name PEM files as tls.cert and tls.key',
        cause,
      });
    });
  return { cert: await read(cert), key: await read(key) };
}
