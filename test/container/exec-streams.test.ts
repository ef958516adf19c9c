/** The streams of programs that are run in apps, as the command line passes them. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { RuntimeError } from '../../src/client/node.ts';
import { perl, pidOf, runApp, SLEEP } from '../lib/apps.ts';
import { startDaemon } from '../lib/daemon.ts';
import { checkHouse } from '../lib/house.ts';
import { processesBesides } from '../lib/machine.ts';
import { finish, RUNTIMECTL, startRuntimectl } from '../lib/runtimectl.ts';
import { until } from '../lib/until.ts';

test('runtimectl exec -i ends with its program, whatever is typed, and whoever reads', async () => {
  await using daemon = await startDaemon();
  const appInstanceId = await runApp(daemon.client, 'typed', SLEEP);
  const start = (...words: readonly string[]) => startRuntimectl(['exec', ...words], { root: daemon.root });
  // its input stays open: a pipe, and a terminal of script(1)
  assert.equal((await finish(start('-i', appInstanceId, '--', '/bin/true'))).code, 0);
  const line = [process.execPath, RUNTIMECTL, '--root', daemon.root, 'exec', '-i', appInstanceId, '--', '/bin/true'];
  const typed = spawn('script', ['-qec', line.join(' '), '/dev/null']);
  assert.deepEqual(await finish(typed), { code: 0, stdout: '', stderr: '' });
  const input = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * 7) % 256));
  const echoed = start('-i', appInstanceId, '--', '/bin/cat');
  echoed.stdin.end(input);
  assert(Buffer.concat((await echoed.stdout.toArray()) as Buffer[]).equals(input), 'bytes of any kind, both ways');
  const json = start('--json', '-i', appInstanceId, '--', '/bin/cat');
  json.stdin.end('in');
  assert.deepEqual(JSON.parse((await finish(json)).stdout), {
    exitCode: 0,
    signal: null,
    stdout: 'in',
    stderr: '',
    truncated: false,
  });
  // a program that does not read: its caller stops reading, too
  const deaf = start('-i', appInstanceId, '--', ...perl('$| = 1; print "ready"; sleep 1000'));
  await once(deaf.stdout, 'data');
  let taken = 0;
  const stuffed = new Promise<void>((resolve) => {
    const more = (): void => {
      const timer = setTimeout(resolve, 1000);
      deaf.stdin.write(Buffer.alloc(65_536), () => {
        clearTimeout(timer);
        taken += 65_536;
        if (taken < 64 * 2 ** 20) more();
        else resolve();
      });
    };
    deaf.stdin.on('error', () => undefined);
    more();
  });
  await stuffed;
  assert(taken < 8 * 2 ** 20, `${taken} bytes were taken for a program that reads none`);
  deaf.kill('SIGTERM');
  assert.equal((await finish(deaf)).code, 143);
});

test('a slow reader of exec slows the program down, and nothing is kept for it', async () => {
  await using daemon = await startDaemon();
  const appInstanceId = await runApp(daemon.client, 'endless', SLEEP);
  const words = ['exec', appInstanceId, '--', ...perl('print "x" x 65_536 while 1')];
  const child = startRuntimectl(words, { root: daemon.root });
  const memory = (pid: number): number =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  const programTime = async (): Promise<string> => {
    const found = processesBesides(await pidOf(daemon.client, appInstanceId));
    const stats = found.map((pid) => readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ').slice(13, 15).join('+'));
    return stats.join();
  };
  await once(child.stdout, 'readable');
  // when nobody has taken anything for a while, nothing is written
  let before = '';
  await until(
    async () => {
      const now = await programTime();
      const stands = now === before;
      before = now;
      return stands;
    },
    { what: 'the program stands', pollMs: 500 },
  );
  assert(memory(child.pid ?? 0) < 200_000, `${memory(child.pid ?? 0)} kB for a reader that does not read`);
  child.kill('SIGKILL');
  await until(() => child.exitCode !== null || child.signalCode !== null, { what: 'it has ended' });
});

type Form = 'json' | 'binary';
type Heard = { readonly bytes: Record<'stdout' | 'stderr', Buffer[]>; readonly order: string[] };

/** As a client of its own hears it: `docs/api.md`, exec. */
function hear(socket: WebSocket, form: Form, { bytes, order }: Heard): Promise<{ readonly result?: unknown }> {
  const { promise, resolve } = Promise.withResolvers<{ readonly result?: unknown }>();
  const add = (name: 'stdout' | 'stderr', data: Buffer): void => {
    bytes[name].push(data);
    if (order.at(-1) !== name) order.push(name);
  };
  socket.on('message', (raw, isBinary) => {
    const data = raw as Buffer;
    if (isBinary) {
      assert.equal(form, 'binary');
      assert.equal(data.subarray(1, 6).toString('latin1'), '\x04mine');
      assert(data[0] === 1 || data[0] === 2);
      add(data[0] === 1 ? 'stdout' : 'stderr', data.subarray(6));
      return;
    }
    const message = JSON.parse(data.toString()) as {
      readonly method?: string;
      readonly result?: unknown;
      readonly params: { readonly stream: 'stdout' | 'stderr'; readonly data: string };
    };
    if (message.method === undefined) {
      resolve(message);
      return;
    }
    assert.equal(form, 'json');
    assert.equal(message.method, 'mine.onExecOutput');
    add(message.params.stream, Buffer.from(message.params.data, 'base64'));
  });
  return promise;
}

const isPerl = (pid: number): boolean => readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'perl';
const ALL_BYTES = Buffer.from(Array.from({ length: 256 }, (_, at) => at));

test('output comes in both forms of the wire: every byte, in order, before the answer, and no faster than it is read', async () => {
  await using daemon = await startDaemon();
  const { places, client } = daemon;
  const appInstanceId = await runApp(client, 'forms', SLEEP);
  const memory = (): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${daemon.pid}/status`, 'utf8'))?.[1]);
  for (const form of ['json', 'binary'] as const) {
    const socket = new WebSocket(`ws+unix:${places.socket}:/jsonrpc`, { perMessageDeflate: false });
    await once(socket, 'open');
    const heard: Heard = { bytes: { stdout: [], stderr: [] }, order: [] };
    const answer = hear(socket, form, heard);
    // 51.2 MB; STDERR is not buffered
    const script =
      '$| = 1; print STDERR "first"; sleep 1; binmode STDOUT; print pack("C*", 0..255) x 200_000; print STDERR "x" x 100_000; exit 7';
    const params = {
      appInstanceId,
      args: perl(script),
      stdin: '',
      stream: 'mine',
      ...(form === 'binary' && { binary: true }),
    };
    socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'exec', params }));
    await until(() => heard.bytes.stdout.length > 0, { what: `output (${form})` });
    socket.pause();
    let before = -1;
    const [program = 0] = processesBesides(await pidOf(client, appInstanceId)).filter(isPerl);
    const written = (): number => {
      return Number(/wchar: (\d+)/.exec(readFileSync(`/proc/${program}/io`, 'utf8'))?.[1]);
    };
    await until(() => before === (before = written()), { what: 'the program stands', pollMs: 300 });
    assert(before < 10_000_000, `${before} bytes were written for a reader that does not read (${form})`);
    assert(memory() < 200_000, `${memory()} kB (${form})`);
    socket.resume();
    const { result } = await answer;
    assert.deepEqual(result, { exitCode: 7, signal: null, stdout: '', stderr: '', truncated: false });
    assert(Buffer.concat(heard.bytes.stdout).equals(Buffer.concat(Array.from({ length: 200_000 }, () => ALL_BYTES))));
    assert.equal(Buffer.concat(heard.bytes.stderr).toString(), `first${'x'.repeat(100_000)}`);
    assert.deepEqual(heard.order.slice(0, 2), ['stderr', 'stdout']);
    socket.terminate();
  }
  await checkHouse(daemon);
});

/** Numbers of ptrace(2) for syscall(2). */
const PTRACE = process.arch === 'arm64' ? 117 : 101;
/** Does something to each process that it did not see at first. */
const onNewcomers = (deed: string): readonly string[] =>
  perl(
    `sub pids { opendir my $d, "/proc"; grep { /^\\d+$/ } readdir $d } my %own = map { $_ => 1 } pids(); print "ready\\n"; $| = 1; ` +
      `print ""; while (1) { for (pids()) { next if $own{$_} || $_ == $$; ${deed} } select undef, undef, undef, 0.0005 }`,
  );
const SEIZE = `if (syscall(${PTRACE}, 0x4206, $_ + 0, 0, 0) == 0) { syscall(${PTRACE}, 0x4207, $_ + 0, 0, 0); $own{$_} = 1 }`;

test('a program that its app stops or seizes is killed after a while, and the answer says so', async () => {
  await using daemon = await startDaemon({ config: { execStandstillMs: 500, startTimeoutMs: 4000 } });
  const { client } = daemon;
  for (const [what, deed] of [
    ['SIGSTOP', 'kill STOP => $_'],
    ['ptrace', SEIZE],
  ] as const) {
    const appInstanceId = await runApp(client, `hostile-${what.toLowerCase()}`, onNewcomers(deed));
    const before = await until(async () => (await client.getLogs({ appInstanceId })).lines.length > 0, {
      what: 'it looks',
    }).then(async () => processesBesides(await pidOf(client, appInstanceId)).length);
    const error = await client.exec({ appInstanceId, args: ['/bin/sleep', '1000'] }).then(
      () => assert.fail('it ended'),
      (thrown: unknown) => RuntimeError.of(thrown),
    );
    assert.equal(error.code, 'TIMED_OUT');
    assert.match(`${error.what} ${error.next ?? ''}`, /SIGSTOP|ptrace/);
    // a zombie is its tracer's until that ends
    const living = async () =>
      processesBesides(await pidOf(client, appInstanceId)).filter(
        (pid) => !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')),
      );
    await until(async () => (await living()).length <= before, { what: `nothing of it is left (${what})` });
    await client.kill({ appInstanceId });
  }
  await checkHouse(daemon);
});
