/**
 * The pages that the daemon serves: files of one directory, which the build makes. There is no secret in them, so nobody needs a
 * token to read them; what a page shows it asks for itself, with one.
 */
import { readFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { isErrno } from '../domain/errors.ts';

/** Pages by their paths; one that ends with * is at every path that begins so. Whatever they load lies below /page/. */
const PAGES: Readonly<Record<string, string>> = { '/view/*': 'view.html' };
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
 * anything. `no-cache`: asked for again each time, so that page and daemon are of one version.
 */
const HEADERS = {
  'Content-Security-Policy':
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-cache',
};

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

/** GET and HEAD. Rejects when the file cannot be read. */
export async function servePage(response: ServerResponse, directory: string, name: string): Promise<void> {
  const body = await readFile(`${directory}/${name}`).catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  });
  const status = body === undefined ? 404 : 200;
  const type = body === undefined ? 'text/plain' : typeOf(name);
  const bytes = body ?? Buffer.from('there is no such page');
  // node:http leaves the body away where HEAD is answered
  response.writeHead(status, { ...HEADERS, 'Content-Type': type, 'Content-Length': bytes.length }).end(bytes);
}
