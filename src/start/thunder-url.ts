/** Where Thunder is. */
import type { Config } from '../config.ts';

/** RDK's own default, and that of all its tools. */
const THUNDER_ACCESS = '127.0.0.1:9998';

type Environment = Readonly<Record<string, string | undefined>>;

export const thunderUrl = ({ url }: Config['thunder'], env: Environment): string =>
  url ?? `ws://${env['THUNDER_ACCESS'] || THUNDER_ACCESS}/jsonrpc`;
