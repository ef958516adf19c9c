import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { CERTIFICATE, KEY } from '../lib/certificate.ts';
import { finish, runtimectl, startRuntimectl } from '../lib/runtimectl.ts';
import { TOKENS, tcpDaemon } from '../lib/tcp-daemon.ts';
import type { TcpDaemon } from '../lib/tcp-daemon.ts';
import { until } from '../lib/until.ts';

async function withToken(daemon: TcpDaemon, name = 'token', token = daemon.token): Promise<string> {
  const file = join(daemon.root, name);
  await writeFile(file, `${token}\n`, { mode: 0o600 });
  return file;
}

test('every command works by TCP, with the token in a file', async () => {
  await using daemon = await tcpDaemon();
  const place = ['--address', daemon.url, '--token-file', await withToken(daemon)];
  const ctl = (...words: readonly string[]) => runtimectl([...place, ...words]);
  assert.equal((await ctl('run', 'clock', '--instance', 'one', '--host-rootfs', '--', 'true')).stdout, 'one\n');
  const follower = startRuntimectl([...place, 'events', '--follow', '--since', '0', '--json']);
  let followed = '';
  follower.stdout.on('data', (chunk: Buffer) => (followed += chunk.toString()));
  assert.equal((await ctl('suspend', 'one')).code, 0);
  assert.match((await ctl('ps')).stdout, /one +clock +SUSPENDED/);
  assert.equal((await ctl('resume', 'one')).code, 0);
  daemon.service().write('one', 'hello');
  assert.equal((await ctl('logs', 'one')).stdout, 'hello\n');
  assert.match((await ctl('info', 'one')).stdout, /RUNNING/);
  assert.match((await ctl('version', '--daemon')).stdout, /9\.9\.9/);
  assert.equal((await ctl('kill', 'one')).code, 0);
  assert.match((await ctl('events')).stdout, /terminated: killed/);
  await until(() => followed.includes('"terminated"'), { what: 'the follower sees the end' });
  follower.kill('SIGINT');
  assert.equal((await finish(follower)).code, 130);
});

test('address and token file may come from the environment; what is typed wins', async () => {
  await using daemon = await tcpDaemon();
  await using other = await tcpDaemon();
  await other.service().run({ appId: 'clock', appInstanceId: 'there' }, { signal: new AbortController().signal });
  const env = {
    RUNTIME_MANAGER_ADDRESS: daemon.url,
    RUNTIME_MANAGER_TOKEN_FILE: await withToken(daemon),
    RUNTIME_MANAGER_ROOT: '/nowhere',
  };
  assert.equal((await runtimectl(['ps', '--json'], { env })).stdout, '[]\n');
  assert.match((await runtimectl(['--address', other.url, 'ps'], { env })).stdout, /there/);
  assert.match((await runtimectl(['--root', other.root, 'ps'], { env })).stdout, /there/);
  assert.match((await runtimectl(['--socket', other.socket, 'ps'], { env })).stdout, /there/);
  assert.match((await runtimectl(['--address', `unix:${other.socket}`, 'ps'])).stdout, /there/);
  const completed = await runtimectl(['__complete', 'zsh', '4', 'runtimectl', '--address', other.url, 'kill', ''], {
    env,
  });
  assert.equal(completed.stdout, 'there\n');
});

test('by wss, with the certificate in a file', async () => {
  await using daemon = await tcpDaemon({ tls: { cert: CERTIFICATE, key: KEY } });
  const ca = join(daemon.root, 'ca.pem');
  await writeFile(ca, CERTIFICATE);
  const place = ['--address', daemon.url, '--token-file', await withToken(daemon)];
  assert.equal((await runtimectl([...place, '--ca-file', ca, 'ps', '--json'])).stdout, '[]\n');
  const { code, stderr } = await runtimectl([...place, 'ps']);
  assert.equal(code, 22);
  assert.match(stderr, /certificate.*\n {2}next: .*--ca-file/);
});

test('a missing, wrong or weaker token and a wrong address are told with what to do', async () => {
  await using daemon = await tcpDaemon();
  const observer = await withToken(daemon, 'observe', TOKENS.observe);
  const cases: readonly (readonly [words: readonly string[], code: number, told: RegExp])[] = [
    [['--address', daemon.url, 'ps'], 23, /next: .*token/],
    [['--address', daemon.url, '--token-file', await withToken(daemon, 'wrong', 'x'), 'ps'], 23, /next: .*token/],
    [['--address', daemon.url, '--token-file', '/nowhere', 'ps'], 2, /\/nowhere.*\n {2}next: .*--token-file/],
    [['--address', daemon.url, '--token-file', observer, 'kill', 'x'], 23, /kill/],
    [['--address', 'tv:9998', 'ps'], 2, /"tv:9998" is no address.*\n {2}next: write ws:\/\/HOST:PORT/],
    [['--address', 'ws://127.0.0.1:1', 'ps'], 22, /nobody listens there\n {2}next: .*--listen/],
  ];
  for (const [words, code, told] of cases) {
    const outcome = await runtimectl(words);
    assert.equal(outcome.code, code, `${words.join(' ')}: ${outcome.stderr}`);
    assert.match(outcome.stderr, told);
  }
});
