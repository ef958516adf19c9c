/** What an app could notice of a hibernation, and what could go wrong around it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { exitOf, outputOf, perl, pidOf, runApp, shell, stateOf, untilSays } from '../lib/apps.ts';
import { startDaemon } from '../lib/daemon.ts';
import { groupFile, processesBesides } from '../lib/machine.ts';
import { appTree } from '../lib/packages.ts';
import { helpfulRefusal } from '../lib/refusal.ts';
import { startSubject } from '../lib/subjects.ts';
import { until } from '../lib/until.ts';
import { memory } from './subjects/processes.ts';
import { ask } from './subjects/subject.ts';

const WAIT_MS = 60_000;

test('an app that connects to itself all the time never meets a network without loopback', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const script = `use IO::Socket::INET; $| = 1; $l = IO::Socket::INET->new(Listen => 50, LocalAddr => "127.0.0.1:7000") or die $!;
    $SIG{PIPE} = "IGNORE"; if (!fork) { while (1) { $c = $l->accept or next; print $c "x\\n"; close $c } } print "ready\\n";
    while (1) { $s = IO::Socket::INET->new("127.0.0.1:7000") or print "failed: $!\\n"; close $s if $s; print "done $n\\n" if ++$n % 50 == 0; select(undef, undef, undef, 0.001) }`;
  const id = await runApp(client, 'loopback', perl(script));
  await untilSays(client, id, 'ready');
  const done = async () => (await outputOf(client, id)).filter((text) => text.startsWith('done')).length;
  for (let round = 0; round < 3; round++) {
    await client.hibernate({ appInstanceId: id });
    await client.wake({ appInstanceId: id });
    const before = await done();
    await until(async () => (await done()) > before + 1, { what: 'it connects to itself again' });
  }
  assert.deepEqual(
    (await outputOf(client, id)).filter((text) => text.startsWith('failed')),
    [],
  );
});

test('an app that ends in the moment it is woken has been woken, and its exit code is told once', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  // what it waits for is over when it wakes: the clock of the wall goes on while it sleeps
  const script = '$| = 1; print "ready\\n"; 1 until -e "/data/end"; print "ended\\n"; exit 7';
  for (let round = 0; round < 3; round++) {
    const id = await runApp(client, 'short', perl(script));
    await untilSays(client, id, 'ready');
    const { storage } = await client.getInfo({ appInstanceId: id });
    await client.hibernate({ appInstanceId: id });
    await writeFile(join(storage, 'end'), '');
    await client.wake({ appInstanceId: id });
    assert.equal((await exitOf(client, id)).code, 7);
    assert.equal(await stateOf(client, id), 'TERMINATED');
    assert.equal((await outputOf(client, id)).filter((text) => text === 'ended').length, 1);
  }
});

test('a shell that starts programs without a pause is hibernated like any other app', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  // dash starts programs by vfork: CRIU waits in vain for one that is frozen there
  const busy = 'n=0; while :; do n=$((n+1)); /bin/true; done';
  const id = await runApp(client, 'busy', shell(`(${busy}) & (${busy}) & (${busy}) & echo ready; ${busy}`));
  await untilSays(client, id, 'ready');
  for (let round = 0; round < 6; round++) {
    await client.hibernate({ appInstanceId: id });
    await client.wake({ appInstanceId: id });
  }
  // asleep while it was suspended, too
  await client.suspend({ appInstanceId: id });
  await client.hibernate({ appInstanceId: id });
  await client.wake({ appInstanceId: id });
  assert.equal(await stateOf(client, id), 'RUNNING');
});

test('clocks: the one of the wall jumps, the one for intervals stands still, and a timer has its rest left', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const script = `use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC CLOCK_REALTIME sleep); $| = 1; print "ready\\n";
    my ($m, $r) = (clock_gettime(CLOCK_MONOTONIC), clock_gettime(CLOCK_REALTIME));
    while (1) { sleep(0.01); my ($n, $s) = (clock_gettime(CLOCK_MONOTONIC), clock_gettime(CLOCK_REALTIME));
      printf("jump %.3f %.3f\\n", $n - $m, $s - $r) if $s - $r > 1.5; ($m, $r) = ($n, $s) }`;
  const id = await runApp(client, 'clocks', perl(script));
  await untilSays(client, id, 'ready');
  await client.hibernate({ appInstanceId: id });
  const { hibernation } = await client.getInfo({ appInstanceId: id });
  const asleepSince = Date.parse(hibernation.image?.hibernatedAt ?? '');
  await until(() => Date.now() - asleepSince > 2000, { what: 'it has slept for two seconds' });
  await client.wake({ appInstanceId: id });
  const jump = await until(async () => (await outputOf(client, id)).find((text) => text.startsWith('jump')), {
    what: 'it has noticed',
  });
  const [interval = 0, wall = 0] = jump.split(' ').slice(1).map(Number);
  assert(wall >= 1.9, jump);
  assert(interval < wall - 1.5, jump);
});

test('the wake note: absent before, told to the app after each wake', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const script =
    '$| = 1; print "ready\\n"; print -e $ENV{RUNTIME_MANAGER_WAKE} ? "too early\\n" : "none yet\\n"; my $seen = ""; while (1) { if (open(my $f, "<", $ENV{RUNTIME_MANAGER_WAKE})) { my $t = <$f>; if ($t ne $seen) { print $seen = $t } } select(undef, undef, undef, 0.01) }';
  const id = await runApp(client, 'note', perl(script));
  await untilSays(client, id, 'none yet');
  for (let wakes = 1; wakes <= 2; wakes++) {
    await client.hibernate({ appInstanceId: id });
    await client.wake({ appInstanceId: id });
    const note = await until(
      async () => (await outputOf(client, id)).find((text) => text.includes(`"wakes":${wakes}`)),
      {
        what: 'it reads its note',
      },
    );
    const { hibernation } = await client.getInfo({ appInstanceId: id });
    const { hibernatedAt, sleptMs } = JSON.parse(note) as { hibernatedAt: string; sleptMs: number };
    assert(Date.parse(hibernatedAt) > 0 && sleptMs >= 0 && sleptMs <= (hibernation.wake?.sleptMs ?? 0) + 1000);
  }
});

test('an app that holds its last wake note open is woken again', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const script = `$| = 1; 1 until -e $ENV{RUNTIME_MANAGER_WAKE} && open($f, "<", $ENV{RUNTIME_MANAGER_WAKE}); $first = <$f>; print "open\\n"; sleep 1 while 1`;
  const id = await runApp(client, 'note-open', perl(script));
  await client.hibernate({ appInstanceId: id });
  await client.wake({ appInstanceId: id });
  await untilSays(client, id, 'open');
  await client.hibernate({ appInstanceId: id });
  const since = Date.now();
  // the longer it slept, the longer the note
  await until(() => Date.now() - since > 1100, { what: 'it has slept for more than a second' });
  await client.wake({ appInstanceId: id });
  assert.equal(await stateOf(client, id), 'RUNNING');
});

test('an app whose memory limit is nearly used up wakes within it', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const MIB = 2 ** 20;
  const script = '$| = 1; open(Z, "<", "/dev/zero"); sysread(Z, $x, 40 << 20); print "ready\\n"; sleep 1 while 1';
  const id = await runApp(client, 'tight', perl(script), { limits: { memoryBytes: 52 * MIB } });
  await untilSays(client, id, 'ready');
  for (let round = 0; round < 3; round++) {
    await client.hibernate({ appInstanceId: id });
    await client.wake({ appInstanceId: id }, { timeoutMs: WAIT_MS });
  }
  const limit = groupFile(daemon.group(id), 'memory.limit_in_bytes') ?? groupFile(daemon.group(id), 'memory.max');
  assert.equal(Number(limit), 52 * MIB);
  assert.equal(await stateOf(client, id), 'RUNNING');
});

test('half a gigabyte comes back page by page, and can be hibernated again before all of it is there', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const subject = memory(512);
  const live = await startSubject(daemon, subject);
  const before = await subject.state(live);
  for (let round = 1; round <= 2; round++) {
    await client.hibernate({ appInstanceId: live.id }, { timeoutMs: WAIT_MS });
    await client.wake({ appInstanceId: live.id }, { timeoutMs: WAIT_MS });
    assert.equal(await ask(live, '/ping'), 'pong');
  }
  assert.deepEqual(await subject.state(live), before);
});

test('a root file system that was changed meanwhile: the wake is refused with the name of the file, and works when it is back', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  await appTree();
  await chmod(daemon.directory, 0o711);
  const place = join(daemon.directory, 'programs');
  await mkdir(place, { mode: 0o755 });
  await cp('/usr/bin/perl', join(place, 'perl'), { dereference: true });
  await chmod(join(place, 'perl'), 0o755);
  const id = await runApp(
    client,
    'changed',
    ['/opt/programs/perl', '-e', '$| = 1; print "ready\\n"; sleep 1 while 1'],
    {
      mounts: [{ source: place, destination: '/opt/programs', readOnly: true }],
    },
  );
  await untilSays(client, id, 'ready');
  await client.hibernate({ appInstanceId: id });
  const good = await readFile(join(place, 'perl'));
  await writeFile(join(place, 'perl'), Buffer.concat([good, Buffer.from('longer')]));
  const { details } = await helpfulRefusal(client.wake({ appInstanceId: id }), 'RESTORE_FAILED', /perl/);
  assert.equal((details?.['findings'] as { code: string }[])[0]?.code, 'FILE_CHANGED');
  assert.equal(await stateOf(client, id), 'HIBERNATED');
  await rm(join(place, 'perl'));
  await helpfulRefusal(client.wake({ appInstanceId: id }), 'COMMAND_NOT_FOUND', /perl/);
  assert.equal(await stateOf(client, id), 'HIBERNATED');
  await writeFile(join(place, 'perl'), good, { mode: 0o755 });
  await client.wake({ appInstanceId: id });
  assert.equal(await stateOf(client, id), 'RUNNING');
  assert.equal(processesBesides(await pidOf(client, id)).length, 2);
});

test('a thousand files on a tmpfs and shared memory come back as they were', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const script = `$| = 1; use Digest::MD5 "md5_hex"; for (1..1000) { open(my $f, ">", "/tmp/f$_"); print $f "$_ " x 500; close $f; chmod 0600 | $_ % 64, "/tmp/f$_" }
    symlink "f1", "/tmp/link"; link "/tmp/f2", "/tmp/hard"; open(my $s, ">", "/dev/shm/s"); print $s "s" x 3_000_000; close $s;
    sub look { my $d = ""; for my $n (sort glob("/tmp/* /dev/shm/*")) { my @s = lstat $n; open(my $f, "<", $n); local $/; $d .= "$n $s[2] $s[3] $s[4] $s[5] $s[7] $s[9] " . <$f> } md5_hex($d) }
    my $at = look(); print "ready\\n"; my $i = 0; while (1) { select(undef, undef, undef, 0.1); print look() eq $at ? "same\\n" : "different\\n" if -e "/data/look" && unlink "/data/look" }`;
  const id = await runApp(client, 'tmpfs', perl(script));
  await untilSays(client, id, 'ready');
  const { storage } = await client.getInfo({ appInstanceId: id });
  for (let round = 1; round <= 2; round++) {
    await client.hibernate({ appInstanceId: id });
    await client.wake({ appInstanceId: id });
    await writeFile(join(storage, 'look'), '');
    await chmod(join(storage, 'look'), 0o666);
    await until(
      async () => (await outputOf(client, id)).filter((text) => /^(same|different)$/.test(text)).length === round,
      {
        what: 'it has looked',
      },
    );
  }
  assert.deepEqual((await outputOf(client, id)).slice(1), ['same', 'same']);
});

test('an app runs, sleeps and wakes although nothing may be executed below /run', async () => {
  await using daemon = await startDaemon({
    prepare: async (root) => {
      // as Debian mounts /run
      await mkdir(join(root, 'run'));
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'nosuid,nodev,noexec,mode=755', 'rmt', join(root, 'run')]);
      return async () => void execFileSync('umount', [join(root, 'run')]);
    },
  });
  const { client } = daemon;
  const id = await runApp(client, 'noexec', perl('$| = 1; print "ready\n"; sleep 1 while 1'));
  await untilSays(client, id, 'ready');
  await client.hibernate({ appInstanceId: id });
  await client.wake({ appInstanceId: id });
  assert.equal(await stateOf(client, id), 'RUNNING');
});
