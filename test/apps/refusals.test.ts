/** What stands in the way of a hibernation, and what does not: the reason is plain, and the app goes on. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { RuntimeError, type Client } from '../../src/client/node.ts';
import type { Finding } from '../../src/domain/hibernation.ts';
import { outputOf, perl, pidOf, runApp, stateOf, untilSays } from '../lib/apps.ts';
import { startDaemon } from '../lib/daemon.ts';
import { until } from '../lib/until.ts';

/** Counts to /data/count, for ever. */
const COUNT =
  'while (1) { open(my $f, ">", "/data/new"); print $f ++$n; close $f; rename "/data/new", "/data/count"; select(undef, undef, undef, 0.02) }';

async function goesOn(client: Client, appInstanceId: string): Promise<void> {
  const { storage, state } = await client.getInfo({ appInstanceId });
  assert.equal(state, 'RUNNING');
  const count = async () => Number(await readFile(join(storage, 'count'), 'utf8'));
  const before = await count();
  await until(async () => (await count()) > before + 3, { what: 'it counts on' });
}

/** Refused with this finding first, which is also what the explanation says; the app goes on. */
async function refusedFor(client: Client, appInstanceId: string, code: string): Promise<Finding> {
  const error = await client.hibernate({ appInstanceId }, { timeoutMs: 60_000 }).then(
    () => assert.fail('it was hibernated'),
    (thrown: unknown) => thrown,
  );
  assert(error instanceof RuntimeError);
  assert.equal(error.code, 'CHECKPOINT_FAILED');
  const [first] = (error.details?.['findings'] ?? []) as readonly Finding[];
  assert.equal(first?.code, code, JSON.stringify(error));
  assert.match(error.message, /\S+ was not hibernated and is RUNNING/);
  assert(!/errno|E[A-Z]{4,}\b/.test(`${first.what} ${first.why}`), 'in plain words');
  const explanation = await client.explainHibernation({ appInstanceId });
  assert(
    explanation.findings.some((finding) => finding.code === code),
    JSON.stringify(explanation),
  );
  await goesOn(client, appInstanceId);
  return first;
}

async function hibernatesAndWakes(client: Client, appInstanceId: string): Promise<void> {
  await client.hibernate({ appInstanceId }, { timeoutMs: 60_000 });
  assert.equal(await stateOf(client, appInstanceId), 'HIBERNATED');
  await client.wake({ appInstanceId }, { timeoutMs: 60_000 });
  assert.equal(await stateOf(client, appInstanceId), 'RUNNING');
}

test('a unix socket connected to the host through a mount: refused by name of the socket, and both ends go on', async () => {
  await using stack = new AsyncDisposableStack();
  const daemon = stack.use(await startDaemon());
  const { client } = daemon;
  await chmod(daemon.directory, 0o711);
  const directory = join(daemon.directory, 'service');
  await mkdir(directory, { mode: 0o755 });
  const server = createServer();
  server.listen(join(directory, 'socket'));
  stack.defer(() => void server.close());
  await once(server, 'listening');
  await chmod(join(directory, 'socket'), 0o666);
  const accepted = once(server, 'connection');
  const script = `use IO::Socket::UNIX; $| = 1; $s = IO::Socket::UNIX->new("/mnt/service/socket") or die $!;
    if (!fork) { while (<$s>) { print "heard $_" } exit } ${COUNT}`;
  const id = await runApp(client, 'to-host', perl(script), {
    mounts: [{ source: directory, destination: '/mnt/service' }],
  });
  const [socket] = (await accepted) as [Socket];
  stack.defer(() => void socket.destroy());
  const { what } = await refusedFor(client, id, 'UNIX_SOCKET_TO_HOST');
  assert.match(what, /service\/socket/);
  socket.write('hello\n');
  await untilSays(client, id, 'heard hello');
  // when the connection is gone, nothing stands in the way any more
  socket.destroy();
  await until(async () => (await client.explainHibernation({ appInstanceId: id })).possible === 'yes', {
    what: 'it could be hibernated',
  });
});

test('a child that is stopped: refused at once, and hibernated when it goes on', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const script = `$| = 1; $SIG{USR1} = sub { kill CONT => $p }; if (!($p = fork)) { sleep 1 while 1 } kill STOP => $p; print "ready\\n"; ${COUNT}`;
  const id = await runApp(client, 'stopped', perl(script));
  await untilSays(client, id, 'ready');
  await until(async () => (await client.explainHibernation({ appInstanceId: id })).possible === 'no', {
    what: 'the child has stopped',
  });
  const begin = performance.now();
  const { process: stopped } = await refusedFor(client, id, 'STOPPED');
  assert(performance.now() - begin < 9000, 'CRIU would have waited for 10 s');
  assert.equal(stopped?.name, 'perl');
  process.kill(stopped.pid, 'SIGCONT');
  await until(async () => (await client.explainHibernation({ appInstanceId: id })).possible === 'yes', {
    what: 'the child goes on',
  });
  await hibernatesAndWakes(client, id);
  await goesOn(client, id);
});

test('an app that tries io_uring is told that there is none, and can be hibernated', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const script = `use POSIX; $| = 1; my $p = "\\0" x 256; my $r = syscall(425, 8, $p); print "io_uring: $r ", ($! == POSIX::ENOSYS ? "ENOSYS" : $!), "\\n"; ${COUNT}`;
  const id = await runApp(client, 'uring', perl(script));
  await untilSays(client, id, 'io_uring: -1 ENOSYS');
  await goesOn(client, id);
  await hibernatesAndWakes(client, id);
  await goesOn(client, id);
});

test('/dev/tty kept open besides the terminal itself: refused, and named', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const id = await runApp(
    client,
    'tty',
    perl(`$| = 1; open($t, "+<", "/dev/tty") or die $!; print "ready\\n"; ${COUNT}`),
    {
      terminal: true,
    },
  );
  await until(async () => (await outputOf(client, id)).some((text) => text.startsWith('ready')), {
    what: 'it is ready',
  });
  await refusedFor(client, id, 'CONTROLLING_TERMINAL');
});

const LISTEN =
  'use IO::Socket::INET; $| = 1; $SIG{PIPE} = "IGNORE"; $l = IO::Socket::INET->new(Listen => 5, LocalAddr => "127.0.0.1:7000", ReuseAddr => 1) or die $!;';
const SERVE = `${LISTEN} if (!fork) { while ($c = $l->accept) { print "accepted\\n"; while (<$c>) { print $c "echo $_" } print "closed\\n" } } print "ready\\n"; ${COUNT}`;
/** Asks in the app's network, from outside; says what it gets. */
const CLIENT = `use IO::Socket::INET; $| = 1; $s = IO::Socket::INET->new("127.0.0.1:7000") or die "connect: $!\\n";
  while (<STDIN>) { print $s $_; $a = <$s>; print defined $a ? $a : "closed\\n"; } `;

function outside(pid: number) {
  const argv = ['--target', String(pid), '--net', '/usr/bin/perl', '-e', CLIENT];
  const child = spawn('nsenter', argv, { stdio: ['pipe', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  return {
    ask: async (text: string, answer: string) => {
      child.stdin.write(`${text}\n`);
      await until(() => said.includes(`${answer}\n`), { what: `the answer to ${text} is ${answer}` });
    },
    [Symbol.asyncDispose]: async () => {
      const gone = once(child, 'exit');
      child.stdin.end();
      await gone;
    },
  };
}

test('an open TCP connection under the policy close: both ends see the end, the listener goes on', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const id = await runApp(client, 'tcp-close', perl(SERVE));
  await untilSays(client, id, 'ready');
  await using first = outside(await pidOf(client, id));
  await first.ask('one', 'echo one');
  const { findings, possible } = await client.explainHibernation({ appInstanceId: id });
  assert.equal(possible, 'yes');
  assert(
    findings.some(({ code, blocks }) => code === 'TCP_CONNECTED' && !blocks),
    'it is told beforehand',
  );
  await hibernatesAndWakes(client, id);
  await untilSays(client, id, 'closed');
  await first.ask('two', 'closed');
  await using second = outside(await pidOf(client, id));
  await second.ask('three', 'echo three');
  await goesOn(client, id);
});

/** A conversation of an app with itself. */
const SELF = `${LISTEN} if (!fork) { $c = $l->accept; while (<$c>) { print $c "echo $_" } print "server: closed\\n"; sleep 1 while 1 }
  if (!fork) { $s = IO::Socket::INET->new("127.0.0.1:7000") or die $!; print "ready\\n";
    for (my $i = 1; ; $i++) { print $s "$i\\n"; my $a = <$s>; last if !defined $a; die if $a ne "echo $i\\n";
      open(my $f, ">", "/data/talk.new"); print $f $i; close $f; rename "/data/talk.new", "/data/talk"; select(undef, undef, undef, 0.01) }
    print "client: closed\\n"; sleep 1 while 1 } ${COUNT}`;

test('a TCP connection of an app to itself under the policy keep goes on after each of three wakes', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const id = await runApp(client, 'tcp-keep', perl(SELF), { hibernation: { tcp: 'keep' } });
  await untilSays(client, id, 'ready');
  const { storage } = await client.getInfo({ appInstanceId: id });
  const said = async () => Number(await readFile(join(storage, 'talk'), 'utf8'));
  for (let round = 0; round < 3; round++) {
    await hibernatesAndWakes(client, id);
    const before = await said();
    await until(async () => (await said()) > before + 5, { what: 'the conversation goes on' });
  }
  assert(!(await outputOf(client, id)).some((text) => text.endsWith('closed')));
});

test('a TCP connection of an app to itself under the policy close ends for both of its ends', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const id = await runApp(client, 'tcp-close-self', perl(SELF));
  await untilSays(client, id, 'ready');
  await hibernatesAndWakes(client, id);
  await untilSays(client, id, 'server: closed');
  await untilSays(client, id, 'client: closed');
  await goesOn(client, id);
});
