/** What the daemon tells systemd, heard on a socket as systemd's. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startDaemon } from '../lib/daemon.ts';
import { PROJECT } from '../lib/pages.ts';
import { until } from '../lib/until.ts';

/** Node has no such sockets; prints a line for each message. */
const LISTENER = `use Socket; $| = 1; socket my $socket, AF_UNIX, SOCK_DGRAM, 0; bind $socket, pack_sockaddr_un($ARGV[0]) or die $!;
print "listening\\n"; while (defined recv $socket, my $told, 1000, 0) { print "$told\\n" }`;

async function listener() {
  const directory = await mkdtemp(join(await realpath(tmpdir()), 'rmt-'));
  const path = join(directory, 'notify');
  const child = spawn('perl', ['-e', LISTENER, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  let heard = '';
  child.stdout.on('data', (chunk: Buffer) => (heard += chunk.toString()));
  const lines = (): readonly string[] => heard.split('\n').slice(1, -1);
  await until(() => heard.includes('listening'), { what: 'the listener listens', timeoutMs: 20_000 });
  return {
    path,
    lines,
    end: async () => {
      child.kill();
      await ended;
    },
    [Symbol.asyncDispose]: async () => {
      child.kill();
      await ended;
      await rm(directory, { recursive: true });
    },
  };
}

const linksOf = (pid: string): readonly string[] => {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
  } catch {
    return []; // it went while we looked
  }
};

const holdersOf = (link: string): readonly number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && linksOf(name).includes(link))
    .map(Number);

test('systemd is told that the daemon is ready, that it lives, and that it ends; no app and no tool can speak for it', async () => {
  await using systemd = await listener();
  await using daemon = await startDaemon({
    within: ['perl', join(PROJECT, 'bin/notify-fd.pl')],
    env: { NOTIFY_SOCKET: systemd.path, WATCHDOG_USEC: '200000' },
  });
  await until(() => systemd.lines().filter((line) => line === 'WATCHDOG=1').length > 2, {
    what: 'the watchdog hears it, and more than once',
    timeoutMs: 20_000,
  });
  assert.equal(systemd.lines()[0], 'READY=1');

  const one = { appInstanceId: 'a' };
  await daemon.client.run({
    appId: 'com.example.quiet',
    ...one,
    app: { rootfs: { host: true }, args: ['/bin/sleep', '600'] },
  });
  const environment = readFileSync(`/proc/${daemon.pid}/environ`, 'utf8').split('\0');
  const fd = environment.find((line) => line.startsWith('RUNTIME_MANAGER_NOTIFY_FD='))?.split('=')[1];
  assert.ok(!environment.some((line) => line.startsWith('NOTIFY_SOCKET=')));
  assert.deepEqual(holdersOf(readlinkSync(`/proc/${daemon.pid}/fd/${fd}`)), [daemon.pid]);

  await daemon.client.kill(one);
  await daemon.stop();
  await until(() => systemd.lines().includes('STOPPING=1'), { what: 'it says that it ends', timeoutMs: 20_000 });
  assert.deepEqual([...new Set(systemd.lines())], ['READY=1', 'WATCHDOG=1', 'STOPPING=1']);
});

test('a daemon that nobody listens to anymore works on', async () => {
  await using systemd = await listener();
  await using daemon = await startDaemon({
    within: ['perl', join(PROJECT, 'bin/notify-fd.pl')],
    env: { NOTIFY_SOCKET: systemd.path, WATCHDOG_USEC: '20000' },
  });
  await until(() => systemd.lines().includes('WATCHDOG=1'), { what: 'it is heard', timeoutMs: 20_000 });
  await systemd.end();
  const { pid } = await daemon.client.version();
  assert.equal(pid, daemon.pid);
});
