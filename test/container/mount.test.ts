/** Mounts that come and go while an app lives: seen at once, kept over sleep and restarts of the daemon, and nowhere else. */
import assert from 'node:assert/strict';
import { readFileSync, existsSync } from 'node:fs';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Client } from '../../src/client/node.ts';
import { eventsOf, perl, pidOf, runApp, SLEEP, stateOf, untilSays } from '../lib/apps.ts';
import { startDaemon, type TestDaemon } from '../lib/daemon.ts';
import { RuntimeError } from '../../src/domain/errors.ts';
import { checkHouse } from '../lib/house.ts';
import { helpfulRefusal, refusal } from '../lib/refusal.ts';
import { runtimectl } from '../lib/runtimectl.ts';
import { checkSleepsAndWakes, runCounter } from '../lib/sleepers.ts';
import { until } from '../lib/until.ts';

async function shared(daemon: TestDaemon, name: string): Promise<string> {
  const source = join(daemon.directory, name);
  await mkdir(source);
  await writeFile(join(source, 'hello'), `hello from ${name}\n`);
  return source;
}

const inApp = async (client: Client, appInstanceId: string, ...args: readonly string[]) => {
  const { exitCode: code, stdout, stderr } = await client.exec({ appInstanceId, args: [...args] });
  return { code, stdout, stderr };
};
const see = async (client: Client, id: string, path: string): Promise<string> =>
  (await inApp(client, id, '/bin/cat', path)).stdout;
const makeDirectory = async (client: Client, id: string, path: string): Promise<void> => {
  assert.equal((await inApp(client, id, '/bin/mkdir', '-p', path)).code, 0);
};
/** Its line of /proc/PID/mountinfo, as the kernel has it. */
const lineOf = (pid: number, point: string): string | undefined =>
  readFileSync(`/proc/${pid}/mountinfo`, 'utf8')
    .split('\n')
    .find((line) => line.split(' ')[4] === point);
const pointsOf = (pid: number): readonly string[] =>
  readFileSync(`/proc/${pid}/mountinfo`, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split(' ')[4] ?? '');
const liveOf = async (client: Client, appInstanceId: string) =>
  (await client.getInfo({ appInstanceId })).mounts.filter(({ live }) => live).map(({ destination }) => destination);

test('a mount is seen at once, running and suspended, nosuid, nodev and private, and goes again', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const [one, two] = [await shared(daemon, 'one'), await shared(daemon, 'two')];
  const id = await runApp(client, 'mounted', SLEEP);
  const pid = await pidOf(client, id);
  await makeDirectory(client, id, '/tmp/one');
  await makeDirectory(client, id, '/data/two');
  const first = { appInstanceId: id, source: one, destination: '/tmp//one/' };
  assert.deepEqual(await client.mount(first), { already: false });
  assert.deepEqual(await client.mount(first), { already: true });
  assert.equal(await see(client, id, '/tmp/one/hello'), 'hello from one\n');
  await client.suspend({ appInstanceId: id });
  await client.mount({ appInstanceId: id, source: two, destination: '/data/two', readOnly: true });
  assert.equal(await stateOf(client, id), 'SUSPENDED');
  await client.resume({ appInstanceId: id });
  assert.equal(await see(client, id, '/data/two/hello'), 'hello from two\n');
  assert.match((await inApp(client, id, '/bin/touch', '/data/two/new')).stderr, /Read-only/);
  assert.match(lineOf(pid, '/tmp/one') ?? '', / rw,nosuid,nodev[^-:]* - /);
  assert.match(lineOf(pid, '/data/two') ?? '', / ro,nosuid,nodev[^-:]* - /);
  assert.deepEqual(await liveOf(client, id), ['/tmp/one', '/data/two']);
  // what the host mounts there later is none of the app's business, and a file can be mounted, too
  await client.unmount({ appInstanceId: id, destination: '/data/two' });
  assert.deepEqual(await client.unmount({ appInstanceId: id, destination: '/data/two' }), { already: true });
  assert.equal(lineOf(pid, '/data/two'), undefined);
  assert.equal((await inApp(client, id, '/bin/touch', '/tmp/file')).code, 0);
  const words = ['mount', id, `${join(one, 'hello')}:/tmp/file:ro`];
  assert.equal((await runtimectl(words, { root: daemon.root })).code, 0);
  assert.equal(await see(client, id, '/tmp/file'), 'hello from one\n');
  const info = await runtimectl(['info', id], { root: daemon.root });
  assert.match(info.stdout, /^mount: +\S+\/one\/hello on \/tmp\/file, read-only, since it runs$/m);
  assert.equal((await runtimectl(['unmount', id, '/tmp/file'], { root: daemon.root })).code, 0);
  const told = (await eventsOf(client, id)).flatMap(({ type, by }) => (/mounted/.test(type) ? [[type, by]] : []));
  const by = 'the unix socket';
  assert.deepEqual(
    told,
    ['mounted', 'mounted', 'unmounted', 'mounted', 'unmounted'].map((type) => [type, by]),
  );
  await client.kill({ appInstanceId: id });
  await helpfulRefusal(client.mount({ ...first, destination: '/tmp/b' }), 'ILLEGAL_STATE', /TERMINATED/);
  await client.run({ appId: id, appInstanceId: id, app: { rootfs: { host: true }, args: [...SLEEP] } });
  assert.deepEqual(await liveOf(client, id), [], 'a new run begins without them');
});

test('what cannot be mounted is refused with the reason, and all is as before', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const source = await shared(daemon, 'source');
  const id = await runApp(client, 'refused', SLEEP, { mounts: [{ source, destination: '/srv/own' }] });
  const pid = await pidOf(client, id);
  await makeDirectory(client, id, '/tmp/there');
  const before = pointsOf(pid);
  const mount = (destination: string, from = source) => client.mount({ appInstanceId: id, source: from, destination });
  await helpfulRefusal(mount('/tmp/missing'), 'INVALID_ARGUMENT', /no such place/);
  await helpfulRefusal(mount('/tmp/there', join(source, 'nothing')), 'INVALID_ARGUMENT', /source .*nothing/);
  await helpfulRefusal(mount('/tmp/there', join(source, 'hello')), 'INVALID_ARGUMENT', /directory/);
  for (const from of ['/dev', '/']) {
    await helpfulRefusal(mount('/tmp/there', from), 'INVALID_ARGUMENT', /mounted below it/);
  }
  await helpfulRefusal(mount('/srv/own'), 'CONFLICT', /already/);
  for (const place of ['/proc/x', '/data', '/run/runtime-manager/x', '/sys']) {
    await helpfulRefusal(mount(place), 'INVALID_ARGUMENT', /Runtime Manager's own/);
  }
  for (const place of ['/', 'tmp', '/tmp/../etc', '/tmp/a"b', '/tmp/a\nb', '/tmp/[x]']) {
    await refusal(mount(place), 'INVALID_ARGUMENT', /destination/);
  }
  await mount('/tmp/there');
  await helpfulRefusal(mount('/tmp/there', '/usr/share'), 'CONFLICT', /already/);
  assert.deepEqual(await client.unmount({ appInstanceId: id, destination: '/srv/own' }), { already: true });
  await client.unmount({ appInstanceId: id, destination: '/tmp/there' });
  assert.deepEqual(pointsOf(pid), before);
});

test('a mount that the app uses is not taken away from it, and is its own after a wake', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const source = await shared(daemon, 'used');
  const script =
    'mkdir "/tmp/a"; $| = 1; print "ready\\n"; until (open F, "<", "/tmp/a/hello") { select undef, undef, undef, 0.01 } print "open\\n"; sleep 1 while 1';
  const id = await runApp(client, 'user', perl(script));
  await untilSays(client, id, 'ready');
  await client.mount({ appInstanceId: id, source, destination: '/tmp/a' });
  await untilSays(client, id, 'open');
  await helpfulRefusal(client.unmount({ appInstanceId: id, destination: '/tmp/a' }), 'BUSY', /uses it/);
  assert.deepEqual(await liveOf(client, id), ['/tmp/a']);
  assert.equal(await see(client, id, '/tmp/a/hello'), 'hello from used\n');
  // with the file open
  await client.hibernate({ appInstanceId: id });
  await client.wake({ appInstanceId: id });
  await helpfulRefusal(client.unmount({ appInstanceId: id, destination: '/tmp/a' }), 'BUSY', /uses it/);
});

test('links of the app lead nowhere: not out of it, and not to another place in it, however often they are exchanged', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const source = await shared(daemon, 'bait');
  const root = join(daemon.directory, 'root');
  for (const name of ['usr', 'etc2']) await mkdir(join(root, name), { recursive: true });
  await symlink('/', join(root, 'etc'));
  const script = `
    $| = 1; mkdir "/tmp/real"; mkdir "/tmp/real/x"; mkdir "/data/x"; symlink "/data", "/tmp/link"; symlink "..", "/tmp/up"; print "ready\\n";
    while (1) { rename "/tmp/real", "/tmp/aside"; rename "/tmp/link", "/tmp/real"; rename "/tmp/real", "/tmp/link"; rename "/tmp/aside", "/tmp/real" }`;
  const id = await runApp(client, 'racing', perl(script));
  await untilSays(client, id, 'ready');
  const pid = await pidOf(client, id);
  const before = pointsOf(pid);
  for (const destination of ['/tmp/link/x', '/tmp/up/tmp', '/bin/x']) {
    await helpfulRefusal(client.mount({ appInstanceId: id, source, destination }), 'INVALID_ARGUMENT', /link|no such/);
  }
  const outcomes: string[] = [];
  for (let round = 0; round < 15; round++) {
    const call = { appInstanceId: id, destination: '/tmp/real/x' };
    const outcome = await client.mount({ ...call, source }).then(
      () => 'mounted',
      (error: unknown) => RuntimeError.of(error).code,
    );
    outcomes.push(outcome);
    assert.match(outcome, /^(mounted|INVALID_ARGUMENT|MOUNT_FAILED)$/);
    // it may have been moved with its directory, but it is one mount of ours below /tmp, or none
    const more = pointsOf(pid).filter((point) => !before.includes(point));
    assert(
      more.every((point) => /^\/tmp\/(real|aside)\/x$/.test(point)),
      more.join(),
    );
    assert(more.length <= 1);
    if (outcome !== 'mounted') assert.deepEqual(more, []);
    else await until(() => client.unmount(call).then(() => true), { what: 'it is unmounted' });
  }
  // whatever else is mounted on the machine in the meantime
  const onHost = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(source));
  assert.deepEqual(onHost, [], 'the host has no mount of it');
  const linked = await client.run({
    appId: 'linked',
    app: { rootfs: { host: true }, args: [...SLEEP], mounts: [{ source: root, destination: '/srv/root' }] },
  });
  await helpfulRefusal(
    client.mount({ appInstanceId: linked.appInstanceId, source, destination: '/srv/root/etc/usr' }),
    'INVALID_ARGUMENT',
    /symbolic link/,
  );
});

test('an app takes its mounts along to sleep, and has them when it wakes, again and again', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const [source, other] = [await shared(daemon, 'kept'), await shared(daemon, 'other')];
  const app = await runCounter(client);
  const { id } = app;
  let { count } = app;
  await makeDirectory(client, id, '/tmp/kept');
  await makeDirectory(client, id, '/data/other');
  await client.mount({ appInstanceId: id, source, destination: '/tmp/kept', readOnly: true });
  await client.mount({ appInstanceId: id, source: other, destination: '/data/other' });
  for (let round = 0; round < 3; round++) {
    await daemon.client.hibernate({ appInstanceId: id });
    await helpfulRefusal(
      daemon.client.mount({ appInstanceId: id, source, destination: '/tmp/late' }),
      'ILLEGAL_STATE',
      /HIBERNATED/,
    );
    await helpfulRefusal(
      daemon.client.unmount({ appInstanceId: id, destination: '/tmp/kept' }),
      'ILLEGAL_STATE',
      /HIBERNATED/,
    );
    if (round === 1) await daemon.restart();
    count = await checkSleepsAndWakes(daemon, { id, count });
    assert.equal(await see(daemon.client, id, '/tmp/kept/hello'), 'hello from kept\n');
    assert.match(lineOf(await pidOf(daemon.client, id), '/tmp/kept') ?? '', / ro,nosuid,nodev/);
    if (round === 1) await daemon.client.unmount({ appInstanceId: id, destination: '/data/other' });
    const there = await inApp(daemon.client, id, '/bin/cat', '/data/other/hello');
    assert.equal(there.stdout, round === 0 ? 'hello from other\n' : '');
  }
  assert.deepEqual(await liveOf(daemon.client, id), ['/tmp/kept']);
  // gone while it sleeps: the wake says so and the image is kept
  await daemon.client.hibernate({ appInstanceId: id });
  await rm(source, { recursive: true });
  await refusal(daemon.client.wake({ appInstanceId: id }), 'RESTORE_FAILED');
  await shared(daemon, 'kept');
  await checkSleepsAndWakes(daemon, { id, count });
  await daemon.client.terminate({ appInstanceId: id });
  await checkHouse(daemon);
  assert(existsSync(join(source, 'hello')), 'nothing of the host is removed with the app');
});

test('after kill -9 of the daemon exactly those mounts are there that it had told of', async () => {
  await using daemon = await startDaemon();
  const source = await shared(daemon, 'crash');
  const id = await runApp(daemon.client, 'crashing', SLEEP);
  for (const name of ['a', 'b', 'c']) await makeDirectory(daemon.client, id, `/tmp/${name}`);
  const mount = (name: string) =>
    daemon.client.mount({ appInstanceId: id, source, destination: `/tmp/${name}` }).catch(() => undefined);
  await mount('a');
  const pid = await pidOf(daemon.client, id);
  for (let round = 0; round < 6; round++) {
    const at =
      round % 2 === 0
        ? mount('b')
        : daemon.client.unmount({ appInstanceId: id, destination: '/tmp/b' }).catch(() => undefined);
    if (round < 4) {
      await until(() => pointsOf(pid).includes('/tmp/b') === (round % 2 === 0), {
        what: 'the kernel has it',
        pollMs: 1,
      });
    }
    await daemon.kill9();
    await at;
    await daemon.start();
    const { client } = daemon;
    const told = ['/tmp/a', ...(pointsOf(pid).includes('/tmp/b') ? ['/tmp/b'] : [])];
    assert.deepEqual(await liveOf(client, id), told);
    if (round % 2 === 0) await mount('b');
    else await client.unmount({ appInstanceId: id, destination: '/tmp/b' });
  }
  await daemon.client.hibernate({ appInstanceId: id });
  await daemon.client.wake({ appInstanceId: id });
  assert.equal(await see(daemon.client, id, '/tmp/a/hello'), 'hello from crash\n');
  assert.deepEqual(await liveOf(daemon.client, id), ['/tmp/a']);
});
