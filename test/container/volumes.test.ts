/** Storage with a limit next to other mount namespaces: one file system a volume, whoever else has it mounted. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once as event } from 'node:events';
import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { exitOf, hostApp, outputOf, shell, SLEEP, uniqueId, untilSays } from '../lib/apps.ts';
import { startDaemon, type TestDaemon } from '../lib/daemon.ts';
import { mountNamespace, type MountNamespace, type Propagation } from '../lib/mount-namespace.ts';
import { helpfulRefusal, refusal } from '../lib/refusal.ts';
import { runtimectl } from '../lib/runtimectl.ts';
import { toolsWith } from '../lib/tools.ts';
import { until } from '../lib/until.ts';

const MIB = 2 ** 20;
const sized = (mib: number) => ({ storage: { sizeBytes: mib * MIB } });
/** Enough to be on the disk in many places, and its sum at the end. */
const WRITES =
  'i=0; while [ $i -lt 20 ]; do dd if=/dev/urandom of=/data/f$i bs=1M count=1 2>/dev/null; i=$((i+1)); done; ' +
  'cd /data && sha256sum f* >/data/sums && echo written';
const CHECKS = 'cd /data && sha256sum --quiet -c sums && echo whole';

const volumeOf = ({ places }: TestDaemon, id: string): string => join(places.volumes, `${id}.ext4`);
const loopsOf = (file: string): readonly string[] =>
  execFileSync('losetup', ['--list', '--raw', '--noheadings', '--output', 'NAME', '-j', file], { encoding: 'utf8' })
    .split('\n')
    .filter(Boolean);
const untilFree = (file: string) =>
  until(() => loopsOf(file).length === 0, { what: `nothing on the machine has ${file} mounted` });
function checkSound(file: string): void {
  const { status, stdout } = spawnSync('e2fsck', ['-f', '-n', file], { encoding: 'utf8' });
  assert.equal(status, 0, stdout);
}

type Run = readonly [script: string, mib?: number];

/** One run of the app to its end, everything released; what it said. */
async function once({ client }: TestDaemon, appId: string, [script, mib = 32]: Run): Promise<readonly string[]> {
  const id = uniqueId('run');
  await client.run(hostApp(id, shell(script), { appId, ...sized(mib) }));
  await exitOf(client, id);
  await client.kill({ appInstanceId: id });
  return outputOf(client, id);
}

async function running({ client }: TestDaemon, appId: string, mib = 32): Promise<string> {
  const id = uniqueId('stays');
  await client.run(hostApp(id, SLEEP, { appId, ...sized(mib) }));
  return id;
}

const storageOf = async ({ client }: TestDaemon, appInstanceId: string): Promise<string> =>
  (await client.getInfo({ appInstanceId })).storage;
const within = (space: MountNamespace, ...argv: readonly string[]): string => {
  const [command = '', ...args] = [...space.within, ...argv];
  return execFileSync(command, args, { encoding: 'utf8' });
};

/** A process that has a file open, as a program that looks at a disk has. */
async function heldOpen(file: string): Promise<AsyncDisposable & { readonly pid: number }> {
  const handle = await open(file);
  const child = spawn('sleep', ['1000'], { stdio: [handle.fd, 'ignore', 'ignore'] });
  await handle.close();
  return {
    pid: child.pid ?? 0,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await event(child, 'exit');
    },
  };
}

for (const propagation of ['private', 'shared'] as const satisfies readonly Propagation[]) {
  describe(`where mounts are ${propagation}`, () => {
    test("an app's storage outlives copies of its mount elsewhere: they go, or are joined, and nothing is checked under them", async () => {
      await using space = await mountNamespace(propagation);
      await using daemon = await startDaemon({ within: space.within });
      const { client } = daemon;
      const own = uniqueId('own');
      const file = volumeOf(daemon, own);
      const first = await running(daemon, own);
      const storage = await storageOf(daemon, first);
      await using _ = await space.neighbour();
      await client.kill({ appInstanceId: first });
      await untilFree(file);
      for (let round = 0; round < 3; round++) assert.deepEqual(await once(daemon, own, [WRITES]), ['written']);
      checkSound(file);

      const second = await running(daemon, own);
      {
        await using inside = await space.neighbour(storage);
        await client.kill({ appInstanceId: second });
        assert.equal(loopsOf(file).length, 1, 'the neighbour stands in it');
        assert.deepEqual(await once(daemon, own, [`${CHECKS}; echo new >/data/seen`]), ['whole']);
        assert.equal(readFileSync(`/proc/${inside.pid}/cwd/seen`, 'utf8'), 'new\n', 'it is one file system');
        await helpfulRefusal(
          once(daemon, own, ['exit', 48]),
          'BUSY',
          new RegExp(`held by .*sleep \\(pid ${inside.pid}\\)`),
        );
        await daemon.kill9();
        await daemon.start();
        assert.deepEqual(await once(daemon, own, [CHECKS]), ['whole']);
      }
      assert.deepEqual(await once(daemon, own, [CHECKS, 48]), ['whole']);
      await untilFree(file);
      checkSound(file);
    });

    test('it is deleted and made again while a neighbour stands in it', async () => {
      await using space = await mountNamespace(propagation);
      await using daemon = await startDaemon({ within: space.within });
      const { client } = daemon;
      const own = uniqueId('own');
      const first = await running(daemon, own);
      within(space, 'touch', join(await storageOf(daemon, first), 'old'));
      await using inside = await space.neighbour(await storageOf(daemon, first));
      await client.kill({ appInstanceId: first });
      for (const forget of [client.clearStorage, client.deleteStorage]) {
        await forget.call(client, { appId: own });
        assert.deepEqual(await once(daemon, own, ['ls /data; echo x > /data/new']), []);
      }
      assert(existsSync(`/proc/${inside.pid}/cwd/old`), 'the old one is still its own');
      checkSound(volumeOf(daemon, own));
    });
  });
}

test('the monitor of a woken app keeps no mounts of the host, and storage of others is not harmed by the wake', async () => {
  await using space = await mountNamespace('private');
  await using daemon = await startDaemon({ within: space.within });
  const { client, places } = daemon;
  const [own, other] = [uniqueId('own'), uniqueId('other')];
  const living = await running(daemon, own);
  await client.run(hostApp(other, shell('echo up; while :; do sleep 1; done')));
  await untilSays(client, other, 'up');
  await client.hibernate({ appInstanceId: other });
  await client.wake({ appInstanceId: other });
  const monitor = readFileSync(join(places.run, 'bundles', other, 'conmon.pid'), 'utf8').trim();
  assert.equal(readlinkSync(`/proc/${monitor}/ns/mnt`), readlinkSync(`/proc/${space.pid}/ns/mnt`));
  await client.kill({ appInstanceId: living });
  await untilFree(volumeOf(daemon, own));
  for (let round = 0; round < 3; round++) assert.deepEqual(await once(daemon, own, [WRITES]), ['written']);
  checkSound(volumeOf(daemon, own));
});

test('what an earlier daemon left of a volume is found by the kernel: copies of its mount, and a loop device of nobody', async () => {
  await using space = await mountNamespace('private');
  await using daemon = await startDaemon({ within: space.within });
  const { client } = daemon;
  const own = uniqueId('own');
  const file = volumeOf(daemon, own);
  assert.deepEqual(await once(daemon, own, [WRITES]), ['written']);
  const living = await running(daemon, own);
  const storage = await storageOf(daemon, living);
  await using _ = await space.neighbour();
  await client.kill({ appInstanceId: living });
  // as versions before 0.1.0 did: mounted and unmounted here alone
  within(space, 'mount', '-o', 'loop', file, storage);
  await using old = await space.neighbour();
  within(space, 'umount', storage);
  assert.equal(loopsOf(file).length, 1, 'the copy keeps it');
  assert.deepEqual(await once(daemon, own, [CHECKS]), ['whole']);
  await untilFree(file);
  assert(!within(old, 'cat', '/proc/self/mountinfo').includes(storage));
  execFileSync('losetup', ['--find', file]);
  assert.deepEqual(await once(daemon, own, [CHECKS, 40]), ['whole']);
  await untilFree(file);
  checkSound(file);
});

test('a file system that somebody has attached in part or read-only is refused, not mounted another time', async () => {
  await using space = await mountNamespace('private');
  await using daemon = await startDaemon({ within: space.within });
  const own = uniqueId('own');
  assert.deepEqual(await once(daemon, own, [WRITES]), ['written']);
  const point = join(daemon.directory, 'looked-at');
  within(space, 'mkdir', point);
  within(space, 'mount', '-o', 'loop,ro', volumeOf(daemon, own), point);
  await helpfulRefusal(once(daemon, own, [CHECKS]), 'BUSY', /\/dev\/loop\d+ is held by .*pid \d+/);
  within(space, 'umount', point);
  const device = execFileSync('losetup', ['--find', '--show', volumeOf(daemon, own)], { encoding: 'utf8' }).trim();
  {
    await using looks = await heldOpen(device);
    await helpfulRefusal(
      once(daemon, own, [CHECKS]),
      'BUSY',
      new RegExp(`${device} is held by sleep \\(pid ${looks.pid}\\)`),
    );
  }
  assert.deepEqual(await once(daemon, own, [CHECKS]), ['whole']);
});

test('storage that is damaged is repaired on demand: what was lost is said, the rest is kept, and it can be undone', async () => {
  await using space = await mountNamespace('private');
  await using daemon = await startDaemon({ within: space.within });
  const { client, root } = daemon;
  const own = uniqueId('own');
  const file = volumeOf(daemon, own);
  assert.deepEqual(await once(daemon, own, [WRITES]), ['written']);
  const repair = () => runtimectl(['storage', 'repair', own], { root });
  assert.match((await repair()).stdout, /nothing is wrong with the storage of own-/);
  // the root directory loses its inode: every file is without a name
  execFileSync('debugfs', ['-w', '-R', 'clri <2>', file], { stdio: 'ignore' });
  const error = await helpfulRefusal(once(daemon, own, [CHECKS]), 'CORRUPT_FILE', /damaged/);
  assert.match(error.next ?? '', new RegExp(`runtimectl storage repair ${own};`));
  const { code, stdout, stderr } = await repair();
  assert.equal(code, 0, stderr);
  assert.match(stdout, /Root inode is not a directory/);
  assert.match(stdout, /lost\+found\/#\d+ .*1\.0 MB/);
  const undo = stdout.trim().split('\n').at(-1)?.replace('to undo the repair: ', '').split(' ') ?? [];
  execFileSync(undo[0] ?? '', undo.slice(1));
  await helpfulRefusal(once(daemon, own, [CHECKS]), 'CORRUPT_FILE', /damaged/);
  assert((await client.repairStorage({ appId: own })).salvaged.length >= 20);
  const found = await once(daemon, own, ['cd /data/lost+found && echo mine > made && cat \\#* 2>/dev/null | wc -c']);
  assert(Number(found[0]) >= 20 * MIB, found.join());
  checkSound(file);
  const living = await running(daemon, own);
  await helpfulRefusal(client.repairStorage({ appId: own }), 'ILLEGAL_STATE', /in use/);
  await client.kill({ appInstanceId: living });
  await helpfulRefusal(client.repairStorage({ appId: uniqueId('none') }), 'NOT_FOUND', /has no storage/);
  await client.deleteStorage({ appId: own });
  assert.deepEqual(readdirSync(daemon.places.volumes), []);
});

test('storage that no repair can help says so, and can be begun again; a sleeping app is woken after a repair', async () => {
  await using space = await mountNamespace('private');
  await using daemon = await startDaemon({ within: space.within });
  const [own, asleep] = [uniqueId('own'), uniqueId('asleep')];
  const file = volumeOf(daemon, own);
  assert.deepEqual(await once(daemon, own, [WRITES]), ['written']);
  writeFileSync(file, Buffer.alloc(32 * MIB));
  await helpfulRefusal(daemon.client.repairStorage({ appId: own }), 'CORRUPT_FILE', /nor could it be repaired/);
  await daemon.client.clearStorage({ appId: own });
  assert.deepEqual(await once(daemon, own, [WRITES]), ['written']);

  await daemon.client.run(hostApp(asleep, shell('echo x >/data/x; echo up; while :; do sleep 1; done'), sized(32)));
  await untilSays(daemon.client, asleep, 'up');
  await daemon.client.hibernate({ appInstanceId: asleep });
  await daemon.kill9();
  within(space, 'umount', join(daemon.places.apps, asleep));
  // an inode that its directory says is another kind of file: fsck asks
  const damage = ['-w', '-R', 'set_inode_field <2> links_count 0', volumeOf(daemon, asleep)];
  execFileSync('debugfs', damage, { stdio: 'ignore' });
  execFileSync('debugfs', ['-w', '-R', 'set_super_value state 2', volumeOf(daemon, asleep)], { stdio: 'ignore' });
  execFileSync('debugfs', ['-w', '-R', 'set_inode_field /x mode 040644', volumeOf(daemon, asleep)], {
    stdio: 'ignore',
  });
  await daemon.start();
  await helpfulRefusal(daemon.client.wake({ appInstanceId: asleep }), 'CORRUPT_FILE', /damaged/);
  assert((await daemon.client.repairStorage({ appId: asleep })).repaired);
  await daemon.client.wake({ appInstanceId: asleep });
});

test('a check that something killed says nothing about the storage: it is tried again at the next run', async () => {
  await using tools = await toolsWith({});
  await using daemon = await startDaemon({ tools: tools.path });
  const app = uniqueId('checked');
  await once(daemon, app, [WRITES]);
  const e2fsck = join(tools.path, 'e2fsck');
  writeFileSync(e2fsck, '#!/bin/sh\nkill -9 $$\n', { mode: 0o755 });
  await refusal(once(daemon, app, [CHECKS]), 'TOOL_FAILED', /e2fsck failed with signal SIGKILL/);
  rmSync(e2fsck);
  assert.deepEqual(await once(daemon, app, [CHECKS]), ['whole']);
});
