import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import type { IncomingMessage, RequestOptions } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { RuntimeError } from '../../src/domain/errors.ts';
import type { AppEvent } from '../../src/domain/events.ts';
import { Meter } from '../../src/server/metrics/meter.ts';
import { METRICS } from '../../src/server/metrics/table.ts';
import { tellMarker, type MARKERS } from '../../src/server/telemetry.ts';
import { fakeDaemon } from '../lib/fake-daemon.ts';
import { fakeService } from '../lib/fake-service.ts';
import { PROJECT } from '../lib/pages.ts';
import { tcpDaemon, TOKENS } from '../lib/tcp-daemon.ts';

const nobody = { signal: new AbortController().signal };

async function get(options: RequestOptions) {
  const [response] = (await once(request({ path: '/metrics', agent: false, ...options }).end(), 'response')) as [
    IncomingMessage,
  ];
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode, type: response.headers['content-type'], text };
}

/** Samples by name and labels. */
const samplesOf = (page: string): ReadonlyMap<string, string> =>
  new Map(
    page
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => [line.slice(0, line.lastIndexOf(' ')), line.slice(line.lastIndexOf(' ') + 1)]),
  );

test('the page has every metric of the table, with what living apps use and nothing of ended ones', async () => {
  await using daemon = await fakeDaemon();
  const service = daemon.service();
  for (const appInstanceId of ['one', 'two']) await service.run({ appId: 'clock', appInstanceId }, nobody);
  await service.kill({ appInstanceId: 'two' }, nobody);
  const { status, type, text } = await get({ socketPath: daemon.socket });
  assert.equal(status, 200);
  assert.equal(type, 'text/plain; version=0.0.4; charset=utf-8');
  for (const { name, type: kind } of METRICS) assert.ok(text.includes(`# TYPE ${name} ${kind}\n`), name);
  const samples = samplesOf(text);
  assert.equal(samples.get('runtime_manager_apps{state="RUNNING"}'), '1');
  assert.equal(samples.get('runtime_manager_app_state{app="clock",app_instance="one",state="RUNNING"}'), '1');
  assert.equal(samples.get('runtime_manager_app_memory_bytes{app="clock",app_instance="one"}'), String(5 * 2 ** 20));
  assert.equal(samples.get('runtime_manager_events_total{type="started"}'), '2');
  assert.equal(samples.get('runtime_manager_app_ends_total{cause="killed"}'), '1');
  assert.equal(samples.get('runtime_manager_events_missed_total'), '0');
  assert.ok(!text.includes('app_instance="two"'));
});

test('calls are counted by what came of them, and how long their callers waited', async () => {
  await using daemon = await tcpDaemon();
  const post = async (method: string, params: object, token: string): Promise<void> => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
    const url = daemon.url.replace('ws:', 'http:');
    await fetch(`${url}/jsonrpc`, { method: 'POST', body, headers: { authorization: `Bearer ${token}` } });
  };
  await post('run', { appId: 'clock', appInstanceId: 'one', app: { rootfs: { host: true } } }, TOKENS.control);
  await post('suspend', { appInstanceId: 'nope' }, TOKENS.control);
  await post('kill', { appInstanceId: 'one' }, TOKENS.observe);
  await post('getInfo', { appInstanceId: 'one' }, TOKENS.observe);
  const samples = samplesOf((await get({ socketPath: daemon.socket })).text);
  assert.equal(samples.get('runtime_manager_operations_total{operation="run",outcome="OK"}'), '1');
  assert.equal(samples.get('runtime_manager_operations_total{operation="suspend",outcome="NOT_FOUND"}'), '1');
  const duration = 'runtime_manager_operation_duration_seconds';
  assert.equal(samples.get(`${duration}_bucket{operation="run",result="ok",le="+Inf"}`), '1');
  assert.equal(samples.get(`${duration}_count{operation="suspend",result="failed"}`), '1');
  assert.equal(samples.get('runtime_manager_calls_refused_total'), '1');
  assert.ok(![...samples.keys()].some((key) => key.includes('getInfo')));
});

test('by TCP the page is for who may observe, and nothing but GET is for it', async () => {
  await using daemon = await tcpDaemon();
  const { hostname: host, port } = new URL(daemon.url);
  const asked = (token: string | undefined, method = 'GET') =>
    get({ host, port, method, ...(token !== undefined && { headers: { authorization: `Bearer ${token}` } }) });
  assert.equal((await asked(undefined)).status, 401);
  assert.equal((await asked('wrong')).status, 401);
  assert.equal((await asked(TOKENS.observe)).status, 200);
  assert.equal((await asked(TOKENS.control)).status, 200);
  assert.equal((await asked(TOKENS.control, 'POST')).status, 405);
  assert.equal((await asked(TOKENS.observe, 'HEAD')).text, '');
});

test('an event whose number does not follow the last one has left others untold', () => {
  const meter = new Meter();
  const event = (seq: number): AppEvent => ({ seq, type: 'displayGone' }) as AppEvent;
  for (const seq of [7, 8, 9]) meter.event(event(seq));
  assert.equal(meter.missed, 0);
  meter.event(event(12));
  assert.equal(meter.missed, 2);
  meter.page({ events: [], firstSeq: 5, lastSeq: 9 }, 3);
  meter.page({ events: [], firstSeq: 4, lastSeq: 9 }, 3);
  assert.equal(meter.gaps, 1);
});

test('a duration is in the bucket whose edge it does not exceed, and longer ones only in the count', () => {
  const meter = new Meter();
  for (const ms of [5, 6, 61_000]) meter.operation('run', { ms, failure: undefined });
  const [spread] = meter.durations;
  assert.deepEqual(spread?.buckets.slice(0, 3), [1, 1, 0]);
  assert.equal(
    spread?.buckets.reduce((sum, count) => sum + count),
    2,
  );
  assert.equal(spread?.count, 3);
});

test("RDK's markers are lines of the log with upstream's names and fields", async () => {
  const lines: object[] = [];
  const log = {
    debug: () => undefined,
    warn: () => undefined,
    error: () => undefined,
    info: (facts: object) => void lines.push(facts),
  };
  const service = fakeService();
  await service.run({ appId: 'clock', appInstanceId: 'one' }, nobody);
  const tell = (name: keyof typeof MARKERS, params: object, ok = true) =>
    tellMarker({ service, log }, name, { params, ms: 12.4, ok });
  await tell('run', { appId: 'clock' });
  await tell('hibernate', { appInstanceId: 'one' });
  await tell('suspend', { appInstanceId: 'nope' }, false);
  await tell('kill', { appInstanceId: 'one' }, false);
  assert.deepEqual(lines, [
    { marker: 'ENTS_INFO_RDKAMAppLaunchTime', runtimeManagerRunTime: 12, appId: 'clock' },
    { marker: 'ENTS_INFO_RDKAMHibernateTime', runtimeManagerHibernateTime: 12, appId: 'clock' },
    { marker: 'ENTS_INFO_RDKAMSuspendTime', runtimeManagerSuspendTime: 12, appId: '' },
  ]);
});

test('names keep to the conventions of Prometheus', () => {
  for (const { name, type, help } of METRICS) {
    assert.match(name, /^(runtime_manager|process|nodejs)_[a-z0-9_]+$/);
    assert.equal(name.endsWith('_total'), type === 'counter', name);
    assert.ok(help.length > 0);
  }
  assert.equal(new Set(METRICS.map(({ name }) => name)).size, METRICS.length);
});

test('the Grafana dashboard asks for metrics that are there', () => {
  const text = readFileSync(join(PROJECT, 'packaging/grafana/runtime-manager.json'), 'utf8');
  const { panels } = JSON.parse(text) as { panels: { targets: { expr: string }[] }[] };
  const names = new Set(METRICS.flatMap(({ name }) => [name, `${name}_bucket`, `${name}_sum`, `${name}_count`]));
  const asked = panels
    .flatMap(({ targets }) => targets)
    .flatMap(({ expr }) => expr.match(/(runtime_manager|process|nodejs)_\w+/g) ?? []);
  assert.ok(asked.length > 10);
  assert.deepEqual(
    asked.filter((name) => !names.has(name)),
    [],
  );
});

test('a failure that is no RuntimeError counts as INTERNAL', () => {
  const meter = new Meter();
  meter.operation('run', { ms: 1, failure: new Error('x') });
  meter.operation('run', { ms: 1, failure: new RuntimeError('BUSY', { what: 'x' }) });
  assert.deepEqual(
    meter.operations.all.map(({ labels }) => labels['outcome']),
    ['INTERNAL', 'BUSY'],
  );
});
