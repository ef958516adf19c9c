/** Where Thunder is. */
import type { Config } from '../config.ts';

/** RDK's own default, and that of all its tools. */
const THUNDER_ACCESS = '127.0.0.1:9998';

type Environment = Readonly<Record<string, string | undefined>>;

/** `HOST:PORT`, for apps; null where only RDK's default is left. */
export const thunderAccess = ({ url }: Config['thunder'], env: Environment): string | null =>
  url === undefined ? env['THUNDER_ACCESS'] || null : new URL(url).host;

export const thunderUrl = ({ url }: Config['thunder'], env: Environment): string =>
  url ?? `ws://${env['THUNDER_ACCESS'] || THUNDER_ACCESS}/jsonrpc`;
