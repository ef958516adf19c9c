import { readFile } from 'node:fs/promises';
import { callOnce } from '../../client/unix.ts';
import { isErrno, RuntimeError } from '../../domain/errors.ts';
import { layout } from '../../domain/layout.ts';
import type { Command } from '../command.ts';
import { isSet } from '../options.ts';

/** The address goes to stdout, how to come in to stderr. */
export const dashboard: Command = async ({ options, daemon, output }) => {
  const { url: base, root } = await callOnce(daemon, ['version', {}]);
  const places = layout(root === '/' ? undefined : root);
  if (base === null) {
    throw new RuntimeError('NOT_SUPPORTED', {
      what: 'the daemon listens on its unix socket only, where no browser comes',
      next: `set listen: true in ${places.config} and restart it, or start it with --listen 127.0.0.1:9998`,
    });
  }
  const url = new URL('/', base).href;
  const tokenFile = places.token;
  const whole = isSet(options, 'login') ? `${url}#token=${encodeURIComponent(await readToken(tokenFile))}` : url;
  if (output.json) output.data({ url: whole, tokenFile });
  else output.line(whole);
  output.note(
    whole === url
      ? `log in with the token in ${tokenFile} (of the daemon's machine)`
      : 'whoever has this address may do everything; the page takes the token out of it at once',
  );
  return 0;
};

const readToken = (file: string): Promise<string> =>
  readFile(file, 'utf8').then(
    (text) => text.trim(),
    (cause: unknown) => {
      if (isErrno(cause, 'ENOENT')) {
        throw new RuntimeError('NOT_FOUND', {
          what: `there is no token in ${file}`,
          next: 'ask on the daemon’s own machine; with auth: none no token is needed',
          cause,
        });
      }
      throw new RuntimeError('PERMISSION_DENIED', {
        what: `the token in ${file} cannot be read`,
        next: 'ask as root',
        cause,
      });
    },
  );
