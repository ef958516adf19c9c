/** Private directories of apps: whose they are, how large they may become, and how they go. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { directories } from '../../src/adapters/storage/directories.ts';
import { toolRunner } from '../../src/adapters/process/run-tool.ts';
import { appId, type ContainerId } from '../../src/domain/ids.ts';
import { exitOf, hostApp, outputOf, shell, SLEEP, uniqueId, untilSays } from '../lib/apps.ts';
import { startDaemon, type TestDaemon } from '../lib/daemon.ts';
import { mountsUnder } from '../lib/machine.ts';
import { helpfulRefusal } from '../lib/refusal.ts';
import { runtimectl } from '../lib/runtimectl.ts';
import { until } from '../lib/until.ts';
import { newBox, type Box } from './rootfs-box.ts';

const MIB = 2 ** 20;
const LIMITED = { storage: { sizeBytes: 16 * MIB } };

const filesIn = (path: string): readonly string[] => (existsSync(path) ? readdirSync(path) : []);
const loopsBelow = (directory: string): readonly string[] =>
  execFileSync('losetup', ['--list', '--noheadings', '--output', 'BACK-FILE'], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.startsWith(directory));

/** A container that somebody else is making at this moment has a copy of each mount for some ms, which holds the loop device. */
async function checkNothingMounted(daemon: TestDaemon): Promise<void> {
  assert.deepEqual(mountsUnder(daemon.directory), []);
  await until(() => loopsBelow(daemon.directory).length === 0, { what: 'the loop devices are given back' });
}

describe('storage with a limit', () => {
  test('is full at its limit and not before, which is told once; sleeps and wakes; and is kept for the next run', async () => {
    await using daemon = await startDaemon();
    const { client } = daemon;
    const id = uniqueId('limited');
    const script =
      'dd if=/dev/zero of=/data/half bs=1M count=8 2>/dev/null && echo half; read x < /tmp/none; ' +
      'i=0; while [ ! -e /data/go ]; do sleep 0.02; done; dd if=/dev/zero of=/data/rest bs=64k 2>&1 | head -n1; ' +
      'echo full; while :; do sleep 1; done';
    await client.run(hostApp(id, shell(script), LIMITED));
    await untilSays(client, id, 'half');
    const { storage, storageUse, uid } = await client.getInfo({ appInstanceId: id });
    assert(storageUse !== null && storageUse.limitBytes !== null);
    assert(storageUse.usedBytes > 8 * MIB && storageUse.limitBytes < 16 * MIB);
    const { mode, uid: owner } = lstatSync(storage);
    assert.equal(mode & 0o7777, 0o700);
    assert.equal(owner, uid);
    await client.hibernate({ appInstanceId: id });
    await client.wake({ appInstanceId: id });
    writeFileSync(join(storage, 'go'), '');
    await untilSays(client, id, 'full');
    assert.match((await outputOf(client, id)).join('\n'), /No space left on device/);
    const full = async () => (await client.getEvents({ since: 0 })).events.filter(({ type }) => type === 'storageFull');
    await until(async () => (await full()).length > 0, { what: 'it is told' });
    await client.kill({ appInstanceId: id });
    assert.equal((await full()).length, 1);
    await checkNothingMounted(daemon);
    const again = uniqueId('again');
    await client.run(hostApp(again, shell('ls /data'), { appId: id, ...LIMITED }));
    await exitOf(client, again);
    await client.kill({ appInstanceId: again });
    assert.deepEqual(await outputOf(client, again), ['go', 'half', 'rest']);
    await checkNothingMounted(daemon);
  });

  test('can be made larger and smaller between runs; not below what is in it, nor under others', async () => {
    await using daemon = await startDaemon();
    const { client } = daemon;
    const own = uniqueId('sized');
    // the answer to a kill also means that everything is given back
    const ended = async (id: string) => {
      await exitOf(client, id);
      await client.kill({ appInstanceId: id });
    };
    const size = async (mib: number, script = 'exit 0') => {
      const id = uniqueId('run');
      await client.run(hostApp(id, shell(script), { appId: own, storage: { sizeBytes: mib * MIB } }));
      return id;
    };
    await ended(await size(16, 'dd if=/dev/zero of=/data/x bs=1M count=10'));
    const living = await size(48, 'while :; do sleep 1; done');
    const { storageUse } = await client.getInfo({ appInstanceId: living });
    assert((storageUse?.limitBytes ?? 0) > 32 * MIB);
    await helpfulRefusal(size(64), 'INVALID_ARGUMENT', /storage\.sizeBytes.*in use with another size/);
    const unlimited = uniqueId('same');
    await client.run(hostApp(unlimited, SLEEP, { appId: own }));
    assert.deepEqual((await client.getInfo({ appInstanceId: unlimited })).storageUse, storageUse, 'it keeps its limit');
    await client.kill({ appInstanceId: living });
    assert.equal(mountsUnder(daemon.directory).length, 1);
    await client.kill({ appInstanceId: unlimited });
    await checkNothingMounted(daemon);
    // growing it was interrupted here, and a group too small to use is at its end
    truncateSync(join(daemon.places.volumes, `${own}.ext4`), 128 * MIB + 4096);
    const odd = await size(128 + 4096 / MIB, 'while :; do sleep 1; done');
    assert(((await client.getInfo({ appInstanceId: odd })).storageUse?.limitBytes ?? 0) > 100 * MIB);
    await ended(await size(128 + 4096 / MIB));
    await client.kill({ appInstanceId: odd });
    await ended(await size(20));
    await ended(await size(40, 'dd if=/dev/zero of=/data/y bs=1M count=20'));
    await helpfulRefusal(size(16), 'INVALID_ARGUMENT', /does not fit/);
    await checkNothingMounted(daemon);
    const other = uniqueId('filled');
    const filled = await client.run(hostApp(other, shell('echo > /data/file')));
    await ended(filled.appInstanceId);
    await helpfulRefusal(
      client.run(hostApp(uniqueId('late'), SLEEP, { appId: other, ...LIMITED })),
      'INVALID_ARGUMENT',
      /holds files and has no limit/,
    );
  });

  test('outlives the daemon with its app, and is given back by the next daemon when the app has ended meanwhile', async () => {
    await using daemon = await startDaemon();
    const [living, ending] = [uniqueId('living'), uniqueId('ending')];
    await daemon.client.run(hostApp(living, shell('while :; do date > /data/now; sleep 0.1; done'), LIMITED));
    await daemon.client.run(hostApp(ending, shell('sleep 1'), LIMITED));
    const { storage } = await daemon.client.getInfo({ appInstanceId: living });
    await daemon.kill9();
    writeFileSync(join(daemon.places.volumes, '.new+half'), '');
    await until(() => loopsBelow(daemon.directory).length === 2, { what: 'both are mounted' });
    await daemon.start();
    await exitOf(daemon.client, ending);
    await until(() => loopsBelow(daemon.directory).length === 1, { what: 'one is given back' });
    assert.deepEqual(mountsUnder(daemon.directory), [storage]);
    assert(!filesIn(daemon.places.volumes).includes('.new+half'));
    await daemon.client.hibernate({ appInstanceId: living });
    await daemon.kill9();
    execFileSync('umount', [storage]);
    await daemon.start();
    await daemon.client.wake({ appInstanceId: living });
    await daemon.client.kill({ appInstanceId: living });
    await checkNothingMounted(daemon);
  });
});

test('storage is cleared and deleted, with a limit or without, but not that of an app that is there', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  for (const extra of [LIMITED, {}]) {
    const id = uniqueId('stored');
    await client.run(
      hostApp(id, shell('mkdir /data/d; echo x > /data/d/file; ln -s / /data/d/all; sleep 1000'), extra),
    );
    const { storage, uid } = await client.getInfo({ appInstanceId: id });
    await until(() => existsSync(join(storage, 'd', 'file')), { what: 'it has written' });
    await client.suspend({ appInstanceId: id });
    await client.hibernate({ appInstanceId: id });
    await helpfulRefusal(client.clearStorage({ appId: id }), 'ILLEGAL_STATE', /in use/);
    await helpfulRefusal(client.deleteStorage({ appId: id }), 'ILLEGAL_STATE', /in use/);
    const listed = (await client.listStorage()).find(({ appId: one }) => one === id);
    assert(listed?.inUse === true && listed.usedBytes > 0, JSON.stringify(listed));
    assert.equal(listed.limitBytes !== null, 'storage' in extra);
    await client.kill({ appInstanceId: id });
    assert.deepEqual(await client.clearStorage({ appId: id }), { already: false });
    assert.deepEqual(readdirSync(storage), []);
    assert.equal(lstatSync(storage).uid, uid);
    assert.equal(lstatSync(storage).mode & 0o7777, 0o700);
    const deleted = await runtimectl(['storage', 'delete', id], { root: daemon.root });
    assert.equal(deleted.code, 0, deleted.stderr);
    assert.deepEqual(await client.deleteStorage({ appId: id }), { already: true });
    assert(!existsSync(storage));
  }
  assert.deepEqual(filesIn(daemon.places.apps), []);
  assert.deepEqual(filesIn(daemon.places.volumes), []);
  assert.deepEqual(await client.listStorage(), []);
});

const storageIn = (box: Box) =>
  directories(toolRunner({ PATH: process.env['PATH'] ?? '' }), {
    directory: join(box.path, 'apps'),
    volumeDirectory: join(box.path, 'volumes'),
  });

test('with another user id all of the storage goes to it, and nothing that its links lead to', async () => {
  await using box = await newBox();
  const storage = storageIn(box);
  mkdirSync(join(box.path, 'apps'));
  const victim = await box.put('victim/file', 'untouched');
  const order = { appId: appId('one'), holder: 'one' as ContainerId, sizeBytes: null };
  const path = await storage.prepare({ ...order, uid: 40_001, gid: 40_001 });
  mkdirSync(join(path, 'deep'));
  writeFileSync(join(path, 'deep', 'file'), 'x');
  symlinkSync(join(box.path, 'victim'), join(path, 'deep', 'out'));
  symlinkSync(victim, join(path, 'link'));
  for (const name of ['deep', 'deep/file']) chownSync(join(path, name), 40_001, 40_001);
  await storage.release(order.appId, order.holder);
  await storage.prepare({ ...order, uid: 40_002, gid: 40_003 });
  for (const name of ['', 'deep', 'deep/file', 'deep/out', 'link']) {
    const { uid, gid } = lstatSync(join(path, name));
    assert.deepEqual([uid, gid], [40_002, 40_003], name);
  }
  assert.equal(lstatSync(victim).uid, 0);
  assert.equal(lstatSync(join(box.path, 'victim')).uid, 0);
  await storage.remove({ ...order, uid: 0, gid: 0, appId: appId('other') });
  await storage.release(order.appId, order.holder);
  await storage.remove({ ...order, uid: 0, gid: 0 });
  assert.equal(readFileSync(victim, 'utf8'), 'untouched');
  assert.deepEqual(readdirSync(join(box.path, 'apps')), []);
});

test('no name of an app leads out of the place of the storage', async () => {
  await using box = await newBox();
  const storage = storageIn(box);
  for (const name of ['..', '.', '...', '-rf', '.gone+x', 'a'.repeat(200)]) {
    // whatever passes as an id at all
    let id;
    try {
      id = appId(name);
    } catch {
      continue;
    }
    const path = storage.pathOf(id);
    assert.match(path.slice(join(box.path, 'apps').length), /^\/[A-Za-z0-9][A-Za-z0-9._+-]*$/, name);
  }
});
