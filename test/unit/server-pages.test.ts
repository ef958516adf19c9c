import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { TOKENS, tcpDaemon } from '../lib/tcp-daemon.ts';

type Headers = Readonly<Record<string, string>>;
type Answer = { readonly status: number; readonly headers: Headers; readonly body: string };

/** Not by fetch, which tidies paths and headers. */
const ask = (
  url: string,
  path: string,
  { method = 'GET', headers = {} }: { method?: string; headers?: Headers } = {},
) =>
  new Promise<Answer>((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const call = request({ hostname, port, path, method, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const { statusCode: status = 0 } = response;
        resolve({ status, headers: response.headers as Headers, body: Buffer.concat(chunks).toString() });
      });
    });
    call.on('error', reject).end();
  });

const FILES = {
  'index.html': '<h1>all</h1>',
  'view.html': '<h1>one</h1>',
  'main-ABCD2345.js': 'go()',
  '.hidden': 'no',
};

async function daemonWithFiles() {
  const pageDirectory = await mkdtemp(join(tmpdir(), 'rmt-pages-'));
  for (const [name, text] of Object.entries(FILES)) await writeFile(join(pageDirectory, name), text);
  const daemon = await tcpDaemon({}, { pageDirectory });
  return {
    ...daemon,
    [Symbol.asyncDispose]: async () => {
      await daemon[Symbol.asyncDispose]();
      await rm(pageDirectory, { recursive: true });
    },
  };
}

test('pages need no token, and bring rules along that let them ask nobody but the daemon', async () => {
  await using daemon = await daemonWithFiles();
  const { status, headers, body } = await ask(daemon.url, '/?x=1');
  assert.deepEqual([status, body, headers['content-type']], [200, FILES['index.html'], 'text/html; charset=utf-8']);
  assert.match(headers['content-security-policy'] ?? '', /^default-src 'self';/);
  assert(!/unsafe|https?:|\*/.test(headers['content-security-policy'] ?? ''));
  assert.equal(headers['x-content-type-options'], 'nosniff');
  assert.equal((await ask(daemon.url, '/view/clock-1')).body, FILES['view.html']);
  assert.deepEqual([(await ask(daemon.url, '/', { method: 'HEAD' })).body, daemon.complaints], ['', []]);
});

test('a bundle is kept for ever, a page is asked for again and told as the same', async () => {
  await using daemon = await daemonWithFiles();
  const bundle = await ask(daemon.url, '/page/main-ABCD2345.js');
  assert.deepEqual([bundle.status, bundle.body], [200, 'go()']);
  assert.match(bundle.headers['cache-control'] ?? '', /immutable/);
  const page = await ask(daemon.url, '/');
  assert.equal(page.headers['cache-control'], 'no-cache');
  const again = await ask(daemon.url, '/', { headers: { 'if-none-match': page.headers['etag'] ?? '' } });
  assert.deepEqual([again.status, again.body], [304, '']);
});

test('nothing but files of pages is served', async () => {
  await using daemon = await daemonWithFiles();
  assert.equal((await ask(daemon.url, '/page/old-ABCD2345.js')).status, 404);
  for (const path of [
    '/page/.hidden',
    '/page/../daemon/main.mjs',
    '/page/%2e%2e/token',
    '/page//etc/passwd',
    '/index.html',
  ]) {
    assert.equal((await ask(daemon.url, path)).status, 401, path);
  }
  assert.equal((await ask(daemon.url, '/', { method: 'POST' })).status, 401);
  assert.equal((await ask(daemon.url, '/', { headers: { host: 'evil.example' } })).status, 403);
});

test('a page of this very daemon may call it by whatever name it is allowed to have; others may not', async () => {
  await using daemon = await tcpDaemon({ allowedHosts: ['tv.example'] });
  const authorization = `Bearer ${TOKENS.control}`;
  const call = async (host: string, origin: string) =>
    (await ask(daemon.url, '/jsonrpc', { headers: { host, origin, authorization } })).status;
  assert.notEqual(await call('tv.example:9998', 'http://tv.example:9998'), 403);
  assert.equal(await call('tv.example:9998', 'http://evil.example:9998'), 403);
  assert.equal(await call('evil.example', 'http://evil.example'), 403);
});
