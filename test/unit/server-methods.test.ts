import assert from 'node:assert/strict';
import { test } from 'node:test';
import { METHODS } from '../../src/domain/api.ts';
import { RuntimeError } from '../../src/domain/errors.ts';
import { parseDesignator } from '../../src/server/designator.ts';
import { Written } from '../../src/server/json-rpc.ts';
import { methods } from '../../src/server/methods.ts';
import { fakeService } from '../lib/fake-service.ts';

const gone = new AbortController().signal;
const rootfs = { host: true };

function caller() {
  const service = fakeService();
  return { service, call: methods(service, { gone: () => gone }) };
}

const refusal = async (call: Promise<unknown>): Promise<RuntimeError> => {
  const error = await call.then(
    () => assert.fail('nothing was thrown'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof RuntimeError, String(error));
  return error;
};

test('designators are read as Thunder reads them', () => {
  const cases = {
    run: [undefined, undefined, 'run'],
    '1.run': [undefined, 1, 'run'],
    'org.rdk.RuntimeManager.run': ['org.rdk.RuntimeManager', undefined, 'run'],
    'org.rdk.RuntimeManager.1.run': ['org.rdk.RuntimeManager', 1, 'run'],
    'a.2.b.c': ['a.2.b', undefined, 'c'],
    '': [undefined, undefined, ''],
  } as const;
  for (const [text, [callsign, version, method]] of Object.entries(cases)) {
    assert.deepEqual(parseDesignator(text), { callsign, version, method, index: undefined }, text);
  }
  assert.deepEqual(parseDesignator('Controller.1.status@org.rdk.X'), {
    callsign: 'Controller',
    version: 1,
    method: 'status',
    index: 'org.rdk.X',
  });
});

test('a method is called by its bare name, with callsign, and with version 1', async () => {
  const { call } = caller();
  for (const prefix of ['', '1.', 'org.rdk.RuntimeManager.', 'org.rdk.RuntimeManager.1.']) {
    assert.deepEqual(await call(`${prefix}list`, undefined), []);
  }
});

test('foreign callsigns, unknown names and inherited members are unknown methods', async () => {
  const { call } = caller();
  for (const name of [
    'org.rdk.Other.1.list',
    'LIST',
    'constructor',
    '__proto__',
    'toString',
    'subscribe',
    '',
    'list@x',
  ]) {
    assert.equal((await refusal(call(name, {}))).code, 'UNKNOWN_METHOD', name);
  }
});

test('another version than 1 is refused as bad parameters, as Thunder R4 does', async () => {
  assert.equal((await refusal(caller().call('org.rdk.RuntimeManager.2.list', {}))).code, 'INVALID_ARGUMENT');
});

test('results have the form they have upstream', async () => {
  const { call } = caller();
  assert.deepEqual(await call('run', { appId: 'a', appInstanceId: 'one', app: { rootfs } }), { appInstanceId: 'one' });
  assert.equal(await call('suspend', { appInstanceId: 'one' }), null);
  assert.equal(await call('resume', { appInstanceId: 'one' }), null);
  const info = await call('getInfo', { appInstanceId: 'one' });
  assert.ok(info instanceof Written);
  const text: unknown = JSON.parse(info.json);
  assert.equal(typeof text, 'string');
  assert.equal((JSON.parse(text as string) as { state: string }).state, 'RUNNING');
  assert.equal(await call('terminate', { appInstanceId: 'one' }), null);
  assert.deepEqual(await call('terminate', { appInstanceId: 'one' }), { already: true });
  assert.deepEqual(await call('kill', { appInstanceId: 'one' }), { already: true });
});

test('defaults of the table are filled in before the service sees the parameters', async () => {
  const { call, service } = caller();
  await call('run', { appId: 'a', appInstanceId: 'one', app: { rootfs } });
  const [{ app }] = service.world.runs as [{ app: { network: string; env: object } }];
  assert.equal(app.network, 'none');
  assert.deepEqual(app.env, {});
});

test('every bad member is named with its path and what is expected', async () => {
  const { call } = caller();
  const app = {
    rootfs,
    network: 'wifi',
    limits: { memoryBytes: 5, cpu: 1 },
    env: { A: 1 },
    mounts: [{ source: 'x', destination: '/d' }],
  };
  const error = await refusal(call('run', { appInstanceId: 7, app, extra: 1 }));
  assert.equal(error.code, 'INVALID_ARGUMENT');
  const members = new Map(
    (error.details?.['members'] as { path: string; expected: string }[]).map(({ path, expected }) => [path, expected]),
  );
  assert.deepEqual([...members.keys()].sort(), [
    'app.env.A',
    'app.limits.cpu',
    'app.limits.memoryBytes',
    'app.mounts[0].source',
    'app.network',
    'appId',
    'appInstanceId',
    'extra',
  ]);
  assert.equal(members.get('appId'), 'is missing (string expected)');
  assert.equal(members.get('extra'), 'is not a known member');
  assert.equal(members.get('app.mounts[0].source'), 'must be an absolute path');
  assert.match(members.get('app.network') ?? '', /"none"\|"nat"\|"host"/);
  for (const path of members.keys()) assert.ok(error.what.includes(path), error.what);
});

test('a root file system of the right kind but with a bad value is told what is bad about it', async () => {
  const error = await refusal(caller().call('run', { appId: 'a', app: { rootfs: { dir: 'relative' } } }));
  assert.match(error.what, /app\.rootfs\.dir must be an absolute path/);
  const other = await refusal(caller().call('run', { appId: 'a', app: { rootfs: { folder: '/x' } } }));
  assert.match(other.what, /app\.rootfs must be exactly one of/);
});

test('names of members come from outside and cannot break the line', async () => {
  const { what } = await refusal(caller().call('list', { 'a\nb\u001b[31m': 1, ['x'.repeat(5000)]: 1 }));
  assert.ok(!what.includes('\n') && !what.includes('\u001b'), what);
  assert.ok(what.length < 1000);
});

test('a member called __proto__ is refused like any unknown one', async () => {
  const { call } = caller();
  const params: unknown = JSON.parse('{"__proto__":{"all":true}}');
  assert.match((await refusal(call('list', params))).what, /__proto__ is not a known member/);
});

test('parameters of the wrong form as a whole are refused', async () => {
  const { call } = caller();
  for (const params of [[], 'one', 7, true]) {
    assert.equal((await refusal(call('kill', params))).code, 'INVALID_ARGUMENT');
  }
  assert.match((await refusal(call('kill', undefined))).what, /params is missing/);
});

test('only reads are given up when their caller is gone', async () => {
  const { service } = caller();
  const left = AbortSignal.abort();
  const seen = new Map<string, boolean>();
  const spy = Object.fromEntries(
    Object.keys(METHODS).map((name) => [
      name,
      async (_: unknown, { signal }: { signal: AbortSignal }) => {
        seen.set(name, signal.aborted);
        return { already: false };
      },
    ]),
  );
  const call = methods({ ...service, ...spy }, { gone: () => left });
  for (const name of ['suspend', 'resume', 'terminate', 'kill', 'getInfo', 'getLogs']) {
    await call(name, { appInstanceId: 'x' });
  }
  await call('run', { appId: 'x' });
  assert.deepEqual(Object.fromEntries(seen), {
    suspend: false,
    resume: false,
    terminate: false,
    kill: false,
    run: false,
    getInfo: true,
    getLogs: true,
  });
});
