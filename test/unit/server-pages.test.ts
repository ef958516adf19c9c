import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex, PassThrough } from 'node:stream';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { pageFileAt } from '../../src/server/http-pages.ts';
import { tcpDaemon, TOKENS } from '../lib/tcp-daemon.ts';
import { until } from '../lib/until.ts';

type Ask = { readonly method?: string; readonly headers?: Readonly<Record<string, string>> };

async function fetched(url: string, { method = 'GET', headers = {} }: Ask = {}) {
  const [response] = (await once(request(url, { method, headers, agent: false }).end(), 'response')) as [
    IncomingMessage,
  ];
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  return { status: response.statusCode, headers: response.headers, text: Buffer.concat(chunks).toString() };
}

async function pagesDirectory() {
  const directory = await mkdtemp(join(tmpdir(), 'rmt-'));
  await writeFile(join(directory, 'view.html'), '<p>view</p>');
  await writeFile(join(directory, 'view.js'), 'void 0;');
  await writeFile(join(directory, 'view.js.map'), '{}');
  return { directory, [Symbol.asyncDispose]: () => rm(directory, { recursive: true }) };
}

test('pages need no token, load nothing from elsewhere, and are for our own hosts only', async () => {
  await using pages = await pagesDirectory();
  await using daemon = await tcpDaemon({}, { pageDirectory: pages.directory });
  const base = daemon.url.replace('ws', 'http');
  const page = await fetched(`${base}/view/clock-1?x=1`);
  assert.deepEqual([page.status, page.text], [200, '<p>view</p>']);
  assert.equal(page.headers['content-type'], 'text/html; charset=utf-8');
  assert.match(String(page.headers['content-security-policy']), /^default-src 'self';.*frame-ancestors 'self'$/);
  assert.equal(page.headers['access-control-allow-origin'], undefined);
  const head = await fetched(`${base}/page/view.js`, { method: 'HEAD' });
  assert.deepEqual([head.status, head.headers['content-length'], head.text], [200, '7', '']);
  assert.equal((await fetched(`${base}/page/other.js`)).status, 404);
  assert.equal((await fetched(`${base}/view/x`, { headers: { host: 'evil.example' } })).status, 403);
  assert.equal((await fetched(`${base}/view/x`, { method: 'POST' })).status, 401);
  assert.equal((await fetched(`${base}/page/view.js.map`)).status, 401);
  assert.equal((await fetched(`${base}/jsonrpc`)).status, 401);
});

test('a bundle, with its hash in its name, is kept for ever; a page is asked for again, and told as the same', async () => {
  await using pages = await pagesDirectory();
  await using daemon = await tcpDaemon({}, { pageDirectory: pages.directory });
  const base = daemon.url.replace('ws', 'http');
  await writeFile(join(pages.directory, 'main-ABCD2345.js'), 'void 1;');
  const bundle = await fetched(`${base}/page/main-ABCD2345.js`);
  assert.match(String(bundle.headers['cache-control']), /immutable/);
  const page = await fetched(`${base}/view/clock-1`);
  assert.equal(page.headers['cache-control'], 'no-cache');
  const again = await fetched(`${base}/view/clock-1`, { headers: { 'if-none-match': String(page.headers.etag) } });
  assert.deepEqual([again.status, again.text], [304, '']);
});

test('only files of the directory itself, of the kinds that pages have, are at a path', () => {
  assert.equal(pageFileAt('/page/view.js'), 'view.js');
  assert.equal(pageFileAt('/view/a/b'), 'view.html');
  assert.equal(pageFileAt('/?x=1'), 'index.html');
  for (const path of [
    '/page/../view.js',
    '/page/.x.js',
    '/page/a/b.js',
    '/page/a%2f.js',
    '/page/js',
    '/page/',
    '/page/x.constructor',
    '/x',
  ]) {
    assert.equal(pageFileAt(path), undefined, path);
  }
});

/** A WebSocket to a view; what the display gets, and what it says. */
async function look(url: string, role: 'control' | 'observe', headers: Readonly<Record<string, string>> = {}) {
  const socket = new WebSocket(`${url}/view/clock%3A1?token=${TOKENS[role]}`, { headers });
  const closed = new Promise<string>((resolve) => {
    socket.once('close', (code, reason) => resolve(`${code} ${reason.toString()}`));
  });
  const said = await new Promise<string>((resolve, reject) => {
    socket.once('message', (data: Buffer) => resolve(data.toString()));
    socket.once('error', reject);
    void closed.then(resolve);
  });
  return { socket, closed, said };
}

test('a WebSocket at the path of a page is joined with the display, under the rules of all others', async () => {
  await using daemon = await tcpDaemon({ allowedHosts: ['tv.example'] });
  const got: Buffer[] = [];
  const asked: string[] = [];
  const displays: Duplex[] = [];
  await daemon.service().run({ appId: 'clock', appInstanceId: 'clock:1' }, { signal: AbortSignal.timeout(20_000) });
  daemon.service().display = (id) => {
    asked.push(id);
    const out = new PassThrough();
    const display = Duplex.from({
      writable: new PassThrough().on('data', (bytes: Buffer) => got.push(bytes)),
      readable: out,
    });
    out.write('RFB 003.008\n');
    displays.push(display);
    return display;
  };
  const first = await look(daemon.url, 'observe', { host: 'tv.example', origin: 'https://tv.example' });
  assert.deepEqual([first.said, asked], ['RFB 003.008\n', ['clock:1']]);
  first.socket.send('RFB 003.008\n');
  first.socket.send(Buffer.from([1, 0, 4, 1, 0, 0, 0, 0, 0, 97, 3, 0, 0, 0, 0, 0, 0, 1, 0, 1]));
  await until(() => Buffer.concat(got).length === 24, { what: 'the display got it, but for the key' });
  first.socket.close();
  await until(() => displays[0]?.destroyed, { what: 'the display is given back' });
  const second = await look(daemon.url, 'control');
  second.socket.send('nonsense, not RFB');
  assert.match(await second.closed, /^1008 the viewer sent /);
  await until(() => displays[1]?.destroyed, { what: 'the display is given back' });
  const third = await look(daemon.url, 'control');
  displays[2]?.destroy();
  assert.match(await third.closed, /^4001 /);
  daemon.world.instances.clear();
  assert.match((await look(daemon.url, 'control')).said, /^4002 there is no instance clock:1/);
  for (const host of ['tv.example', 'evil.example']) {
    await assert.rejects(look(daemon.url, 'control', { host, origin: 'http://evil.example' }), /403/);
  }
});
