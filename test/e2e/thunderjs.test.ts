/** Whole lives of apps as Thunder's own clients drive them, by TCP with the token, on a real daemon (facts/thunder.md §2). */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { hostApp, SLEEP, uniqueId } from '../lib/apps.ts';
import { startDaemon, type TestDaemon } from '../lib/daemon.ts';
import { freePort } from '../lib/free-port.ts';
import { checkHouse } from '../lib/house.ts';
import { CPP_UPGRADE, rawPeer, unmaskedFrame } from '../lib/raw.ts';
import { ThunderJs, type ThunderError } from '../lib/thunder-js.ts';
import { until } from '../lib/until.ts';

const CALLSIGN = 'org.rdk.RuntimeManager';
const EVENTS = ['onStarted', 'onTerminated', 'onFailure', 'onStateChanged'] as const;

type Params = { readonly appInstanceId: string; readonly state?: string };
type Heard = { readonly event: string; readonly params: Params };

/** At one port in each of its lives: a client of Thunder has the address in its settings. */
async function daemonAt(port: number): Promise<TestDaemon> {
  return startDaemon({ args: ['--listen', `127.0.0.1:${port}`] });
}

const tokenOf = async ({ places }: TestDaemon): Promise<string> => (await readFile(places.token, 'utf8')).trim();

/** What a page does that uses ThunderJS: opens it, and listens to everything. */
async function openThunder(daemon: TestDaemon, port: number) {
  const thunder = await ThunderJs.open({ host: '127.0.0.1', port, token: await tokenOf(daemon) });
  const heard: Heard[] = [];
  const listeners = EVENTS.map((event) =>
    thunder.on(CALLSIGN, event, (params) => heard.push({ event, params: params as Params })),
  );
  const stateTold = (state: string): Promise<true> =>
    until(() => heard.some(({ params }) => params.state === `RUNTIME_STATE_${state}`), { what: `${state} is told` });
  const manager = thunder.plugin(CALLSIGN);
  const ask = (method: string, params?: object): Promise<unknown> => manager[method]?.(params) ?? assert.fail(method);
  const infoOf = async (appInstanceId: string) =>
    JSON.parse((await ask('getInfo', { appInstanceId })) as string) as { readonly state: string; readonly pid: number };
  return {
    thunder,
    heard,
    listeners,
    stateTold,
    ask,
    infoOf,
    [Symbol.dispose]: () => thunder[Symbol.dispose](),
  };
}

test('ThunderJS drives an app through its whole life, over a daemon that is killed in the middle', async () => {
  const port = await freePort();
  await using daemon = await daemonAt(port);
  await assert.rejects(ThunderJs.open({ host: '127.0.0.1', port, token: 'x'.repeat(43) }), /403/);
  const appInstanceId = uniqueId('thunderjs');
  const one = { appInstanceId };
  let pid: number;
  {
    using page = await openThunder(daemon, port);
    const { ask, thunder } = page;
    const status = await thunder.call('Controller', `status@${CALLSIGN}`);
    assert.partialDeepStrictEqual(status, [{ callsign: CALLSIGN, state: 'activated' }]);
    assert.deepEqual(await ask('run', hostApp(appInstanceId, SLEEP)), one);
    await page.stateTold('RUNNING');
    ({ pid } = await page.infoOf(appInstanceId));
    assert.equal(await ask('suspend', { ...one, version: 1 }), null, 'a version of its own goes into the name');
    await assert.rejects(ask('suspend', { ...one, version: 2 }), { code: -32_602 });
    await assert.rejects(ask('wake', one), { code: 5 });
    await assert.rejects(ask('terminate', { appInstanceId: 'nope' }), ({ code, message }: ThunderError) => {
      assert.match(message, /nope/);
      return code === 1;
    });
    await daemon.kill9();
    // the real one does not connect again by itself
    await assert.rejects(ask('resume', one), { type: 'close', code: 1006 });
    assert.deepEqual(page.thunder.complaints, []);
    await daemon.start();
  }
  using page = await openThunder(daemon, port);
  const { ask, infoOf } = page;
  assert.partialDeepStrictEqual(await infoOf(appInstanceId), { state: 'SUSPENDED', pid });
  assert.equal(await ask('resume', one), null);
  assert.equal(await ask('hibernate', one), null);
  assert.equal((await infoOf(appInstanceId)).state, 'HIBERNATED');
  assert.equal(await ask('wake', { ...one, runtimeState: 'RUNTIME_STATE_SUSPENDED' }), null);
  assert.equal((await infoOf(appInstanceId)).state, 'RUNNING');
  assert.equal(await ask('annotate', { ...one, key: 'note', value: 'text' }), null);
  assert.equal(await ask('terminate', one), null);
  await page.stateTold('TERMINATED');
  const states = (id: string) =>
    page.heard.flatMap(
      ({ params }) => (params.appInstanceId === id && params.state?.replace('RUNTIME_STATE_', '')) || [],
    );
  const other = uniqueId('killed');
  await ask('run', hostApp(other, SLEEP));
  await until(() => states(other).includes('RUNNING'), { what: 'the other one is told to run' });
  page.listeners[3]?.dispose();
  assert.equal(await ask('kill', { appInstanceId: other }), null);
  const ends = () =>
    page.heard.flatMap(({ event, params }) => (event === 'onTerminated' ? [params.appInstanceId] : []));
  await until(() => ends().includes(other), { what: 'the kill is told' });
  assert.deepEqual(ends(), [appInstanceId, other]);
  assert.deepEqual(states(appInstanceId), [
    ...['RUNNING', 'HIBERNATING', 'HIBERNATED', 'WAKING', 'RUNNING'],
    ...['TERMINATING', 'TERMINATED'],
  ]);
  assert.deepEqual(states(other), ['STARTING', 'RUNNING'], 'nothing comes any more for a listener that was disposed');
  assert.deepEqual(page.thunder.complaints, []);
  await checkHouse(daemon);
});

/** A C++ LinkType: frames without mask, names without version, a call after the other. */
async function openLink(daemon: TestDaemon, port: number) {
  const peer = await rawPeer({ host: '127.0.0.1', port });
  peer.socket.write(CPP_UPGRADE(`/jsonrpc/?token=${await tokenOf(daemon)}`));
  await peer.until('\r\n\r\n');
  let lastId = 0;
  return {
    told: (text: string) => until(() => peer.received().includes(text), { what: text }),
    /** Waits until `answer` is what comes for the call. */
    ask: async (method: string, params: object | undefined, answer = '"result":null') => {
      const id = ++lastId;
      peer.socket.write(unmaskedFrame(JSON.stringify({ jsonrpc: '2.0', id, method, ...(params && { params }) })));
      await until(() => peer.received().includes(`"id":${id},${answer}`), {
        what: `${method} is answered with ${answer}: ${peer.received().toString().slice(-500)}`,
        timeoutMs: 60_000,
      });
    },
    [Symbol.dispose]: () => peer[Symbol.dispose](),
  };
}

test('a JSON-RPC link of C++ drives an app through its whole life, with frames that have no mask', async () => {
  const port = await freePort();
  await using daemon = await daemonAt(port);
  using link = await openLink(daemon, port);
  const appInstanceId = uniqueId('link');
  const one = { appInstanceId };
  const call = (method: string, params: object = {}, answer?: string) =>
    link.ask(`${CALLSIGN}.${method}`, { ...one, ...params }, answer);
  await link.ask('register', { event: 'statechange', id: 'temporary1' }, '"result":0');
  await link.ask(`status@${CALLSIGN}`, undefined, `"result":[{"callsign":"${CALLSIGN}"`);
  for (const event of EVENTS) await link.ask(`${CALLSIGN}.register`, { event, id: 'L2tests.1' }, '"result":0');
  await call('run', hostApp(appInstanceId, SLEEP), `"result":{"appInstanceId":"${appInstanceId}"}`);
  await link.told(`"method":"L2tests.1.onStarted","params":{"appInstanceId":"${appInstanceId}"}`);
  for (const method of ['suspend', 'resume', 'hibernate']) await call(method);
  await call('wake', { runtimeState: 'RUNTIME_STATE_RUNNING' });
  await call('getInfo', {}, String.raw`"result":"{\"appId\":`);
  await call('wake', {}, '"error":{"code":5,');
  await call('terminate');
  await link.told(`"method":"L2tests.1.onTerminated","params":{"appInstanceId":"${appInstanceId}"`);
  await call('kill', {}, '"result":{"already":true}');
  await daemon.stop();
  await link.told(
    '"method":"temporary1.statechange","params":{"callsign":"org.rdk.RuntimeManager","state":"Deactivated"',
  );
  await daemon.start();
  await checkHouse(daemon);
});
