import { RuntimeError } from '../domain/errors.ts';

/** A line end in a header would begin another one. Throws INVALID_ARGUMENT, without the token. */
export function checkToken(token: string | undefined): void {
  if (token === undefined || /^[\x21-\x7e]+$/.test(token)) return;
  throw new RuntimeError('INVALID_ARGUMENT', {
    what: token === '' ? 'the token is empty' : 'the token has spaces or other characters that no token has',
    next: 'give the content of the daemon’s file state/token, without the line end',
  });
}
