/** What stands in the way of falling asleep or waking: a plain reason, the state as it was, and after the cause is gone it works. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Client } from '../../src/client/node.ts';
import { perl, runApp, untilSays } from '../lib/apps.ts';
import { startDaemon } from '../lib/daemon.ts';
import { checkHouse } from '../lib/house.ts';
import { helpfulRefusal } from '../lib/refusal.ts';
import { checkAwake, checkSleepsAndWakes, infoOf, runCounter } from '../lib/sleepers.ts';
import { until } from '../lib/until.ts';

const MIB = 2 ** 20;
const LARGE = { kind: 'large', bytes: 24 * MIB } as const;

type Damage = { readonly what: string; readonly says: RegExp; readonly harm: (directory: string) => Promise<void> };
const DAMAGES: readonly Damage[] = [
  { what: 'cut off', says: /pages-1\.img is cut off/, harm: (at) => truncate(join(at, 'pages-1.img'), 4096) },
  { what: 'without a file', says: /core-1\.img: missing/, harm: (at) => rm(join(at, 'core-1.img')) },
  { what: 'changed', says: /inventory\.img/, harm: (at) => writeFile(join(at, 'inventory.img'), 'x'.repeat(60)) },
  { what: 'without a manifest', says: /manifest/, harm: (at) => rm(join(at, 'manifest.json')) },
  { what: 'gone', says: /there is none/, harm: (at) => rm(at, { recursive: true }) },
];

for (const { what, says, harm } of DAMAGES) {
  test(`an image that is ${what} is refused with the reason and kept; brought back, it wakes`, async () => {
    await using daemon = await startDaemon();
    const { client } = daemon;
    const app = await runCounter(client, LARGE);
    const appInstanceId = app.id;
    await client.hibernate({ appInstanceId });
    const directory = join(daemon.places.images, app.id);
    const copy = join(daemon.directory, 'copy');
    // what is not flushed yet has no checksums, and a copy is another file: only a durable image can be brought back
    await until(async () => (await infoOf(client, app.id)).hibernation.image?.durable, {
      what: 'the image is durable',
    });
    await cp(directory, copy, { recursive: true, preserveTimestamps: true });
    await harm(directory);
    await helpfulRefusal(client.wake({ appInstanceId }), 'IMAGE_UNUSABLE', says);
    assert.equal((await infoOf(client, app.id)).state, 'HIBERNATED');
    await rm(directory, { recursive: true, force: true });
    await rename(copy, directory);
    await checkSleepsAndWakes(daemon, app);
    await checkHouse(daemon);
  });
}

test('beyond the budget a hibernation is refused with numbers and with which images could go', async () => {
  await using daemon = await startDaemon({ config: { hibernation: { budgetBytes: 60 * MIB } } });
  const { client } = daemon;
  const [first, second] = [
    await runCounter(client, LARGE),
    await runCounter(client, { kind: 'large', bytes: 48 * MIB }),
  ];
  await client.hibernate({ appInstanceId: first.id });
  const error = await helpfulRefusal(
    client.hibernate({ appInstanceId: second.id }),
    'NO_SPACE',
    /needs .* MB, and of the .* are left/,
  );
  assert.match(error.next ?? '', new RegExp(first.id));
  await checkAwake(daemon, second, 'RUNNING');
  await client.wake({ appInstanceId: first.id });
  await client.kill({ appInstanceId: first.id });
  await client.hibernate({ appInstanceId: second.id });
  await checkSleepsAndWakes(daemon, second);
});

/** Opens files, says so, and counts; what it holds is read again with each count. */
const HOLDS =
  '$| = 1; my @held = map { open my $f, "+<", $_ or die $!; $f } glob $ARGV[0]; print "open\\n"; ' +
  'while (1) { for (@held) { seek $_, 0, 0; read $_, my $x, 4; die if $x ne "held" } $n++; ' +
  'open my $o, ">", "/data/n"; print $o $n; close $o; select undef, undef, undef, 0.02 }';
const held = (mib: number): Buffer => Buffer.concat([Buffer.from('held'), Buffer.alloc(mib * MIB - 4, 'x')]);

async function goesOnHolding(client: Client, id: string): Promise<void> {
  const { state, storage } = await client.getInfo({ appInstanceId: id });
  assert.equal(state, 'RUNNING');
  const count = (): number => Number(readFileSync(join(storage, 'n'), 'utf8'));
  const before = count();
  await until(() => count() > before + 2, { what: `${id} goes on, with all that it holds` });
}

test('deleted files that an app has open count for the budget before anything is dumped', async () => {
  await using daemon = await startDaemon({ config: { hibernation: { budgetBytes: 64 * MIB } } });
  const { client } = daemon;
  const make =
    'for i in 1 2 3; do { printf held; head -c 31457276 /dev/zero | tr "\\0" x; } >/data/f$i; done; exec "$@"';
  const args = ['/bin/sh', '-c', make, 'sh', '/usr/bin/perl', '-e', HOLDS, '/data/f*'];
  const id = await runApp(client, 'holds', args);
  await untilSays(client, id, 'open');
  const { storage } = await client.getInfo({ appInstanceId: id });
  for (const name of ['f1', 'f2', 'f3']) await rm(join(storage, name));
  await until(() => existsSync(join(storage, 'n')), { what: 'it counts' });
  await helpfulRefusal(client.hibernate({ appInstanceId: id }), 'NO_SPACE', /needs 1\d\d.* MB, and of the 64/);
  await goesOnHolding(client, id);
  assert.deepEqual(readdirSync(daemon.places.images), []);
});

test('a dump that grows beyond the budget is stopped, and the app goes on unharmed', async () => {
  await using daemon = await startDaemon({
    config: { hibernation: { budgetBytes: 64 * MIB } },
    prepare: async (root) => {
      const shared = join(root, 'shared');
      await mkdir(shared);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=400m,mode=777', 'shared', shared]);
      return () => Promise.resolve(void execFileSync('umount', [shared]));
    },
  });
  const { client, root } = daemon;
  const shared = join(root, 'shared');
  // memory of this process, not of the app: nothing can know that CRIU will write it
  for (let at = 0; at < 8; at++) {
    await writeFile(join(shared, `f${at}`), held(40));
    await chmod(join(shared, `f${at}`), 0o666);
  }
  const mounts = [{ source: shared, destination: '/shared', readOnly: false }];
  const id = await runApp(client, 'holds', [...perl(HOLDS), '/shared/f*'], { mounts });
  await untilSays(client, id, 'open');
  for (let at = 0; at < 8; at++) await rm(join(shared, `f${at}`));
  const { storage } = await client.getInfo({ appInstanceId: id });
  await until(() => existsSync(join(storage, 'n')), { what: 'it counts' });
  const error = await helpfulRefusal(client.hibernate({ appInstanceId: id }), 'NO_SPACE', /of the 64.* are left/);
  assert(Number(error.details?.['neededBytes']) < 250 * MIB, 'it did not write all of the 320 MiB');
  await goesOnHolding(client, id);
  assert.deepEqual(readdirSync(daemon.places.images), []);
  await client.kill({ appInstanceId: id });
});

test('a dump that takes too long is stopped, and the app is as it was; one that was all but done counts', async () => {
  await using daemon = await startDaemon({ config: { hibernation: { timeoutMs: 1 } } });
  const { client } = daemon;
  const app = await runCounter(client);
  for (const state of ['RUNNING', 'SUSPENDED'] as const) {
    if (state === 'SUSPENDED') await client.suspend({ appInstanceId: app.id });
    const error = await client.hibernate({ appInstanceId: app.id }).then(
      () => undefined,
      (thrown: unknown) => thrown as Error,
    );
    if (error === undefined) {
      // the wake has the same limit
      await until(() => client.wake({ appInstanceId: app.id }), { what: 'it wakes in time' });
      await checkAwake(daemon, app, 'RUNNING');
    } else {
      assert.match(error.message, new RegExp(`is ${state} again`));
      await checkAwake(daemon, app, state);
    }
  }
  await checkHouse(daemon);
});

test('on a full disk an app is not hibernated and goes on', async () => {
  await using daemon = await startDaemon({
    prepare: async (root) => {
      const images = join(root, 'state', 'images');
      await mkdir(images, { recursive: true });
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'images', images]);
      return () => Promise.resolve(void execFileSync('umount', [images]));
    },
  });
  const { client } = daemon;
  const app = await runCounter(client, LARGE);
  await helpfulRefusal(client.hibernate({ appInstanceId: app.id }), 'NO_SPACE', /has .* free/);
  await checkAwake(daemon, app, 'RUNNING');
});

test('a bind source that is gone is named; brought back, the app wakes', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const source = await mkdtemp(join(tmpdir(), 'rmt-source-'));
  const app = await runCounter(client, { extra: { mounts: [{ source, destination: '/extra' }] } });
  await client.hibernate({ appInstanceId: app.id });
  await rename(source, `${source}.away`);
  const error = await client.wake({ appInstanceId: app.id }).then(
    () => assert.fail('it woke'),
    (thrown: unknown) => thrown as Error,
  );
  assert.match(error.message, new RegExp(source));
  assert.equal((await infoOf(client, app.id)).state, 'HIBERNATED');
  await rename(`${source}.away`, source);
  await checkSleepsAndWakes(daemon, app);
  await client.kill({ appInstanceId: app.id });
  await rm(source, { recursive: true });
});
