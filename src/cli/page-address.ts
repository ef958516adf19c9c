/** Tells where a page of the daemon is, for a browser. */
import { readFile } from 'node:fs/promises';
import { roadTo } from '../client/address.ts';
import { callOnce } from '../client/unix.ts';
import { isErrno, RuntimeError } from '../domain/errors.ts';
import { layout } from '../domain/layout.ts';
import type { Invocation } from './command.ts';

/** The address of the page goes to stdout, what else to know to stderr. Throws NOT_SUPPORTED where there is none. */
export async function tellPage(invocation: Invocation, url: string | null): Promise<void> {
  const { options, output } = invocation;
  if (url === null) {
    throw new RuntimeError('NOT_SUPPORTED', {
      what: 'the daemon does not listen by TCP, so no browser reaches it',
      next: 'start it with --listen 127.0.0.1:9998, or with listen: true in its configuration',
    });
  }
  const token = options['withToken'] === true ? await tokenOf(invocation) : undefined;
  const full = token === undefined ? url : `${url}#${new URLSearchParams({ token }).toString()}`;
  if (output.json) output.data({ url: full });
  else output.line(full);
  if (token === undefined) {
    output.note('the page asks for the token of the daemon: its file state/token; or use --with-token');
  }
}

/** The one that this call was made with, else the daemon's own of the role control. Undefined where it has none (`auth: none`). */
async function tokenOf({ daemon }: Invocation): Promise<string | undefined> {
  if (roadTo(daemon).kind === 'tcp') return daemon.token;
  const { root } = await callOnce(daemon, ['version', {}]);
  const { token } = layout(root === '/' ? undefined : root);
  const text = await readFile(token, 'utf8').catch((cause: unknown) => {
    if (isErrno(cause, 'ENOENT')) return undefined;
    throw new RuntimeError('PERMISSION_DENIED', {
      what: `the token ${token} cannot be read`,
      next: 'ask as root, or leave --with-token out',
      cause,
    });
  });
  return text?.trim();
}
