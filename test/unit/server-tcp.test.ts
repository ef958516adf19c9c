import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { request as requestTls } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { configSchema } from '../../src/config.ts';
import { layout } from '../../src/domain/layout.ts';
import type { TcpOptions } from '../../src/server/tcp.ts';
import { tokenBucket } from '../../src/domain/token-bucket.ts';
import { refusalLog } from '../../src/server/visitor.ts';
import { tcpOptions } from '../../src/start/listen.ts';
import { readOptions } from '../../src/start/options.ts';
import { readTokens } from '../../src/start/tokens.ts';
import { fakeDaemon, logTo } from '../lib/fake-daemon.ts';
import { CPP_UPGRADE, rawPeer } from '../lib/raw.ts';
import { CERTIFICATE, KEY } from '../lib/certificate.ts';

const tokens = { control: 'c'.repeat(43), observe: 'o'.repeat(43) };
const open: TcpOptions = {
  host: '127.0.0.1',
  port: 0,
  allowedHosts: ['tv.example'],
  allowedOrigins: ['https://remote.example'],
  maxConnections: 256,
  callsPerSecond: 100_000,
};
const closed: TcpOptions = { ...open, tokens };

type Ask = { readonly token?: string; readonly method?: string; readonly headers?: object; readonly http?: string };
const LIST = '{"jsonrpc":"2.0","id":1,"method":"list"}';
const KILL = '{"jsonrpc":"2.0","id":1,"method":"kill","params":{"appInstanceId":"x"}}';

async function post(url: string, body: string, { token, headers = {}, http = 'POST' }: Ask = {}) {
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const ask = url.startsWith('https:') ? requestTls : request;
  const call = ask(url, { method: http, headers: { ...authorization, ...headers }, agent: false, ca: CERTIFICATE });
  const [response] = (await once(call.end(body), 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  return { status: response.statusCode, headers: response.headers, text: Buffer.concat(chunks).toString() };
}

async function daemonAt(tcp: TcpOptions) {
  const daemon = await fakeDaemon({ tcp });
  const url = daemon.server().url ?? assert.fail('no url');
  return { daemon, url, port: Number(new URL(url).port), [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose]() };
}

test('without a token nobody may call; with one its role decides; every refusal is in the log', async () => {
  await using at = await daemonAt(closed);
  for (const token of [undefined, '', 'wrong', tokens.control.slice(1), `${tokens.control}x`]) {
    const { status, headers, text } = await post(at.url, LIST, token === undefined ? {} : { token });
    assert.equal(status, 401);
    assert.equal(headers['www-authenticate'], 'Bearer');
    assert.match(text, /-32604.*Request needs authorization/);
  }
  assert.equal(at.daemon.complaints.length, 5);
  assert.match(at.daemon.complaints.join(), /it brings no token.*its token is not known/);
  assert.equal((await post(at.url, LIST, { token: tokens.control })).text, '{"jsonrpc":"2.0","id":1,"result":[]}');
  assert.equal((await post(`${at.url}?token=${tokens.observe}`, LIST)).status, 200);
  assert.equal((await post(at.url, KILL, { token: tokens.control })).status, 202);
  const refused = await post(at.url, KILL, { token: tokens.observe });
  assert.equal(refused.status, 401);
  assert.match(refused.text, /"code":-32604,"message":"method invokation not allowed\."/);
  assert.match(at.daemon.complaints.at(-1) ?? '', /a call was refused: "kill" changes something/);
  assert.equal((await post(at.url, '', { http: 'OPTIONS' })).status, 204);
});

async function connectTo(url: string, options: WebSocket.ClientOptions = {}): Promise<WebSocket> {
  const socket = new WebSocket(url.replace(/^http/, 'ws'), ['notification'], options);
  await once(socket, 'open');
  return socket;
}

test('a WebSocket brings its token in the query or the header; the role observe hears events and reads', async () => {
  await using at = await daemonAt(closed);
  await assert.rejects(connectTo(at.url), /403/);
  await assert.rejects(connectTo(`${at.url}?token=${tokens.control}x`), /403/);
  const socket = await connectTo(at.url, { headers: { authorization: `Bearer ${tokens.observe}` } });
  const ask = async (method: string, params?: object) => {
    socket.send(JSON.stringify({ id: 1, method, params }));
    const [data] = (await once(socket, 'message')) as [Buffer];
    return JSON.parse(data.toString()) as { result?: unknown; error?: { code: number } };
  };
  assert.equal((await ask('register', { event: 'onStarted', id: 'x' })).result, 0);
  for (const method of ['list', 'version', 'Controller.status', 'versions', 'getEvents']) {
    assert.equal((await ask(method, method === 'getEvents' ? { since: 0 } : undefined)).error, undefined, method);
  }
  for (const method of [
    'run',
    'suspend',
    'resume',
    'hibernate',
    'wake',
    'terminate',
    'kill',
    'Controller.deactivate',
  ]) {
    assert.equal((await ask(method, {})).error?.code, -32_604, method);
  }
  socket.terminate();
  (await connectTo(`${at.url}?token=${tokens.control}`)).terminate();
});

test('a page of a foreign origin and a rebound host are refused, with and without tokens', async () => {
  for (const tcp of [open, closed]) {
    await using at = await daemonAt(tcp);
    const status = async (headers: object) => (await post(at.url, LIST, { token: tokens.control, headers })).status;
    for (const origin of ['http://evil.example', 'null', 'file://', 'http://127.0.0.1.evil.example', 'http://[::1]x']) {
      assert.equal(await status({ origin }), 403, origin);
      await assert.rejects(connectTo(at.url, { origin }), /403/, origin);
    }
    for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example:80']) {
      assert.equal(await status({ host }), 403, host);
    }
    for (const origin of ['0.0.0.0', 'http://localhost:8080', 'http://127.0.0.1', 'https://remote.example']) {
      assert.equal(await status({ origin }), 200, origin);
    }
    for (const host of ['localhost:1', '127.0.0.1', '[::1]:5', 'TV.example:9998', '192.168.1.5']) {
      assert.equal(await status({ host }), 200, host);
    }
  }
});

test('without tokens it is said loudly, and the C++ client gets in with its odd origin', async () => {
  await using at = await daemonAt(open);
  assert.deepEqual(at.daemon.complaints, ['auth is none: every program on this machine may do everything']);
  using peer = await rawPeer({ port: at.port, host: '127.0.0.1' });
  peer.socket.write(CPP_UPGRADE());
  await peer.until('101 Switching Protocols');
});

test('TLS with given files', async () => {
  await using at = await daemonAt({ ...closed, tls: { cert: CERTIFICATE, key: KEY } });
  assert.match(at.url, /^https:/);
  const { status } = await post(at.url.replace('127.0.0.1', 'localhost'), LIST, { token: tokens.control });
  assert.equal(status, 200);
  const socket = await connectTo(`${at.url.replace('127.0.0.1', 'localhost')}?token=${tokens.observe}`, {
    ca: CERTIFICATE,
  });
  socket.terminate();
  await assert.rejects(fakeDaemon({ tcp: { ...closed, tls: { cert: 'x', key: 'y' } } }), { code: 'INVALID_ARGUMENT' });
});

test('who calls too fast waits and loses nothing; others do not wait', async () => {
  await using at = await daemonAt({ ...open, callsPerSecond: 50 });
  const [hasty, calm] = [await connectTo(at.url), await connectTo(at.url)];
  let answers = 0;
  hasty.on('message', () => (answers += 1));
  const begin = performance.now();
  for (let count = 0; count < 75; count += 1) hasty.send(LIST);
  calm.send(LIST);
  await once(calm, 'message');
  assert.ok(performance.now() - begin < 400);
  while (answers < 75) await once(hasty, 'message');
  assert.ok(performance.now() - begin > 350, String(performance.now() - begin));
  hasty.terminate();
  calm.terminate();
});

test('beyond the number of connections more are closed at once and told in the log', async () => {
  await using at = await daemonAt({ ...open, maxConnections: 2 });
  const held = [await connectTo(at.url), await connectTo(at.url)];
  await assert.rejects(post(at.url, LIST), { code: 'ECONNRESET' });
  assert.match(at.daemon.complaints.at(-1) ?? '', /there are 2 already/);
  for (const socket of held) socket.terminate();
});

test('a taken port is an error with advice, and the unix socket is given back', async () => {
  await using at = await daemonAt(open);
  await assert.rejects(fakeDaemon({ tcp: { ...open, port: at.port } }), { code: 'PORT_TAKEN', next: /9998/ });
});

test('a bucket fills with time, up to its burst', () => {
  let now = 0;
  const bucket = tokenBucket({ perSecond: 10, burst: 2, now: () => now });
  bucket.take();
  bucket.take();
  assert.equal(bucket.debtMs(), 100);
  bucket.take();
  assert.equal(bucket.debtMs(), 200);
  now = 200;
  assert.equal(bucket.debtMs(), 0);
  now = 60_000;
  bucket.take();
  bucket.take();
  assert.equal(bucket.debtMs(), 100);
});

test('the log of refusals does not fill the disk', () => {
  const lines: string[] = [];
  const refused = refusalLog(logTo(lines), () => 0);
  for (let count = 0; count < 10_000; count += 1) refused('somebody', 'x', 'no token');
  assert.equal(lines.length, 100);
});

async function directory() {
  const root = await mkdtemp(join(tmpdir(), 'rmt-'));
  const places = layout(root);
  await mkdir(places.state, { mode: 0o700 });
  return { root, places, [Symbol.asyncDispose]: () => rm(root, { recursive: true }) };
}

test('tokens are made once, of 256 bits, for root alone; what others can read or is broken is refused', async () => {
  await using at = await directory();
  const made = await readTokens(at.places);
  for (const path of [at.places.token, at.places.observeToken]) {
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.equal(Buffer.from((await readFile(path, 'utf8')).trim(), 'base64url').length, 32);
  }
  assert.notEqual(made.control, made.observe);
  assert.deepEqual(await readTokens(at.places), made);
  await chmod(at.places.token, 0o640);
  await assert.rejects(readTokens(at.places), { code: 'PERMISSION_DENIED' });
  await chmod(at.places.token, 0o600);
  for (const text of ['', 'short', 'x\ny'.repeat(40)]) {
    await writeFile(at.places.token, text);
    await assert.rejects(readTokens(at.places), { code: 'CORRUPT_FILE' });
  }
});

test('settings: off by default, loopback by default, other addresses only with TLS and a token', async () => {
  await using at = await directory();
  const options = (settings: object, asked?: string) => tcpOptions(configSchema.parse(settings), at.places, asked);
  assert.equal(await options({}), undefined);
  assert.equal(await options({ listen: false, auth: 'none' }), undefined);
  assert.partialDeepStrictEqual(await options({ listen: true }), { host: '127.0.0.1', port: 9998 });
  assert.ok((await options({ listen: true }))?.tokens !== undefined);
  assert.equal((await options({ auth: 'none' }, '[::1]:1'))?.tokens, undefined);
  const files = { cert: join(at.root, 'cert'), key: join(at.root, 'key') };
  for (const settings of [{}, { auth: 'none' }, { auth: 'none', tls: files }]) {
    await assert.rejects(options(settings, '0.0.0.0:9998'), { code: 'INVALID_ARGUMENT' });
  }
  await assert.rejects(options({ tls: files }, '0.0.0.0:9998'), { next: /tls\.cert/ });
  await writeFile(files.cert, CERTIFICATE);
  await writeFile(files.key, KEY);
  assert.equal((await options({ tls: files }, '0.0.0.0:9998'))?.tls?.key, KEY);
  for (const asked of ['', '9998', 'localhost', 'localhost:x', 'localhost:70000', '::1:5', 'a b:5']) {
    await assert.rejects(options({}, asked), { code: 'INVALID_ARGUMENT' }, asked);
  }
});

test('--listen takes an address, or none', () => {
  assert.equal(readOptions(['--listen', '[::1]:5'], {}).listen, '[::1]:5');
  assert.equal(readOptions(['--listen'], {}).listen, '127.0.0.1:9998');
  assert.equal(readOptions(['--listen', '--stop-apps'], {}).listen, '127.0.0.1:9998');
  assert.equal(readOptions([], {}).listen, undefined);
});
