/** The web pages, as the build has made them: read when they are asked for, open to who may reach the listener at all. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join } from 'node:path';
import { isErrno } from '../domain/errors.ts';

export type Pages = {
  /** The file for this request; undefined for what asks for no page. */
  readonly find: (request: IncomingMessage) => string | undefined;
  readonly serve: (file: string, request: IncomingMessage, response: ServerResponse) => Promise<void>;
};

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.map': 'application/json',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
};

/** Of pages: nothing inline, nothing from elsewhere, in nobody's frame. A WebSocket of the same origin is 'self' too. */
const HEADERS = {
  'Content-Security-Policy':
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

/** What may lie in the directory; a name with a slash or a leading dot does not. */
const FILE = /^[\w-][\w.-]*$/;
/** The bundles have their content's hash in their names: they never change. */
const FOREVER = 'public, max-age=31536000, immutable';
const isForever = (file: string): boolean => /-[A-Z0-9]{8}\.(js|css)$/.test(file);

/** `directory`: dist/page. */
export const pagesIn = (directory: string): Pages => ({
  find: ({ method, url = '' }) =>
    method === 'GET' || method === 'HEAD' ? fileOf(url.split('?', 1)[0] ?? '') : undefined,
  serve: async (file, request, response) => {
    const body = await readFile(join(directory, file)).catch((error: unknown) => {
      if (isErrno(error, 'ENOENT')) return undefined;
      throw error;
    });
    if (body === undefined) answer(response, 404, Buffer.from('there is no such file of a page\n'));
    else send(file, body, { request, response });
  },
});

function fileOf(path: string): string | undefined {
  if (path === '/') return 'index.html';
  if (/^\/view\/[^/]+$/.test(path)) return 'view.html';
  const name = /^\/page\/([^/]+)$/.exec(path)?.[1];
  return name !== undefined && FILE.test(name) ? name : undefined;
}

type Exchange = { readonly request: IncomingMessage; readonly response: ServerResponse };

function send(file: string, body: Buffer, { request, response }: Exchange): void {
  const tag = `"${createHash('sha256').update(body).digest('base64url')}"`;
  response.setHeader('ETag', tag);
  response.setHeader('Cache-Control', isForever(file) ? FOREVER : 'no-cache');
  if (request.headers['if-none-match'] === tag) {
    response.writeHead(304, HEADERS).end();
    return;
  }
  response.setHeader('Content-Type', TYPES[extname(file)] ?? 'application/octet-stream');
  answer(response, 200, body);
}

/** node:http leaves the body of an answer to HEAD away by itself. */
function answer(response: ServerResponse, status: number, body: Buffer): void {
  response.writeHead(status, { ...HEADERS, 'Content-Length': body.length }).end(body);
}
