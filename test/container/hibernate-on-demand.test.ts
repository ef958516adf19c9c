/** What a caller may count on when an app is hibernated and woken on demand. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { exitOf, hostApp, outputOf, perl, runApp, uniqueId, untilSays, untilState } from '../lib/apps.ts';
import { goesOn } from '../lib/counters.ts';
import { startDaemon, type TestDaemon } from '../lib/daemon.ts';
import { checkHouse } from '../lib/house.ts';
import { refusal } from '../lib/refusal.ts';
import { checkAwake, checkSleepsAndWakes, infoOf, runCounter } from '../lib/sleepers.ts';
import { until } from '../lib/until.ts';

const MIB = 2 ** 20;
const imagesOf = (daemon: TestDaemon): readonly string[] => readdirSync(daemon.places.images);

for (const operation of ['terminate', 'kill'] as const) {
  test(`${operation} of a hibernated app ends it and deletes its image`, async () => {
    await using daemon = await startDaemon();
    const { client } = daemon;
    const { id: appInstanceId } = await runCounter(client);
    await client.hibernate({ appInstanceId });
    assert.deepEqual(imagesOf(daemon), [appInstanceId]);
    await client[operation]({ appInstanceId });
    assert.equal((await exitOf(client, appInstanceId)).cause, operation === 'kill' ? 'killed' : 'terminated');
    assert.deepEqual(imagesOf(daemon), []);
    await checkHouse(daemon);
  });

  test(`a ${operation} while it falls asleep or wakes leaves nothing of it`, async () => {
    await using daemon = await startDaemon();
    const { client } = daemon;
    const { id: appInstanceId } = await runCounter(client);
    const hibernation = client.hibernate({ appInstanceId }).catch(() => undefined);
    await untilState(client, appInstanceId, 'HIBERNATING');
    await client[operation]({ appInstanceId });
    await hibernation;
    assert.equal((await exitOf(client, appInstanceId)).cause, operation === 'kill' ? 'killed' : 'terminated');
    await checkHouse(daemon);
    const { id: other } = await runCounter(client);
    await client.hibernate({ appInstanceId: other });
    const waking = client.wake({ appInstanceId: other }).catch(() => undefined);
    await untilState(client, other, 'WAKING');
    await client[operation]({ appInstanceId: other });
    await waking;
    await exitOf(client, other);
    await checkHouse(daemon);
  });
}

test('of two hibernations at once the second is refused, and the app sleeps', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const app = await runCounter(client);
  const appInstanceId = app.id;
  const [first, second] = await Promise.allSettled([
    client.hibernate({ appInstanceId }),
    client.hibernate({ appInstanceId }),
  ]);
  assert.deepEqual([first.status, second.status], ['fulfilled', 'rejected']);
  await refusal(client.hibernate({ appInstanceId }), 'ILLEGAL_STATE', /HIBERNATED/);
  await checkSleepsAndWakes(daemon, app);
});

test('an app that was suspended wakes running, or suspended when that is asked', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  let app = await runCounter(client, { kind: 'pair' });
  const appInstanceId = app.id;
  for (const [target, state] of [
    [undefined, 'RUNNING'],
    ['SUSPENDED', 'SUSPENDED'],
    ['RUNNING', 'RUNNING'],
  ] as const) {
    await client.suspend({ appInstanceId });
    await client.hibernate({ appInstanceId });
    await client.wake({ appInstanceId, ...(target !== undefined && { target }) });
    app = { id: app.id, count: await checkAwake(daemon, app, state) };
  }
});

test('an app that has ended cannot be hibernated, and one that ends meanwhile is told as ended', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const { id: appInstanceId } = await runCounter(client);
  const { pid } = await infoOf(client, appInstanceId);
  process.kill(pid ?? assert.fail('it has no process'), 'SIGKILL');
  await client.hibernate({ appInstanceId }).then(
    () => assert.fail('it was hibernated'),
    () => undefined,
  );
  assert.equal((await exitOf(client, appInstanceId)).cause, 'signalled');
  await refusal(client.hibernate({ appInstanceId }), 'ILLEGAL_STATE', /TERMINATED/);
  await checkHouse(daemon);
});

test('info tells of the image until it is durable, of phases and of the wake; identity and storage stay', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const app = await runCounter(client, { kind: 'large', bytes: 16 * MIB });
  const appInstanceId = app.id;
  const before = await infoOf(client, appInstanceId);
  assert.equal((await client.explainHibernation({ appInstanceId })).possible, 'yes');
  await client.hibernate({ appInstanceId });
  const asleep = await infoOf(client, appInstanceId);
  assert.equal(asleep.pid, null);
  assert((asleep.hibernation.image?.sizeBytes ?? 0) > 16 * MIB);
  assert((asleep.hibernation.dump?.phases['dump'] ?? 0) > 0);
  assert((asleep.hibernation.dump?.freedBytes ?? 0) > 16 * MIB);
  await until(async () => (await infoOf(client, appInstanceId)).hibernation.image?.durable, { what: 'it is durable' });
  await checkSleepsAndWakes(daemon, app);
  const awake = await infoOf(client, appInstanceId);
  assert.deepEqual([awake.uid, awake.gid, awake.storage], [before.uid, before.gid, before.storage]);
  assert.equal(awake.hibernation.wakes, 1);
  assert((awake.hibernation.wake?.phases['restore'] ?? 0) > 0);
  assert.equal((await client.explainHibernation({ appInstanceId })).possible, 'yes');
});

test('an image is compressed after a while; the app wakes from it, and also in the middle of compressing', async () => {
  await using daemon = await startDaemon({ config: { hibernation: { compressAfterMs: 1 } } });
  const { client } = daemon;
  let app = await runCounter(client, { kind: 'large', bytes: 24 * MIB });
  const appInstanceId = app.id;
  await client.hibernate({ appInstanceId });
  await until(async () => (await infoOf(client, appInstanceId)).hibernation.image?.compressed, { what: 'it is small' });
  const image = (await infoOf(client, appInstanceId)).hibernation.image ?? assert.fail();
  assert(image.sizeBytes < image.rawBytes / 2, `${image.sizeBytes} of ${image.rawBytes}`);
  app = { id: app.id, count: await checkSleepsAndWakes(daemon, app) };
  for (let round = 0; round < 3; round++) {
    await client.hibernate({ appInstanceId });
    await until(async () => (await infoOf(client, appInstanceId)).hibernation.image?.durable, {
      what: 'it is durable',
    });
    app = { id: app.id, count: await checkSleepsAndWakes(daemon, app) };
  }
  await checkHouse(daemon);
});

test('after a wake the app knows how long it slept, its log goes on, and its exit code is its own', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const script =
    '$| = 1; print "one\\n"; my $f = $ENV{RUNTIME_MANAGER_WAKE}; select undef, undef, undef, 0.01 until -e $f; ' +
    'open my $in, "<", $f; print "woken ", <$in>; print "two\\n"; exit 42';
  const appInstanceId = await runApp(client, 'sleeper', perl(script));
  await untilSays(client, appInstanceId, 'one');
  const { logFile } = await infoOf(client, appInstanceId);
  await client.hibernate({ appInstanceId });
  await client.wake({ appInstanceId });
  const exit = await exitOf(client, appInstanceId);
  assert.deepEqual([exit.code, exit.cause], [42, 'exited']);
  const lines = await outputOf(client, appInstanceId);
  assert.deepEqual([lines[0], lines[2]], ['one', 'two']);
  const note = JSON.parse((lines[1] ?? '').replace('woken ', '')) as { sleptMs: number; wakes: number };
  assert(note.sleptMs >= 0 && note.wakes === 1, lines[1]);
  assert.equal((await infoOf(client, appInstanceId)).logFile, logFile);
});

test('an app that was run without hibernation says so', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const id = uniqueId('never');
  await client.run(hostApp(id, ['/bin/sleep', '100'], { hibernation: { enabled: false } }));
  await refusal(client.hibernate({ appInstanceId: id }), 'NOT_SUPPORTED', /hibernation disabled/);
  assert.equal((await infoOf(client, id)).state, 'RUNNING');
});

const CYCLES = Number(process.env['RUNTIME_MANAGER_CYCLES'] ?? 15);

test(`${CYCLES} times asleep and awake: nothing grows`, async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  let app = await runCounter(client, { kind: 'pair' });
  const appInstanceId = app.id;
  const cycle = async (): Promise<void> => {
    await client.hibernate({ appInstanceId });
    await client.wake({ appInstanceId });
    app = { id: app.id, count: await goesOn(client, app.id, app.count) };
  };
  const openFiles = (): number => readdirSync(`/proc/${daemon.pid}/fd`).length;
  for (let warm = 0; warm < 3; warm++) await cycle();
  await checkHouse(daemon);
  const before = openFiles();
  for (let round = 0; round < CYCLES; round++) await cycle();
  await checkHouse(daemon);
  await until(() => openFiles() <= before + 2, { what: `the daemon has ${before} open files again` });
});
