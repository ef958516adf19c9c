/**
 * The pages that the daemon serves: files of one directory, which the build makes. There is no secret in them, so nobody needs a
 * token to read them; what a page shows it asks for itself, with one.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isErrno } from '../domain/errors.ts';

/** Pages by their paths; one that ends with * is at every path that begins so. Whatever they load lies below /page/. */
const PAGES: Readonly<Record<string, string>> = { '/': 'index.html', '/view/*': 'view.html' };
const FILES_PATH = '/page/';

const TYPES: ReadonlyMap<string, string> = new Map([
  ['html', 'text/html; charset=utf-8'],
  ['css', 'text/css; charset=utf-8'],
  ['js', 'text/javascript; charset=utf-8'],
  ['svg', 'image/svg+xml'],
  ['txt', 'text/plain; charset=utf-8'],
]);

/**
 * Nothing from elsewhere, and in nobody else's frame. Pictures as data are in what noVNC draws, and in answers; they cannot do
 * anything.
 */
const HEADERS = {
  'Content-Security-Policy':
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

/** A bundle with its content's hash in its name never changes; anything else is asked for again each time, and told as the same. */
const cachingOf = (name: string): string =>
  /-[A-Z0-9]{8}\.(js|css)$/.test(name) ? 'public, max-age=31536000, immutable' : 'no-cache';

/** The name of the file at this path; undefined when there is none. Looks at nothing. */
export function pageFileAt(url: string | undefined): string | undefined {
  const path = (url ?? '').split('?', 1)[0] ?? '';
  const name = path.startsWith(FILES_PATH) ? path.slice(FILES_PATH.length) : pageAt(path);
  // no slash, no dot at the beginning: what lies in the directory itself
  return name !== undefined && /^\w[\w-]*(\.[\w-]+)+$/.test(name) && typeOf(name) !== undefined ? name : undefined;
}

const pageAt = (path: string): string | undefined =>
  Object.entries(PAGES).find(([pattern]) =>
    pattern.endsWith('*') ? path.startsWith(pattern.slice(0, -1)) : path === pattern,
  )?.[1];

const typeOf = (name: string): string | undefined => TYPES.get(name.split('.').at(-1) ?? '');

export type PageRequest = { readonly request: IncomingMessage; readonly response: ServerResponse };

/** GET and HEAD. Rejects when the file cannot be read. */
export async function servePage({ request, response }: PageRequest, directory: string, name: string): Promise<void> {
  const body = await readFile(`${directory}/${name}`).catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  });
  if (body === undefined) {
    send(response, { status: 404, type: 'text/plain', bytes: Buffer.from('there is no such page') });
    return;
  }
  const tag = `"${createHash('sha256').update(body).digest('base64url')}"`;
  response.setHeader('ETag', tag);
  response.setHeader('Cache-Control', cachingOf(name));
  if (request.headers['if-none-match'] === tag) response.writeHead(304, HEADERS).end();
  else send(response, { status: 200, type: typeOf(name) ?? '', bytes: body });
}

type Sent = { readonly status: number; readonly type: string; readonly bytes: Buffer };

/** node:http leaves the body away where HEAD is answered. */
const send = (response: ServerResponse, { status, type, bytes }: Sent): void =>
  void response.writeHead(status, { ...HEADERS, 'Content-Type': type, 'Content-Length': bytes.length }).end(bytes);
