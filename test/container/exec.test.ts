/** Programs run in apps: with the app's restrictions, as long as somebody listens, and in nobody's way. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { connect, RuntimeError, type Client, type ExecResult } from '../../src/client/node.ts';
import { perl, pidOf, runApp, shell, SLEEP, stateOf } from '../lib/apps.ts';
import { startDaemon } from '../lib/daemon.ts';
import { checkHouse } from '../lib/house.ts';
import { processesBesides } from '../lib/machine.ts';
import { helpfulRefusal, refusal } from '../lib/refusal.ts';
import { finish, startRuntimectl } from '../lib/runtimectl.ts';
import { runCounter, checkSleepsAndWakes } from '../lib/sleepers.ts';
import { until } from '../lib/until.ts';

const result = (exitCode: number, stdout = '', stderr = ''): ExecResult => ({
  exitCode,
  signal: exitCode > 128 ? exitCode - 128 : null,
  stdout,
  stderr,
  truncated: false,
});

const namesIn = (pid: number): readonly string[] =>
  processesBesides(pid).map((one) => readFileSync(`/proc/${one}/comm`, 'utf8').trim());

/** Its first process, and how many processes it has. */
async function settled(client: Client, appInstanceId: string) {
  const pid = await pidOf(client, appInstanceId);
  const count = await until(() => processesBesides(pid).length > 1 && processesBesides(pid).length, {
    what: 'tini has started the app',
  });
  return { pid, count };
}

test('who ran what is in the history with the exit code, and no argument of it', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const appInstanceId = await runApp(client, 'host', SLEEP);
  await client.exec({ appInstanceId, args: [...shell('exit 7'), 'secret'] });
  const late = client.exec({ appInstanceId, args: ['/bin/sleep', '1000'], timeoutMs: 1 });
  await refusal(late, 'TIMED_OUT');
  await refusal(client.exec({ appInstanceId, args: ['/no/program'] }), 'COMMAND_NOT_FOUND');
  const { entries } = await client.getHistory({ appInstanceId });
  const ran = entries.filter(({ type }) => type === 'executed');
  assert.equal(ran[0]?.what, 'ran /bin/sh: exit code 7');
  assert(ran.every(({ by, what }) => by === 'the unix socket' && !what.includes('secret')));
  assert(!ran.some(({ what }) => what.includes('/no/program')), 'what was not run is not there');
});

test('a terminal is refused in plain words', async () => {
  const { code, stderr } = await finish(startRuntimectl(['exec', '-it', 'nobody', '--', 'sh'], { root: '/nowhere' }));
  assert.equal(code, 6);
  assert.match(stderr, /no terminal.*next: leave -t out/s);
});

test('a program in an app gets its input and gives its output and its exit code', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const appInstanceId = await runApp(client, 'host', SLEEP, { env: { OWN: 'app', BOTH: 'app' } });
  const run = (script: string, more = {}) => client.exec({ appInstanceId, args: [...shell(script)], ...more });
  assert.deepEqual(await run('cat; echo err >&2; exit 7', { stdin: 'grüße\n' }), result(7, 'grüße\n', 'err\n'));
  assert.deepEqual(await run('kill -9 $$'), result(137));
  assert.deepEqual(await run('cat'), result(0), 'without input there is an end of it');
  const env = { BOTH: 'exec', NEW: '1' };
  assert.deepEqual(await run('echo $OWN $BOTH $NEW; pwd', { env, cwd: '/data' }), result(0, 'app exec 1\n/data\n'));
  // what does not fit is left out, and the program is not held up
  const much = await run('perl -e \'print "x" x 5_000_000\'; exit 3');
  assert.deepEqual([much.exitCode, much.truncated, much.stdout.length], [3, true, 512 * 1024]);
  await helpfulRefusal(client.exec({ appInstanceId, args: ['/nowhere'] }), 'COMMAND_NOT_FOUND', /\/nowhere/);
  await helpfulRefusal(client.exec({ appInstanceId, args: ['/bin/true'], user: 0 }), 'NOT_SUPPORTED', /user 0/);
  await refusal(client.exec({ appInstanceId, args: [] }), 'INVALID_ARGUMENT');
  await checkHouse(daemon);
});

test('a program in an app is as restricted as the app', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const appInstanceId = await runApp(client, 'jail', SLEEP, { limits: { pids: 30, openFiles: 99 } });
  const { uid, pid } = await client.getInfo({ appInstanceId });
  const look =
    'grep -E "^(Uid|Gid|Cap|NoNewPrivs|Seccomp)" /proc/self/status; cat /proc/self/cgroup; cat /proc/self/oom_score_adj; ulimit -n';
  const { stdout } = await client.exec({ appInstanceId, args: [...shell(look)] });
  const own = readFileSync(`/proc/${pid ?? 0}/status`, 'utf8').match(/^(Uid|Gid|Cap|NoNewPrivs|Seccomp).*$/gm) ?? [];
  assert(own.length > 8 && stdout.includes(`Uid:\t${uid}\t${uid}`));
  for (const line of own) assert(stdout.includes(line), line);
  // the root of its control group namespace is the app's own group, in each hierarchy
  const groups = stdout.match(/^\d+:.*$/gm) ?? [];
  assert(groups.length > 0 && groups.every((line) => line.endsWith(':/')), groups.join('\n'));
  assert.match(stdout, /\n99\n$/);
  const touch = await client.exec({
    appInstanceId,
    args: [...shell('touch /usr/x || mount -t tmpfs x /tmp || unshare -U true')],
  });
  assert.notEqual(touch.exitCode, 0);
});

test('a program that takes too long is killed, with its children; who asks for less is not held up', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const appInstanceId = await runApp(client, 'late', SLEEP);
  const before = await settled(client, appInstanceId);
  const args = [...shell('sleep 1000 & sleep 1000')];
  const late = helpfulRefusal(client.exec({ appInstanceId, args, timeoutMs: 300 }), 'TIMED_OUT', /300 ms/);
  assert.equal((await client.exec({ appInstanceId, args: ['/bin/true'] })).exitCode, 0);
  await late;
  await until(() => processesBesides(before.pid).length === before.count, { what: 'its processes are gone' });
  // a grandchild that holds the streams open is not waited for
  const left = await client.exec({ appInstanceId, args: [...shell('sleep 5 & echo away')] });
  assert.deepEqual(left, result(0, 'away\n'));
});

test('a program lives no longer than its caller listens, nor than the daemon', async () => {
  await using daemon = await startDaemon();
  const appInstanceId = await runApp(daemon.client, 'listened', SLEEP);
  const before = await settled(daemon.client, appInstanceId);
  const isThere = () => namesIn(before.pid).includes('perl');
  const isGone = () => processesBesides(before.pid).length === before.count;
  const args = [...perl('sleep 1 while 1')];
  const leave: readonly (readonly [string, (other: Client) => Promise<unknown>])[] = [
    ['the connection is closed', async (other) => other.close()],
    ['the daemon ends', () => daemon.stop()],
    ['the daemon is killed', () => daemon.kill9()],
  ];
  for (const [what, go] of leave) {
    const other = await connect({ socket: daemon.places.socket });
    const running = other.exec({ appInstanceId, args }).catch((error: unknown) => error);
    await until(isThere, { what: 'it runs' });
    await go(other);
    await running;
    other.close();
    if (what !== 'the connection is closed') await daemon.start();
    await until(isGone, { what: `it is gone when ${what}` });
  }
  await checkHouse(daemon);
});

test('an app is not hibernated while a program of a caller runs in it; the answer names it', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const { id, count } = await runCounter(client);
  const { pid } = await settled(client, id);
  const args = [...perl('sleep 1 while 1')];
  const running = refusal(client.exec({ appInstanceId: id, args, timeoutMs: 3000 }), 'TIMED_OUT');
  await until(() => processesBesides(pid).length > 2, { what: 'it runs' });
  await helpfulRefusal(client.hibernate({ appInstanceId: id }), 'CHECKPOINT_FAILED', /came in from outside/);
  assert.equal(await stateOf(client, id), 'RUNNING');
  await running;
  await client.hibernate({ appInstanceId: id });
  await helpfulRefusal(client.exec({ appInstanceId: id, args: ['/bin/true'] }), 'ILLEGAL_STATE', /HIBERNATED/);
  await checkSleepsAndWakes(daemon, { id, count });
  assert.equal((await client.exec({ appInstanceId: id, args: ['/bin/true'] })).exitCode, 0, 'after a wake, too');
  await client.suspend({ appInstanceId: id });
  const { next } = await helpfulRefusal(
    client.exec({ appInstanceId: id, args: ['/bin/true'] }),
    'ILLEGAL_STATE',
    /SUSPENDED/,
  );
  assert.match(next ?? '', /resume/);
  await client.kill({ appInstanceId: id });
  await refusal(client.exec({ appInstanceId: id, args: ['/bin/true'] }), 'ILLEGAL_STATE', /TERMINATED/);
});

test('an app that ends takes its callers’ programs along, and a frozen one lets none hold up others', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const appInstanceId = await runApp(client, 'ending', SLEEP);
  const running = client.exec({ appInstanceId, args: ['/bin/sleep', '1000'] });
  const long = client.exec({ appInstanceId, args: [...perl('sleep 1000')], timeoutMs: 1500 });
  const frozen = refusal(long, 'TIMED_OUT');
  await until(async () => namesIn(await pidOf(client, appInstanceId)).includes('perl'), { what: 'both run' });
  await client.suspend({ appInstanceId });
  await frozen;
  await client.kill({ appInstanceId });
  assert.deepEqual(await running, result(137));
  await checkHouse(daemon);
});

test('a stream goes both ways while the program runs, and holds up nobody who does not read it', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const appInstanceId = await runApp(client, 'stream', SLEEP);
  const { pid } = await settled(client, appInstanceId);
  const bytes = Buffer.from([0, 255, 10, 128, 7]);
  let heard = '';
  const running = await client.openExec(
    {
      appInstanceId,
      args: [
        ...perl(
          '$| = 1; binmode STDIN; while (sysread STDIN, my $x, 1) { printf "%d,", ord $x } $SIG{INT} = sub { exit 9 }; print "end"; sleep 1 while 1',
        ),
      ],
    },
    { onOutput: (_stream, data) => (heard += Buffer.from(data).toString()) },
  );
  await running.write(bytes);
  await until(() => heard === '0,255,10,128,7,', { what: 'it has answered' });
  await running.end();
  await until(() => heard.endsWith('end'), { what: 'it has seen the end of its input' });
  await running.signal('SIGINT');
  assert.deepEqual(await running.result, result(9));
  await refusal(running.signal('SIGINT'), 'NOT_FOUND');
  // waiting for its turn counts, too; and what is refused leaves nothing behind
  const args = [...perl('sleep 1000')];
  const twice = ['a', 'a'].map((stream) => client.exec({ appInstanceId, args, stream, timeoutMs: 300, stdin: '' }));
  const codes = (await Promise.allSettled(twice)).map((one) =>
    one.status === 'rejected' ? RuntimeError.of(one.reason).code : 'done',
  );
  assert.deepEqual(codes, ['TIMED_OUT', 'ALREADY_EXISTS']);
  await refusal(client.exec({ appInstanceId, args, timeoutMs: 1 }), 'TIMED_OUT');
  await until(() => !namesIn(pid).includes('perl'), { what: 'none of them is left' });
  // another connection has no stream of this name
  await refusal(daemon.client.execInput({ stream: 'client.exec.1', end: true }), 'NOT_FOUND');
  let bytesHeard = 0;
  const flood = await client.openExec(
    { appInstanceId, args: [...perl('print "x" x 20_000_000')], stdin: '' },
    { onOutput: (_stream, data) => (bytesHeard += data.length) },
  );
  assert.equal((await client.exec({ appInstanceId, args: ['/bin/echo', 'beside'] })).stdout, 'beside\n');
  assert.equal((await flood.result).exitCode, 0);
  assert.equal(bytesHeard, 20_000_000);
});

test('runtimectl exec passes input, output, exit status and Ctrl-C', async () => {
  await using daemon = await startDaemon();
  const appInstanceId = await runApp(daemon.client, 'cli', SLEEP);
  const start = (...words: readonly string[]) => startRuntimectl(['exec', ...words], { root: daemon.root });
  const piped = start('-i', appInstanceId, '--env', 'A=b', '--', ...shell('cat; echo $A >&2; exit 41'));
  piped.stdin.end('in\n');
  assert.deepEqual(await finish(piped), { code: 41, stdout: 'in\n', stderr: 'b\n' });
  const asked = start(appInstanceId, '--', ...shell('trap "exit 5" INT; echo ready; while :; do sleep 0.05; done'));
  asked.stdout.once('data', () => asked.kill('SIGINT'));
  assert.deepEqual(await finish(asked), { code: 5, stdout: 'ready\n', stderr: '' });
  const json = await finish(start('--json', appInstanceId, '--', '/bin/echo', 'x'));
  assert.deepEqual(JSON.parse(json.stdout), result(0, 'x\n'));
  const missing = await finish(start(appInstanceId, '--', '/nowhere'));
  assert.equal(missing.code, 8);
});
