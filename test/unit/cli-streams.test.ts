import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fakeDaemon } from '../lib/fake-daemon.ts';
import type { FakeDaemon } from '../lib/fake-daemon.ts';
import { finish, RUNTIMECTL, runtimectl, startRuntimectl } from '../lib/runtimectl.ts';
import { until } from '../lib/until.ts';

const nobody = { signal: new AbortController().signal };

async function withApps(...ids: readonly string[]): Promise<FakeDaemon> {
  const daemon = await fakeDaemon();
  for (const appInstanceId of ids) await daemon.service().run({ appId: 'clock', appInstanceId }, nobody);
  return daemon;
}

const json = (text: string): unknown => JSON.parse(text);
const lines = (text: string): readonly string[] => text.split('\n').slice(0, -1);

test('logs prints all, or the last lines', async () => {
  await using daemon = await withApps('one');
  for (let line = 1; line <= 2500; line += 1) daemon.service().write('one', `line ${line}`);
  assert.deepEqual(lines((await runtimectl(['logs', 'one'], daemon)).stdout).length, 2500);
  assert.equal((await runtimectl(['logs', 'one', '--tail', '2'], daemon)).stdout, 'line 2499\nline 2500\n');
  const [first = ''] = lines((await runtimectl(['logs', 'one', '--json'], daemon)).stdout);
  assert.deepEqual(json(first), { time: '2026-11-23T08:00:00.000Z', stream: 'stdout', text: 'line 1', partial: false });
  assert.equal((await runtimectl(['logs', 'one', '--tail', 'x'], daemon)).code, 2);
  assert.equal((await runtimectl(['logs', 'one', '--tail', '1', '--since-start'], daemon)).code, 2);
});

test('logs -f begins near the end, goes on over a restart of the daemon, and ends with the app', async () => {
  await using daemon = await withApps('one');
  for (let line = 1; line <= 30; line += 1) daemon.service().write('one', `line ${line}`);
  const child = startRuntimectl(['logs', '-f', 'one'], daemon);
  const outcome = finish(child);
  await once(child.stdout, 'data');
  daemon.service().write('one', 'line 31');
  await once(child.stdout, 'data');
  await daemon.stop();
  await daemon.start();
  daemon.service().write('one', 'line 32');
  await daemon.service().kill({ appInstanceId: 'one' }, nobody);
  const { code, stdout } = await outcome;
  assert.equal(code, 0);
  assert.deepEqual(
    lines(stdout),
    Array.from({ length: 12 }, (_, at) => `line ${21 + at}`),
  );
});

test('events are words for people and one object a line for programs', async () => {
  await using daemon = await withApps('one', 'two');
  await daemon.service().kill({ appInstanceId: 'one' }, nobody);
  const all = lines((await runtimectl(['events', '--json'], daemon)).stdout).map(json);
  assert.deepEqual(all, daemon.world.events);
  const some = lines((await runtimectl(['events', '--json', '--since', '2', '--instance', 'one'], daemon)).stdout).map(
    json,
  );
  assert.deepEqual(some, daemon.world.events.slice(2));
  const words = (await runtimectl(['events'], daemon)).stdout;
  assert.match(words, /1 one started with pid 4711\n/);
  assert.match(words, /3 one RUNNING → TERMINATED: kill\n.*4 one terminated: killed \(signal 9\)\n$/s);
});

for (const words of [
  ['events', '--follow', '--since', '0', '--json'],
  ['logs', '-f', 'one'],
]) {
  test(`Ctrl-C ends ${words.slice(0, 2).join(' ')} with status 130 and no words`, async () => {
    await using daemon = await withApps('one');
    daemon.service().write('one', 'hello');
    const child = startRuntimectl(words, daemon);
    const outcome = finish(child);
    await once(child.stdout, 'data');
    child.kill('SIGINT');
    const { code, stderr } = await outcome;
    assert.deepEqual([code, stderr], [130, '']);
  });
}

test('events --follow goes on over a restart of the daemon without a loss or a double', async () => {
  await using daemon = await withApps('one');
  const child = startRuntimectl(['events', '--follow', '--since', '0', '--json'], daemon);
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (more: string) => (text += more));
  const seen = () => lines(text).map((line) => (json(line) as { seq: number }).seq);
  await until(() => seen().length === 1, { what: 'the first event' });
  await daemon.service().suspend({ appInstanceId: 'one' }, nobody);
  await daemon.stop();
  await daemon.start();
  await daemon.service().resume({ appInstanceId: 'one' }, nobody);
  await until(() => seen().length === 3, { what: 'three events' });
  assert.deepEqual(seen(), [1, 2, 3]);
  child.kill('SIGINT');
  await once(child, 'close');
});

test('a reader that has seen enough ends it quietly', async () => {
  await using daemon = await withApps('one');
  for (let line = 1; line <= 50_000; line += 1) daemon.service().write('one', `line ${line} ${'x'.repeat(50)}`);
  const pipe = '"$0" "$1" --root "$2" logs one | head -1; echo "${PIPESTATUS[0]}"';
  const { code, stdout, stderr } = await finish(spawn('bash', ['-c', pipe, process.execPath, RUNTIMECTL, daemon.root]));
  assert.deepEqual([code, stderr], [0, '']);
  assert.deepEqual(lines(stdout), [`line 1 ${'x'.repeat(50)}`, '0']);
});
