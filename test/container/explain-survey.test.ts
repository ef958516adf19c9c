/** What stands in the way of a hibernation, found beforehand in a real container, and told alike by CRIU's own failure. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, rm, truncate } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { criuSurveys } from '../../src/adapters/criu/survey.ts';
import { toolRunner } from '../../src/adapters/process/run-tool.ts';
import type { Finding } from '../../src/domain/hibernation.ts';
import { perl } from '../lib/apps.ts';
import { until } from '../lib/until.ts';
import { subject, withoutFilter, type Subject, type SubjectOptions } from './explain-box.ts';

const ghostLimitBytes = 1 << 20;
const runTool = toolRunner({ PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin' });
const surveys = criuSurveys(runTool, { ghostLimitBytes, skipsInFlight: false });

const WAIT = '$| = 1; print "ready\\n"; sleep 1 while 1';
const MQ_OPEN = process.arch === 'arm64' ? 180 : 240;
const LISTEN =
  'use IO::Socket::INET; $l = IO::Socket::INET->new(Listen => 5, LocalAddr => "127.0.0.1:7000") or die $!;';
const CONNECT = '$c = IO::Socket::INET->new("127.0.0.1:7000") or die $!;';

const look = async (app: Subject, tcp: 'close' | 'keep' = 'close') => surveys.survey({ pids: await app.pids(), tcp });
const blocking = (findings: readonly Finding[]): readonly Finding[] => findings.filter(({ blocks }) => blocks);

type Case = SubjectOptions & {
  readonly name: string;
  readonly script: string;
  readonly code: string;
  readonly target: RegExp;
  /** A remark beforehand, as Runtime Manager configures CRIU so that it does not fail. */
  readonly remark?: true;
  /** CRIU does not say which descriptor it is. */
  readonly silent?: true;
};

const CASES: readonly Case[] = [
  {
    name: 'an io_uring',
    script: 'my $p = "\\0" x 256; syscall(425, 8, $p) == 3 or die $!;',
    change: withoutFilter,
    code: 'IO_URING',
    target: /^anon_inode:\[io_uring\]$/,
    silent: true,
  },
  {
    name: 'a POSIX message queue',
    script: `my $n = "mq"; syscall(${MQ_OPEN}, $n, 0102, 0600, 0) == 3 or die $!;`,
    change: withoutFilter,
    code: 'MQUEUE',
    target: /^\/mq$/,
  },
  {
    name: 'an open TCP connection that CRIU is not told to close',
    script: `${LISTEN} close STDIN; ${CONNECT} $a = $l->accept;`,
    criu: [],
    code: 'TCP_CONNECTED',
    target: /^socket:\[\d+\]$/,
    remark: true,
  },
  {
    name: 'a TCP connection that nobody has accepted yet',
    script: `${LISTEN} ${CONNECT}`,
    code: 'CONNECTION_NOT_ACCEPTED',
    target: /^socket:\[\d+\]$/,
  },
  {
    name: 'a deleted file above the limit',
    script: 'open($f, "+>", "/tmp/big") or die; syswrite($f, "x" x 3000000); unlink "/tmp/big";',
    code: 'DELETED_FILE_TOO_BIG',
    target: /^\/tmp\/big \(deleted\)$/,
  },
  {
    name: 'a file by a deleted name that has another name',
    script: 'open($f, ">", "/tmp/one") or die; link "/tmp/one", "/tmp/two"; unlink "/tmp/one";',
    code: 'DELETED_HARD_LINK',
    target: /^\/tmp\/one \(deleted\)$/,
  },
  {
    name: 'unread messages of the kernel',
    script:
      'use Socket; socket($s, 16, 3, 0) or die; send($s, pack("LSSLL", 20, 18, 0x301, 1, 0) . "\\0" x 16, 0) or die;',
    code: 'NETLINK_DATA',
    target: /^socket:\[\d+\]$/,
  },
];

for (const { name, script, code, target, remark = false, silent = false, ...options } of CASES) {
  test(`${name}: the survey names process and descriptor, and CRIU's failure is told alike`, async () => {
    await using app = await subject(perl(`${script} ${WAIT}`), options);
    const before = (await look(app)).find((finding) => finding.code === code);
    assert.ok(before, `no ${code} beforehand`);
    assert.equal(before.blocks, !remark);
    assert.equal(before.process?.name, 'perl');
    assert.ok((await app.pids()).includes(before.process.pid));
    assert.match(before.descriptor?.target ?? '', target);

    const { dumped, log } = await app.checkpoint();
    assert.equal(dumped, false);
    const [after] = await surveys.readLog(log);
    assert.equal(after?.code, code);
    assert.deepEqual(after.process, before.process);
    assert.equal(after.descriptor?.fd, silent ? undefined : before.descriptor?.fd);
    assert.ok((await app.pids()).includes(before.process.pid), 'the app is unharmed');
  });
}

test('a unix socket connected to the host: process, descriptor, and who is at the other end', async () => {
  await using stack = new AsyncDisposableStack();
  const app = stack.use(
    await subject(perl(`use IO::Socket::UNIX; $c = IO::Socket::UNIX->new("/mnt/sock/s") or die $!; ${WAIT}`), {
      prepare: async (box) => {
        const directory = join(box.path, 'sock');
        await mkdir(directory, { mode: 0o755 });
        const server = createServer();
        server.listen(join(directory, 's'));
        await once(server, 'listening');
        await chmod(join(directory, 's'), 0o777);
        server.on('connection', (socket) => stack.defer(() => void socket.destroy()));
        stack.defer(() => void server.close());
        return [{ source: directory, destination: '/mnt/sock', readOnly: false }];
      },
    }),
  );
  const [before] = blocking(await look(app));
  assert.equal(before?.code, 'UNIX_SOCKET_TO_HOST');
  assert.match(before.what, new RegExp(`pid ${process.pid}.*/sock/s`));
  const { dumped, log } = await app.checkpoint();
  assert.equal(dumped, false);
  const [after] = await surveys.readLog(log);
  assert.equal(after?.code, 'UNIX_SOCKET_TO_HOST');
  assert.deepEqual(after.process, before.process);
  assert.equal(after.descriptor?.fd, before.descriptor?.fd);
  assert.match(after.what, /\/sock\/s/);
});

test('an app that can be hibernated has no blocking finding, is hibernated and wakes', async () => {
  const script = `use Socket; use Fcntl ":flock"; ${LISTEN}
    socketpair($x, $y, AF_UNIX, SOCK_STREAM, 0); socketpair($v, $w, AF_UNIX, SOCK_DGRAM, 0); pipe($r, $q);
    socket($u, AF_INET, SOCK_DGRAM, 0); open($f, ">", "/tmp/gone"); print $f "x"; unlink "/tmp/gone";
    open($k, ">", "/tmp/lock"); flock($k, LOCK_EX); open($d, "<", "/dev/urandom"); open($p, "<", "/proc/self/status");
    if (!fork) { exit 0 } if (!fork) { sleep 1 while 1 } mkdir "/tmp/w"; chdir "/tmp/w"; rmdir "/tmp/w"; ${WAIT}`;
  await using app = await subject(perl(script));
  assert.deepEqual(await look(app), []);
  assert.deepEqual(await look(app, 'keep'), []);
  assert.equal((await app.checkpoint()).dumped, true);
  assert.equal((await app.restore()).restored, true);
});

test('ten processes with two hundred descriptors are looked at within 20 ms', async () => {
  const script = `for (1..18) { pipe($r[$_], $w[$_]) } for (1..8) { if (!fork) { sleep 1 while 1 } } ${WAIT}`;
  await using app = await subject(perl(script));
  const pids = await app.pids();
  assert.ok(pids.length >= 10);
  const times: number[] = [];
  for (let round = 0; round < 15; round++) {
    const start = performance.now();
    await surveys.survey({ pids, tcp: 'close' });
    times.push(performance.now() - start);
  }
  // the machine has other things to do as well: the best round is what it costs
  assert.ok(Math.min(...times) <= 20, `${times.map((time) => time.toFixed(1)).join(', ')} ms`);
});

test('a process that came in by exec, a stopped one and a traced one are named', async () => {
  const trace = 'if (!($p = fork)) { $0 = "traced"; sleep 1 while 1 } syscall(101, 0x4206, $p, 0, 0) == 0 or die $!;';
  const stop = 'if (!fork) { kill 19, $$; sleep 1 while 1 }';
  await using app = await subject(perl(`${process.arch === 'x64' ? trace : ''} ${stop} ${WAIT}`), {
    change: withoutFilter,
  });
  const over = new AbortController();
  app.exec(['/bin/sleep', '1000'], over.signal);
  try {
    const codes = await until(
      async () => {
        const found = blocking(await look(app)).map(({ code, process: about }) => `${code} ${about?.name ?? ''}`);
        return found.includes('EXEC_PROCESS sleep') && found.some((one) => one.startsWith('STOPPED')) && found;
      },
      { what: 'exec and stop are seen' },
    );
    if (process.arch === 'x64') assert.ok(codes.some((code) => code.startsWith('PTRACED')));
  } finally {
    over.abort();
  }
});

test('a file system mounted below the source of a mount is found; CRIU trips over it only at the wake', async () => {
  await using stack = new AsyncDisposableStack();
  const app = stack.use(
    await subject(perl(WAIT), {
      prepare: async (box) => {
        const inner = join(box.path, 'source', 'inner');
        await mkdir(inner, { recursive: true });
        execFileSync('mount', ['-t', 'tmpfs', 'rmt', inner]);
        return [{ source: join(box.path, 'source'), destination: '/mnt/source', readOnly: false }];
      },
    }),
  );
  stack.defer(() => void execFileSync('umount', [join(app.box.path, 'source', 'inner')]));
  assert.deepEqual(
    blocking(await look(app)).map(({ code }) => code),
    ['MOUNT_BELOW_SOURCE'],
  );
  assert.equal((await app.checkpoint()).dumped, true);
  const { restored, log } = await app.restore();
  assert.equal(restored, false);
  assert.equal((await surveys.readLog(log))[0]?.code, 'MOUNT_BELOW_SOURCE');
});

test('a wake that fails is told: a file that has changed, then a file of the image that is gone', async () => {
  await using app = await subject(perl(`open($f, ">", "$ENV{HOME}/data") or die; syswrite($f, "abc"); ${WAIT}`));
  const { dumped, image } = await app.checkpoint();
  assert.equal(dumped, true);
  const data = join(app.box.path, 'storage', 'data');
  await truncate(data, 7);
  const first = await surveys.readLog((await app.restore()).log);
  assert.equal(first[0]?.code, 'FILE_CHANGED');
  assert.match(first[0].what, /7 bytes.*3 bytes/);
  await truncate(data, 3);
  await rm(join(image, 'core-1.img'));
  const second = await surveys.readLog((await app.restore()).log);
  assert.equal(second[0]?.code, 'IMAGE_DAMAGED');
});

test('processes that end while they are looked at are no fault', async () => {
  await using app = await subject(perl(`for (1..200) { if (!fork) { exit 0 } } ${WAIT}`));
  assert.deepEqual(blocking(await surveys.survey({ pids: [...(await app.pids()), 2 ** 22 - 1], tcp: 'close' })), []);
});

test('without ss on the machine the app is surveyed all the same, and the gap is told', async () => {
  await using app = await subject(perl(`use Socket; socketpair($x, $y, AF_UNIX, SOCK_STREAM, 0); ${WAIT}`));
  const poor = criuSurveys(toolRunner({ PATH: '/nonexistent' }), { ghostLimitBytes, skipsInFlight: false });
  const found = await poor.survey({ pids: await app.pids(), tcp: 'close' });
  assert.deepEqual(
    found.map(({ code, blocks }) => [code, blocks]),
    [['UNIX_SOCKETS_UNCHECKED', false]],
  );
});
