import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { fakeDaemon } from '../lib/fake-daemon.ts';
import type { FakeDaemon } from '../lib/fake-daemon.ts';
import { runtimectl } from '../lib/runtimectl.ts';

const nobody = { signal: new AbortController().signal };

async function withApps(...ids: readonly string[]): Promise<FakeDaemon> {
  const daemon = await fakeDaemon();
  for (const appInstanceId of ids) await daemon.service().run({ appId: 'clock', appInstanceId }, nobody);
  return daemon;
}

const json = (text: string): unknown => JSON.parse(text);
const lines = (text: string): readonly string[] => text.split('\n').slice(0, -1);

test('ps is a table for people and an array for programs; list is the same', async () => {
  await using daemon = await withApps('one', 'two-with-a-long-name');
  const table = await runtimectl(['ps'], daemon);
  assert.deepEqual(
    lines(table.stdout).map((line) => line.split(/ {2,}/).slice(0, 5)),
    [
      ['INSTANCE', 'APP', 'STATE', 'PID', 'MEMORY'],
      ['one', 'clock', 'RUNNING', '4711', '5.0 MB'],
      ['two-with-a-long-name', 'clock', 'RUNNING', '4711', '5.0 MB'],
    ],
  );
  const columns = lines(table.stdout).map((line) => line.search(/APP|clock/));
  assert.deepEqual(new Set(columns).size, 1);
  const list = json((await runtimectl(['list', '--json'], daemon)).stdout) as { appInstanceId: string }[];
  assert.deepEqual(
    list.map(({ appInstanceId }) => appInstanceId),
    ['one', 'two-with-a-long-name'],
  );
});

test('ps of nothing is an empty array for programs, and words on stderr for people', async () => {
  await using daemon = await fakeDaemon();
  assert.deepEqual(await runtimectl(['ps'], daemon), { code: 0, stdout: '', stderr: 'nothing runs\n' });
  assert.deepEqual(await runtimectl(['ps', '--json'], daemon), { code: 0, stdout: '[]\n', stderr: '' });
});

test('ps --all shows how the ended ones ended', async () => {
  await using daemon = await withApps('one');
  await daemon.service().kill({ appInstanceId: 'one' }, nobody);
  assert.equal((await runtimectl(['ps', '--json'], daemon)).stdout, '[]\n');
  assert.match((await runtimectl(['ps', '-a'], daemon)).stdout, /TERMINATED.*killed \(signal 9\)/);
});

test('colours are for terminals that want them and do not shift a table', async () => {
  await using daemon = await withApps('one');
  const plain = await runtimectl(['ps'], daemon);
  const coloured = await runtimectl(['ps'], { root: daemon.root, env: { FORCE_COLOR: '1' } });
  assert.notEqual(coloured.stdout, plain.stdout);
  assert.equal(
    stripVTControlCharacters(coloured.stdout).replace(/\d+[smhd] /, ''),
    plain.stdout.replace(/\d+[smhd] /, ''),
  );
  const refused = await runtimectl(['ps'], { root: daemon.root, env: { NO_COLOR: '1' } });
  assert.equal(stripVTControlCharacters(refused.stdout), refused.stdout);
});

test('info is a list for people and the whole object for programs', async () => {
  await using daemon = await withApps('one');
  const { stdout } = await runtimectl(['info', 'one'], daemon);
  assert.match(stdout, /^instance: +one\napp: +clock\nstate: +RUNNING\n/);
  assert.match(stdout, /memory: +5\.0 MB of 64\.0 MB/);
  const info = json((await runtimectl(['info', 'one', '--json'], daemon)).stdout);
  assert.deepEqual(info, await daemon.service().getInfo({ appInstanceId: 'one' }, nobody));
});

test('an operation works on several instances, goes on after a failure, and reports each', async () => {
  await using daemon = await withApps('one', 'two');
  const { code, stdout, stderr } = await runtimectl(['suspend', 'one', 'nope', 'two'], daemon);
  assert.equal(code, 3);
  assert.equal(stdout, 'one is suspended\ntwo is suspended\n');
  assert.equal(stderr, 'runtimectl: there is no instance nope\n  next: runtimectl ps lists them\n');
  const resumed = await runtimectl(['resume', 'one', 'two', '--json'], daemon);
  assert.deepEqual(json(resumed.stdout), [
    { appInstanceId: 'one', already: false },
    { appInstanceId: 'two', already: false },
  ]);
});

test('what is terminated already is a success that says so', async () => {
  await using daemon = await withApps('one');
  assert.equal((await runtimectl(['terminate', 'one'], daemon)).stdout, 'one is terminated\n');
  for (const name of ['terminate', 'kill']) {
    assert.deepEqual(await runtimectl([name, 'one'], daemon), {
      code: 0,
      stdout: 'one is terminated already\n',
      stderr: '',
    });
  }
});

test('with --json an error is one object on stderr, and stdout stays data', async () => {
  await using daemon = await withApps('one');
  const { code, stdout, stderr } = await runtimectl(['resume', 'one', '--json'], daemon);
  assert.equal(code, 4);
  const error = {
    code: 'ILLEGAL_STATE',
    what: 'one cannot resume: it is RUNNING',
    next: 'allowed now: suspend, hibernate, terminate, kill',
  };
  assert.deepEqual(json(stderr), error);
  assert.deepEqual(json(stdout), [{ appInstanceId: 'one', error }]);
  const missing = await runtimectl(['info', 'nope', '--json'], daemon);
  assert.deepEqual(
    [missing.code, missing.stdout, (json(missing.stderr) as { code: string }).code],
    [3, '', 'NOT_FOUND'],
  );
});

test('annotate notes, removes and refuses; info and history show it', async () => {
  await using daemon = await withApps('one');
  const noted = await runtimectl(['annotate', 'one', 'a=b=c', 'esc=\u001b[1m', '--remove', 'old'], daemon);
  assert.deepEqual(noted, { code: 0, stdout: 'a = b=c\nesc = \\u001b[1m\nold is removed\n', stderr: '' });
  assert.match((await runtimectl(['info', 'one'], daemon)).stdout, /annotation: +a = b=c\n/);
  const outcome = await runtimectl(['annotate', 'one', 'a=d', '--json'], daemon);
  assert.deepEqual(json(outcome.stdout), [{ key: 'a', value: 'd', already: false }]);
  for (const words of [[], ['a'], ['=b'], ['a=b', 'c=d', '--revision', '3']]) {
    const { code, stderr } = await runtimectl(['annotate', 'one', ...words], daemon);
    assert.equal(code, 2, words.join(' '));
    assert.match(stderr, /\n {2}next: /);
  }
});

test('history is a table for people and an object for programs', async () => {
  await using daemon = await withApps('one');
  await daemon.service().suspend({ appInstanceId: 'one' }, nobody);
  const { stdout } = await runtimectl(['history', 'one'], daemon);
  assert.match(stdout, /^TIME +FOR +WHAT +BY\n/);
  assert.match(stdout, /RUNNING → SUSPENDED: suspend\n$/);
  const { entries } = json((await runtimectl(['history', 'one', '--json'], daemon)).stdout) as { entries: unknown[] };
  assert.equal(entries.length, 2);
});

test('version answers without a daemon; with --daemon it asks it', async () => {
  await using daemon = await fakeDaemon();
  for (const words of [['version'], ['--version']]) assert.match((await runtimectl(words)).stdout, /^\d+\.\d+\.\d+\n$/);
  assert.match(
    (await runtimectl(['version', '--daemon'], daemon)).stdout,
    /^runtimectl .*\nruntimemanagerd 9\.9\.9, engine embedded \(runc\)/,
  );
  const { version, daemon: other } = json((await runtimectl(['version', '--daemon', '--json'], daemon)).stdout) as {
    version: string;
    daemon: { version: string };
  };
  assert.match(version, /^\d+\.\d+\.\d+$/);
  assert.equal(other.version, '9.9.9');
});

test('dashboard tells where the page is, or what to set where there is none', async () => {
  await using unheard = await fakeDaemon();
  const { code, stderr } = await runtimectl(['dashboard'], unheard);
  assert.equal(code, 6);
  assert.match(stderr, /does not listen by TCP.*\n {2}next: start it with --listen/);
});

test('the root comes from the option, or from the environment, and may be relative', async () => {
  await using daemon = await withApps('one');
  const ids = async (words: string[], options: Parameters<typeof runtimectl>[1]) =>
    (json((await runtimectl([...words, '--json'], options)).stdout) as { appInstanceId: string }[]).length;
  assert.equal(await ids(['ps'], { env: { RUNTIME_MANAGER_ROOT: daemon.root } }), 1);
  assert.equal(await ids(['ps', '--root', '.'], { cwd: daemon.root }), 1);
  assert.equal(await ids(['ps', '--root', daemon.root], { env: { RUNTIME_MANAGER_ROOT: '/nowhere' } }), 1);
  assert.equal(await ids(['ps', '--socket', 'run/control.sock'], { cwd: daemon.root }), 1);
});

test('without a daemon the error says how to start it, and the status is its own', async () => {
  await using daemon = await fakeDaemon();
  await daemon.stop();
  await mkdir(join(daemon.root, 'run'), { recursive: true });
  for (const words of [
    ['ps'],
    ['run', 'clock', '--host-rootfs'],
    ['kill', 'one'],
    ['logs', 'one'],
    ['events', '-f'],
    ['version', '--daemon'],
  ]) {
    const { code, stdout, stderr } = await runtimectl(words, daemon);
    assert.deepEqual([code, stdout], [22, ''], words.join(' '));
    assert.equal(
      stderr,
      `runtimectl: no daemon answers at ${daemon.socket}: there is no such socket\n  next: start it with: runtimemanagerd --root ${daemon.root}\n`,
    );
  }
});
