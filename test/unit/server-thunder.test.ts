/** What Thunder's clients really send (facts/thunder.md §2), word for word, and what they must get. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { FRAGMENT_BYTES } from '../../src/server/fragments.ts';
import { unmaskedWorks } from '../../src/server/unmasked.ts';
import { fakeDaemon } from '../lib/fake-daemon.ts';
import { CPP_UPGRADE, rawPeer, unmaskedFrame } from '../lib/raw.ts';

const signal = new AbortController().signal;
const RUNTIME_MANAGER = 'org.rdk.RuntimeManager';

type Message = {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string };
};

/** A WebSocket client whose messages are read one after the other. */
async function thunderClient(socketPath: string, { path = '/jsonrpc', protocols = ['notification'] } = {}) {
  const socket = new WebSocket(`ws://127.0.0.1${path}`, protocols, { createConnection: () => connect(socketPath) });
  const messages: Message[] = [];
  socket.on('message', (data: Buffer) => messages.push(JSON.parse(data.toString()) as Message));
  await once(socket, 'open');
  const next = async (): Promise<Message> => {
    while (messages.length === 0) await once(socket, 'message', { signal: AbortSignal.timeout(5000) });
    return messages.shift() ?? {};
  };
  const ask = async (message: object): Promise<Message> => {
    socket.send(JSON.stringify(message));
    return next();
  };
  const call = (method: string, params?: unknown) => ask({ jsonrpc: '2.0', id: 1, method, params });
  return { socket, next, ask, call, [Symbol.dispose]: () => socket.terminate() };
}

test('ThunderJS: what it sends gets what it expects', async () => {
  await using daemon = await fakeDaemon();
  using client = await thunderClient(daemon.socket);
  assert.equal(client.socket.protocol, 'notification');
  client.socket.send('{"jsonrpc":"2.0","id":1,"method":"Controller.1.status@org.rdk.RuntimeManager"}');
  const { id, result } = await client.next();
  assert.equal(id, 1);
  assert.partialDeepStrictEqual(result, [{ callsign: RUNTIME_MANAGER, state: 'activated', startmode: 'Activated' }]);
  assert.equal((result as unknown[]).length, 1);
  const events = `client.${RUNTIME_MANAGER}.events`;
  client.socket.send(
    `{"jsonrpc":"2.0","id":3,"method":"org.rdk.RuntimeManager.1.register","params":{"event":"onStarted","id":"${events}"}}`,
  );
  assert.deepEqual(await client.next(), { jsonrpc: '2.0', id: 3, result: 0 });
  await daemon.service().run({ appId: 'app', appInstanceId: 'known' }, { signal });
  assert.deepEqual(await client.next(), {
    jsonrpc: '2.0',
    method: `${events}.onStarted`,
    params: { appInstanceId: 'known' },
  });
  const unknown = await client.call(`${RUNTIME_MANAGER}.1.terminate`, { appInstanceId: 'nope' });
  assert.equal(unknown.error?.code, 1);
  client.socket.send(
    `{"jsonrpc":"2.0","id":12,"method":"org.rdk.RuntimeManager.1.unregister","params":{"event":"onStarted","id":"${events}"}}`,
  );
  assert.deepEqual(await client.next(), { jsonrpc: '2.0', id: 12, result: 0 });
});

test('the C++ client: unmasked frames, its headers, bare Controller methods, and an end without a close frame', async () => {
  assert.ok(unmaskedWorks());
  await using daemon = await fakeDaemon();
  using peer = await rawPeer({ path: daemon.socket });
  peer.socket.write(CPP_UPGRADE());
  assert.match(await peer.until('\r\n\r\n'), /^HTTP\/1\.1 101 [^]*Sec-WebSocket-Protocol: JSON\r\n/);
  const { socket } = peer;
  socket.write(
    unmaskedFrame('{"jsonrpc":"2.0","id":1,"method":"register","params":{"event":"statechange","id":"temporary1"}}'),
  );
  await peer.until('"id":1,"result":0');
  socket.write(unmaskedFrame('{"jsonrpc":"2.0","id":2,"method":"status@org.rdk.RuntimeManager"}'));
  await peer.until('"id":2,"result":[{"callsign":"org.rdk.RuntimeManager"');
  socket.write(
    unmaskedFrame(
      '{"jsonrpc":"2.0","id":3,"method":"org.rdk.RuntimeManager.register","params":{"event":"onStateChanged","id":"L2tests.1"}}',
    ),
  );
  await peer.until('"id":3,"result":0');
  await daemon.service().run({ appId: 'app', appInstanceId: 'known' }, { signal });
  socket.write(
    unmaskedFrame(
      '{"jsonrpc":"2.0","id":4,"method":"org.rdk.RuntimeManager.suspend","params":{"appInstanceId":"known"}}',
    ),
  );
  await peer.until('"method":"L2tests.1.onStateChanged","params":{"appInstanceId":"known"');
  await peer.until('"id":4,"result":null');
  await daemon.stop();
  await peer.until(
    '"method":"temporary1.statechange","params":{"callsign":"org.rdk.RuntimeManager","state":"Deactivated"',
  );
  await daemon.start();
  using again = await rawPeer({ path: daemon.socket });
  again.socket.write(CPP_UPGRADE('/jsonrpc'));
  await again.until('\r\n\r\n');
  again.socket.destroy();
  using other = await thunderClient(daemon.socket);
  assert.equal(((await other.call('list')).result as unknown[]).length, 1);
  assert.deepEqual(daemon.complaints, []);
});

test('Ripple: a plain number as id, no sub-protocol, unregister without an id', async () => {
  await using daemon = await fakeDaemon();
  using client = await thunderClient(daemon.socket, { protocols: [] });
  assert.equal((await client.call(`${RUNTIME_MANAGER}.register`, { event: 'onStarted', id: 14 })).result, 0);
  await daemon.service().run({ appId: 'a', appInstanceId: 'one' }, { signal });
  assert.equal((await client.next()).method, '14.onStarted');
  const method = `${RUNTIME_MANAGER}.unregister`;
  client.socket.send(JSON.stringify({ jsonrpc: '2.0', method, params: { event: 'onStarted', id: 14 } }));
  assert.equal((await client.call('Controller.status@org.rdk.Missing')).error?.message, 'ERROR_UNKNOWN_KEY');
  await daemon.service().run({ appId: 'a', appInstanceId: 'two' }, { signal });
  assert.equal(((await client.call('list')).result as unknown[]).length, 2);
});

const CODES: Readonly<Record<string, { params?: unknown; r4: number; r5: number }>> = {
  'org.rdk.Other.1.list': { r4: -32_603, r5: -31_043 },
  'org.rdk.RuntimeManager.1.dance': { r4: -32_601, r5: -32_601 },
  'Controller.dance': { r4: -32_601, r5: -32_601 },
  'org.rdk.RuntimeManager.2.list': { r4: -32_602, r5: -31_038 },
  'org.rdk.RuntimeManager.': { r4: -32_600, r5: -31_015 },
  'org.rdk.RuntimeManager.kill': { params: { appInstanceId: 5 }, r4: -32_602, r5: -32_602 },
  'org.rdk.RuntimeManager.getInfo': { params: { appInstanceId: 'nope' }, r4: 1, r5: -31_001 },
  'org.rdk.RuntimeManager.run': { params: { appId: 'a', appInstanceId: 'one' }, r4: 29, r5: -31_029 },
  'org.rdk.RuntimeManager.resume': { params: { appInstanceId: 'asleep' }, r4: 5, r5: -31_005 },
  'org.rdk.RuntimeManager.unregister': { params: { event: 'e', id: 'i' }, r4: 22, r5: -31_048 },
  'org.rdk.RuntimeManager.register': { params: { event: 'taken', id: 'i' }, r4: 22, r5: -31_048 },
  'Controller.status@org.rdk.Other': { r4: 22, r5: -31_022 },
  'Controller.activate': { params: { callsign: 'org.rdk.Other' }, r4: 22, r5: -31_022 },
  'Controller.1.deactivate': { params: {}, r4: 22, r5: -31_022 },
  'Controller.deactivate': { params: { callsign: RUNTIME_MANAGER, more: 1 }, r4: -32_604, r5: -32_604 },
  'Controller.1.activate': { params: { callsign: 'Controller' }, r4: -32_604, r5: -32_604 },
};

for (const profile of ['r4', 'r5'] as const) {
  test(`profile ${profile}: codes, register, exists, versions, Controller`, async () => {
    await using daemon = await fakeDaemon({ profile });
    using client = await thunderClient(daemon.socket);
    const service = daemon.service();
    await service.run({ appId: 'a', appInstanceId: 'one' }, { signal });
    await service.run({ appId: 'a', appInstanceId: 'asleep' }, { signal });
    await service.hibernate({ appInstanceId: 'asleep' }, { signal });
    const registered = await client.call('register', { event: 'taken', id: 'i', extra: [] });
    assert.equal(registered.result, profile === 'r4' ? 0 : null);
    for (const [method, { params, ...codes }] of Object.entries(CODES)) {
      assert.equal((await client.call(method, params)).error?.code, codes[profile], method);
    }
    const call = async (method: string, params?: unknown) => (await client.call(method, params)).result;
    assert.equal(await call(`${RUNTIME_MANAGER}.exists`, 'run'), 0);
    assert.equal(await call(`${RUNTIME_MANAGER}.exists`, 'status'), 22);
    assert.equal(await call('Controller.exists', { method: 'status' }), true);
    assert.equal(await call(`${RUNTIME_MANAGER}.exists`, { method: 'constructor' }), false);
    const versions = [{ name: 'JRuntimeManager', major: 1, minor: 0, patch: 0 }];
    assert.deepEqual(await call(`${RUNTIME_MANAGER}.1.versions`), versions);
    assert.equal(await call('Controller.activate', { callsign: RUNTIME_MANAGER }), null);
    assert.equal(((await call('Controller.version')) as { major: number }).major, profile === 'r4' ? 4 : 5);
    assert.deepEqual(await call('subsystems'), [{ subsystem: 'Platform', active: true }]);
    const entries = (await call('Controller.status')) as { callsign: string; state: string; observers: number }[];
    assert.deepEqual(
      entries.map(({ callsign, state, observers }) => [callsign, state, observers]),
      ['Controller', RUNTIME_MANAGER].map((callsign) => [callsign, profile === 'r4' ? 'activated' : 'Activated', 1]),
    );
    if (profile === 'r4') return;
    client.socket.send('{"id":9,"method":"register","params":{"event":"statechange","id":"t"}}');
    const params = { callsign: RUNTIME_MANAGER, state: 'Activated', reason: 'Startup' };
    assert.deepEqual(await client.next(), { jsonrpc: '2.0', method: 't.statechange', params });
  });
}

test('envelopes as they are written in practice are answered with their id', async () => {
  await using daemon = await fakeDaemon();
  using client = await thunderClient(daemon.socket);
  for (const id of [0, 'seven', -1, 4_294_967_295]) {
    assert.deepEqual(await client.ask({ jsonrpc: 2.0, id, method: 'list' }), { jsonrpc: '2.0', id, result: [] });
    assert.deepEqual(await client.ask({ id, method: 'list' }), { jsonrpc: '2.0', id, result: [] });
  }
});

test('at /jsonrpc/<callsign> bare methods are that service’s; others with their callsign', async () => {
  await using daemon = await fakeDaemon();
  for (const path of [`/jsonrpc/${RUNTIME_MANAGER}`, `/jsonrpc/${RUNTIME_MANAGER}/?token=x`]) {
    using client = await thunderClient(daemon.socket, { path });
    assert.deepEqual((await client.call('list')).result, []);
    assert.equal((await client.call('status')).error?.code, -32_601);
    assert.ok(Array.isArray((await client.call('Controller.status')).result));
  }
  using controller = await thunderClient(daemon.socket, { path: '/jsonrpc/Controller' });
  assert.equal((await controller.call('list')).error?.code, -32_601);
  assert.equal((await controller.call('1.version')).error, undefined);
  assert.deepEqual((await controller.call(`${RUNTIME_MANAGER}.list`)).result, []);
  for (const path of ['/jsonrpc/org.rdk.Other', '/jsonrpc/a/b', '/Service/Controller', '/']) {
    await assert.rejects(thunderClient(daemon.socket, { path }), /503/, path);
  }
});

async function http(socketPath: string, { path = '/jsonrpc', method = 'POST', body = '' }) {
  const call = request({ socketPath, path, method, agent: false }).end(body);
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  const { statusCode: status, statusMessage: reason, headers } = response;
  return { status, reason, headers, text: Buffer.concat(chunks).toString() };
}

test('HTTP: status lines of the profile, CORS, content type, GET and OPTIONS', async () => {
  const wrong = '{"jsonrpc":"2.0","id":1,"method":"dance"}';
  await using r4 = await fakeDaemon();
  const failed = await http(r4.socket, { body: wrong });
  assert.deepEqual([failed.status, failed.reason], [202, 'Failure on JSONRPC: 4294934695']);
  assert.equal(failed.headers['content-type'], 'application/json');
  assert.equal(failed.headers['access-control-allow-origin'], '*');
  assert.equal((await http(r4.socket, { body: wrong.replace('dance', 'list') })).status, 200);
  assert.equal((await http(r4.socket, { path: '/jsonrpc/org.rdk.Other', body: wrong })).status, 404);
  const shown = await http(r4.socket, { method: 'GET' });
  assert.equal((JSON.parse(shown.text) as { callsign: string }).callsign, 'Controller');
  const preflight = await http(r4.socket, { method: 'OPTIONS' });
  assert.equal(preflight.status, 204);
  assert.match(String(preflight.headers['access-control-allow-headers']), /Authorization/);
  await using r5 = await fakeDaemon({ profile: 'r5' });
  assert.equal((await http(r5.socket, { body: wrong })).status, 200);
  assert.equal((await http(r5.socket, { method: 'GET' })).status, 405);
});

test('messages above 60 KiB leave in frames below 64 KiB, also where a character is cut in two', async () => {
  await using daemon = await fakeDaemon();
  await daemon.service().run({ appId: 'a', appInstanceId: 'one' }, { signal });
  const text = 'ä€😀'.repeat(20_000);
  daemon.service().write('one', text);
  const call = '{"id":1,"method":"getLogs","params":{"appInstanceId":"one"}}';
  using client = await thunderClient(daemon.socket);
  client.socket.send(call);
  const { result } = await client.next();
  assert.equal((result as { lines: { text: string }[] }).lines[0]?.text, text);
  using peer = await rawPeer({ path: daemon.socket });
  peer.socket.write(CPP_UPGRADE());
  const head = (await peer.until('\r\n\r\n')).length;
  peer.socket.write(unmaskedFrame(call));
  await peer.until('"ended":false}}');
  const frames = framesOf(peer.received().subarray(head));
  assert.ok(frames.length > 2);
  assert.deepEqual(
    frames.map(({ opcode, isLast }) => [opcode, isLast]),
    frames.map((_, index) => [index === 0 ? 1 : 0, index === frames.length - 1]),
  );
  assert.ok(frames.every(({ sizeBytes }) => sizeBytes <= FRAGMENT_BYTES));
});

/** RFC 6455 §5.2, of a server: unmasked. */
function framesOf(bytes: Buffer) {
  const frames: { opcode: number; isLast: boolean; sizeBytes: number }[] = [];
  for (let at = 0; at < bytes.length;) {
    const [first = 0, second = 0] = bytes.subarray(at);
    assert.ok(second <= 126, 'no frame needs a 64-bit length');
    const sizeBytes = second === 126 ? bytes.readUInt16BE(at + 2) : second;
    frames.push({ opcode: first & 0x0f, isLast: first >= 0x80, sizeBytes });
    at += (second === 126 ? 4 : 2) + sizeBytes;
  }
  return frames;
}

test('R5: an event registered with an index comes for that instance only, under a name with the index', async () => {
  await using daemon = await fakeDaemon();
  using client = await thunderClient(daemon.socket);
  const params = { event: 'onStarted', id: 'x' };
  assert.equal((await client.call(`${RUNTIME_MANAGER}.register@two`, params)).result, 0);
  assert.equal((await client.call(`${RUNTIME_MANAGER}.register@two`, params)).error?.code, 22);
  const service = daemon.service();
  await service.run({ appId: 'app', appInstanceId: 'one' }, { signal });
  await service.run({ appId: 'app', appInstanceId: 'two' }, { signal });
  assert.deepEqual(await client.next(), {
    jsonrpc: '2.0',
    method: 'x.onStarted@two',
    params: { appInstanceId: 'two' },
  });
  assert.equal((await client.call(`${RUNTIME_MANAGER}.unregister`, params)).error?.code, 22);
  assert.equal((await client.call(`${RUNTIME_MANAGER}.unregister@two`, params)).result, 0);
});

test('R5: a call of an object is told that there are none, with the dots of its name in any place', async () => {
  await using daemon = await fakeDaemon();
  using client = await thunderClient(daemon.socket);
  for (const name of ['app#one::suspend', `${RUNTIME_MANAGER}.1.app#org.x.y::suspend`, 'Controller.a#::status']) {
    assert.equal((await client.call(name, { appInstanceId: 'one' })).error?.code, 44, name);
  }
});
