/** Ports of the machine's own loopback that apps reach at theirs (RDK's `ports`), by a real WebSocket server, in a network namespace of the test's own. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { exitOf, outputOf, perl, runApp, shell, SLEEP, uniqueId, untilSays } from '../lib/apps.ts';
import { startDaemon, type TestDaemon } from '../lib/daemon.ts';
import { processesWith } from '../lib/machine.ts';
import { makeNets, type Nets } from '../lib/nets.ts';
import { until } from '../lib/until.ts';

const FIREBOLT = 3473;

/** Answers each message with the path that was asked for, where the client comes from, and the message. */
const SERVER = `import { WebSocketServer } from 'ws';
new WebSocketServer({ host: '127.0.0.1', port: Number(process.argv[1]) }).on('connection', (socket, request) => {
  socket.on('message', (text) => socket.send(request.url + ' ' + request.socket.remoteAddress + ' ' + text));
}).on('listening', () => console.log('ready'));`;

async function firebolt({ machine }: Nets, port: number): Promise<AsyncDisposable> {
  const [command, ...args] = machine.within;
  const argv = [...args, process.execPath, '--input-type=module', '-e', SERVER, String(port)];
  const child = spawn(command, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  const gone = new Promise((resolve) => child.once('exit', resolve));
  return {
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await gone;
    },
  };
}

/**
 * A Firebolt client: a WebSocket (RFC 6455) to what FIREBOLT_ENDPOINT says, a message each 20 ms. It says each answer that differs from
 * the last but for its number, and `lost` when the connection is lost, and begins again.
 */
const CLIENT = String.raw`use IO::Socket::INET; $| = 1; $SIG{PIPE} = 'IGNORE';
my ($host, $port, $path) = $ENV{FIREBOLT_ENDPOINT} =~ m{^ws://([\d.]+):(\d+)(/.*)}; my ($n, $last) = (0, '');
sub say1 { print "$_[0]\n" if $_[0] ne $last; $last = $_[0] }
while (1) {
  my $s = IO::Socket::INET->new(PeerAddr => $host, PeerPort => $port, Timeout => 5);
  if ($s) {
    print $s "GET $path HTTP/1.1\r\nHost: $host:$port\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"; $s->flush;
    my $answer = ''; while ($answer !~ /\r\n\r\n/) { sysread($s, $answer, 1, length $answer) or last }
    while ($answer =~ /101/) {
      my $text = 'm' . ++$n; syswrite($s, pack('CCN', 0x81, 0x80 | length $text, 0) . $text) or last;
      my $head = ''; while (length $head < 2) { sysread($s, $head, 2 - length $head, length $head) or last }
      last if length $head < 2; my $size = ord(substr $head, 1); my $got = '';
      while (length $got < $size) { sysread($s, $got, $size - length $got, length $got) or last }
      $got =~ s/m(\d+)$// or last; $1 == $n ? say1("answer $got") : say1("wrong $1"); select undef, undef, undef, 0.02 } }
  say1('lost'); select undef, undef, undef, 0.05 }`;

const endpoint = (id: string): string => `ws://127.0.0.1:${FIREBOLT}/?session=${id}`;
const helpersOf = (...ports: readonly number[]): readonly number[] =>
  processesWith(['runtime-manager-host-ports', ...ports].join(' '));
const within = ({ machine }: Nets) => startDaemon({ within: machine.within });

/** Tries each address once and says what became of it. */
const tries = (...places: readonly string[]): readonly string[] =>
  shell(
    `perl -MIO::Socket::INET -e '$| = 1; $SIG{PIPE} = "IGNORE"; for (@ARGV) { my $s = IO::Socket::INET->new(PeerAddr => $_, Timeout => 5); if ($s) { print $s "GET / HTTP/1.0\\r\\n\\r\\n"; $s->flush; $s->timeout(5); $got = <$s> } print "$_ ", !$s ? "refused" : defined $got ? "answered" : "ended", "\\n"; undef $got }' ${places.join(' ')}`,
  );

async function finalOutput({ client }: TestDaemon, id: string): Promise<readonly string[]> {
  await exitOf(client, id);
  return outputOf(client, id);
}

test("apps as LifecycleManager runs them reach the Firebolt endpoint of the host's loopback, over a restart and a hibernation", async () => {
  await using nets = await makeNets();
  await using daemon = await within(nets);
  await using held = new AsyncDisposableStack();
  const appPath = await realpath(await mkdtemp(join(tmpdir(), 'rmt-')));
  held.defer(() => rm(appPath, { recursive: true }));
  await chmod(appPath, 0o755);
  await mkdir(join(appPath, 'bin'));
  await writeFile(join(appPath, 'bin/app'), `#!/usr/bin/perl\n${CLIENT}`, { mode: 0o755 });
  const server = held.use(await firebolt(nets, FIREBOLT));
  const ids = [uniqueId('none'), uniqueId('nat'), uniqueId('other')] as const;
  const run = (id: string, wanLanAccess: boolean) =>
    daemon.client.run({
      ...{ appId: id, appInstanceId: id, ports: [FIREBOLT] },
      runtimeConfigObject: {
        ...{ command: 'bin/app', appPath, systemMemoryLimit: 64 * 2 ** 20, wanLanAccess },
        envVariables: JSON.stringify([`FIREBOLT_ENDPOINT=${endpoint(id)}`]),
      },
    });
  await Promise.all([run(ids[0], false), run(ids[1], true), run(ids[2], false)]);
  const answers = (id: string, times: number) =>
    until(
      async () =>
        (await outputOf(daemon.client, id)).filter((line) => line === `answer /?session=${id} 127.0.0.1 `).length >=
        times,
      { what: `${id} is answered for the ${times}th time` },
    );
  await Promise.all(ids.map((id) => answers(id, 1)));
  assert.equal(helpersOf(FIREBOLT).length, 3);
  const info = await daemon.client.getInfo({ appInstanceId: ids[0] });
  assert.deepEqual(
    (info.notes ?? []).filter((one) => one.includes('ports')),
    [],
  );

  // the endpoint goes and comes; nothing but its own apps notices
  await server[Symbol.asyncDispose]();
  await Promise.all(ids.map((id) => untilSays(daemon.client, id, 'lost')));
  held.use(await firebolt(nets, FIREBOLT));
  await Promise.all(ids.map((id) => answers(id, 2)));

  // without the daemon, and under the next one
  await daemon.kill9();
  assert.equal(helpersOf(FIREBOLT).length, 3);
  await daemon.start();
  await daemon.client.suspend({ appInstanceId: ids[0] });
  await daemon.client.resume({ appInstanceId: ids[0] });

  // with an open WebSocket: closed in the image, as all its connections (hibernation.tcp), and made again by the app
  for (const id of [ids[0], ids[1]]) await daemon.client.hibernate({ appInstanceId: id });
  await until(() => helpersOf(FIREBOLT).length === 1, { what: 'nothing is left of those that sleep' });
  for (const id of [ids[0], ids[1]]) await daemon.client.wake({ appInstanceId: id });
  await Promise.all([ids[0], ids[1]].map((id) => answers(id, 3)));
  assert.equal(helpersOf(FIREBOLT).length, 3);
  await daemon.client.kill({ appInstanceId: ids[0] });
  await daemon.client.terminate({ appInstanceId: ids[1] });
  // an app that ends while there is no daemon
  const { pid } = await daemon.client.getInfo({ appInstanceId: ids[2] });
  await daemon.kill9();
  process.kill(pid ?? 0, 'SIGKILL');
  await until(() => helpersOf(FIREBOLT).length === 0, { what: 'nothing is left of apps that have ended' });
  await daemon.start();
});

test('an app reaches the ports that were given to it and no other, also low ones, and one that nobody listens at ends at once', async () => {
  await using nets = await makeNets();
  await using daemon = await within(nets);
  const ports = [81, 3481, 3482, 3483];
  await using _low = await firebolt(nets, 81);
  await using _given = await firebolt(nets, 3481);
  await using _other = await firebolt(nets, 3484);
  const places = [...ports, 3484].map((port) => `127.0.0.1:${port}`);
  // a connection that is reset at once may be seen as one that was refused
  const expected = ['answered', 'answered', '(ended|refused)', '(ended|refused)', 'refused'];
  const all = new RegExp(`^${places.map((place, i) => `${place} ${expected[i] ?? ''}`).join('\\n')}$`);
  for (const network of ['none', 'nat'] as const) {
    const id = await runApp(daemon.client, network, tries(...places), { network, hostPorts: ports });
    assert.match((await finalOutput(daemon, id)).join('\n'), all, network);
  }
  const bare = await runApp(daemon.client, 'bare', tries('127.0.0.1:3481'));
  assert.deepEqual(await finalOutput(daemon, bare), ['127.0.0.1:3481 refused']);
  await until(() => helpersOf(...ports).length === 0, { what: 'nothing is left' });
});

test('what passes is whole in both directions, and an app that opens connections without end has a bounded number', async () => {
  await using nets = await makeNets();
  await using daemon = await within(nets);
  const port = 3491;
  // an echo of raw bytes, which reads slowly at first, and counts who is connected
  const echo = `import { createServer } from 'node:net'; let open = 0, most = 0;
createServer({ allowHalfOpen: true }, (s) => { most = Math.max(most, ++open); console.log('most', most); s.on('error', () => undefined).on('close', () => open--).pipe(s); }).listen(${port}, '127.0.0.1', () => console.log('ready'));`;
  const [command, ...args] = nets.machine.within;
  const server = spawn(command, [...args, process.execPath, '--input-type=module', '-e', echo], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let most = 0;
  server.stdout.on('data', (text: Buffer) => {
    for (const [, count = '0'] of text.toString().matchAll(/most (\d+)/g)) most = Math.max(most, Number(count));
  });
  await new Promise((resolve) => server.stdout.once('data', resolve));
  try {
    const size = 8 * 2 ** 20;
    const whole = `use IO::Socket::INET; my $s = IO::Socket::INET->new('127.0.0.1:${port}') or die; my $p = fork;
if (!$p) { my $n = 0; while ($n < ${size}) { my $b = pack('N', $n / 4) x 1; $b = join '', map { pack 'N', $n / 4 + $_ } 0 .. 4095; my $at = 0; while ($at < length $b) { $at += syswrite($s, $b, length($b) - $at, $at) // exit 1 } $n += length $b } shutdown $s, 1; exit 0 }
my ($got, $at) = ('', 0); while (sysread $s, my $c, 65536) { $got .= $c; while (length $got >= 4) { my $k = unpack 'N', substr $got, 0, 4, ''; $k == $at / 4 or die "at $at"; $at += 4 } } waitpid $p, 0; print "whole $at\\n"`;
    const id = await runApp(daemon.client, 'whole', perl(whole), { hostPorts: [port] });
    assert.deepEqual(await finalOutput(daemon, id), [`whole ${size}`]);
    const hostile = `use IO::Socket::INET; $| = 1; my (@s, $end); $end = time + 3; while (time < $end) { my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1:${port}', Timeout => 1); push @s, $s if $s; shift(@s)->close if @s > 500 } print "tired\\n"; sleep 1000`;
    const bad = await runApp(daemon.client, 'hostile', perl(hostile), {
      hostPorts: [port],
      limits: { openFiles: 1024 },
    });
    await untilSays(daemon.client, bad, 'tired');
    assert(most > 1 && most <= 64, `the server had ${most} connections at once`);
    await daemon.client.kill({ appInstanceId: bad });
    await until(() => helpersOf(port).length === 0, { what: 'nothing is left' });
  } finally {
    server.kill('SIGKILL');
  }
});

test('the helper of an app has no rights, and one that was killed costs no more than the ports', async () => {
  await using nets = await makeNets();
  await using daemon = await within(nets);
  const id = await runApp(daemon.client, 'held', SLEEP, { hostPorts: [3495] });
  const helper = await until(() => helpersOf(3495)[0], { what: 'its helper is there' });
  const status = nets.machine.run('cat', `/proc/${helper}/status`);
  assert.match(status, /^Uid:\t65534\t65534\t65534\t65534$/m);
  assert.match(status, /^CapEff:\t0+$/m);
  assert.match(status, /^CapBnd:\t0+$/m);
  assert.match(status, /^NoNewPrivs:\t1$/m);
  assert.match(status, /^Seccomp:\t2$/m);
  process.kill(helper, 'SIGKILL');
  await until(() => helpersOf(3495).length === 0, { what: 'it is gone' });
  const { stdout } = await daemon.client.exec({ appInstanceId: id, args: [...tries('127.0.0.1:3495')] });
  assert.equal(stdout.trim(), '127.0.0.1:3495 refused');
  await daemon.client.hibernate({ appInstanceId: id });
  await daemon.client.wake({ appInstanceId: id });
  await until(() => helpersOf(3495).length === 1, { what: 'another helper is there' });
  await daemon.client.terminate({ appInstanceId: id });
});
