/** A real Chromium that opens one page; what the page has to say it sends back by HTTP. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { provideBrowserTree } from '../../scripts/setup/browser-tree.mjs';
import { processesWith } from './machine.ts';
import { PROJECT } from './pages.ts';
import { until } from './until.ts';

export const TREE = process.env['RUNTIME_MANAGER_BROWSER_TREE'] ?? join(PROJECT, '.tools.browser');
const LIMIT_MS = 60_000;
const TYPES: Readonly<Record<string, string>> = { html: 'text/html; charset=utf-8', js: 'text/javascript' };

/** No sandbox: the tests are root. Nothing is asked of the network but our page. */
export const FLAGS = [
  ...['--no-sandbox', '--headless', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-breakpad', '--no-proxy-server'],
];

export type Page = {
  /** By path: HTML and JavaScript; `/` is the page. */
  readonly files: Readonly<Record<string, string>>;
  readonly hash?: string;
  /** What the page POSTs, by path; the answer is sent when the promise is done. */
  readonly heard: Readonly<Record<string, (body: string) => unknown>>;
};

/** Opens the page; closes it at the end of the scope. */
export async function openPage({ files, heard, hash = '' }: Page): Promise<AsyncDisposable> {
  await provideBrowserTree(TREE);
  const server = createServer((request, response) => void serve(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? '/', 'http://x').pathname;
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const file = files[path];
    if (request.method === 'POST') await heard[path]?.(Buffer.concat(chunks).toString());
    else if (file !== undefined) response.setHeader('content-type', TYPES[path === '/' ? 'html' : 'js'] ?? '');
    else response.statusCode = 404;
    response.end(file);
  }
  // a UNIX socket of the browser's lies in it: the path must be short
  const home = await mkdtemp(join(tmpdir(), 'rmt-web-'));
  const { port } = server.address() as AddressInfo;
  const child = spawn(join(TREE, 'usr/lib/chromium/chromium-headless-shell'), argumentsFor(home, port, hash), {
    env: { PATH: '/usr/bin:/bin', HOME: home, TMPDIR: home, XDG_RUNTIME_DIR: home, LD_LIBRARY_PATH: libraries() },
    stdio: 'ignore',
  });
  const ended = once(child, 'exit');
  return {
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM');
      await ended;
      await until(() => processesWith(home).length === 0, { what: 'the browser is gone', timeoutMs: LIMIT_MS });
      server.close();
      server.closeAllConnections();
      await rm(home, { recursive: true, maxRetries: 5 });
    },
  };
}

const argumentsFor = (home: string, port: number, hash: string): readonly string[] => [
  ...FLAGS,
  // so that a page stays open: without it the headless shell ends when the page has loaded
  '--remote-debugging-port=0',
  `--user-data-dir=${home}/profile`,
  `http://127.0.0.1:${port}/#${hash}`,
];

/** pulseaudio's library has its own in a directory of its own. */
export function libraries(): string {
  const [directory] = globSync('usr/lib/*-linux-gnu', { cwd: TREE });
  const path = join(TREE, directory ?? assert.fail(`${TREE} has no libraries`));
  return [path, join(path, 'pulseaudio')].filter((place) => existsSync(place)).join(':');
}

/** The client as a page gets it. */
export const browserClient = (): Promise<string> => readFile(join(PROJECT, 'dist/client/browser.js'), 'utf8');
