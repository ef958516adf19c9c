/** The port Storage: the same suite on our own directories and on RDK's storage manager, which may or may not hand storage out. */
import assert from 'node:assert/strict';
import { chown, mkdir, mkdtemp, readdir, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { toolRunner } from '../../src/adapters/process/run-tool.ts';
import { appStorage } from '../../src/adapters/rdk/app-storage.ts';
import { directories } from '../../src/adapters/storage/directories.ts';
import { appId, type ContainerId } from '../../src/domain/ids.ts';
import type { Storage } from '../../src/ports/storage.ts';
import { refusal } from '../lib/refusal.ts';
import { quietLog, thunderBox, type ThunderBox } from '../lib/thunder-box.ts';
import { STORAGE_MANAGER, storageManagerPlugin } from '../lib/thunder-plugins.ts';

const ownIn = (directory: string): Storage =>
  directories(toolRunner({ PATH: process.env['PATH'] ?? '' }), {
    directory,
    volumeDirectory: join(directory, '.volumes'),
  });

type Subject = AsyncDisposable & { readonly storage: Storage; readonly base: string };

async function embedded(): Promise<Subject> {
  const base = await realpath(await mkdtemp(join(tmpdir(), 'rmt-')));
  return { storage: ownIn(base), base, [Symbol.asyncDispose]: () => rm(base, { recursive: true }) };
}

async function otherwiseOf(box: ThunderBox): Promise<{ readonly base: string; readonly storage: Storage }> {
  const base = join(box.directory, 'own');
  await mkdir(base);
  return { base, storage: ownIn(base) };
}

const rdk =
  (getStorage: boolean, generation: 'r4' | 'r5' = 'r4') =>
  async (): Promise<Subject> => {
    const box = await thunderBox({ generation });
    const otherwise = await otherwiseOf(box);
    const theirs = join(box.directory, 'theirs');
    await mkdir(theirs);
    storageManagerPlugin(box.server, { directory: theirs, getStorage });
    return {
      storage: appStorage({ thunder: box.thunder, otherwise: otherwise.storage, log: quietLog }),
      base: getStorage ? theirs : otherwise.base,
      [Symbol.asyncDispose]: () => box[Symbol.asyncDispose](),
    };
  };

const SUBJECTS: Readonly<Record<string, () => Promise<Subject>>> = {
  'our own directories': embedded,
  "RDK's, of a build that hands it out": rdk(true),
  "RDK's, of a build that does not": rdk(false),
  "RDK's, of a build that does not, on Thunder 5": rdk(false, 'r5'),
};

const held = { holder: 'one' as ContainerId, sizeBytes: null };
const clock = { appId: appId('com.example.clock'), uid: 41_001, gid: 41_001, ...held };
const radio = { appId: appId('com.example.radio'), uid: 41_002, gid: 41_002, ...held };

for (const [name, make] of Object.entries(SUBJECTS)) {
  test(`${name}: an app has a directory, private and its own`, async () => {
    await using subject = await make();
    const { storage, base } = subject;
    const path = await storage.locate(clock);
    assert.equal(path, join(base, clock.appId));
    assert.equal(await storage.prepare(clock), path);
    assert.equal(storage.pathOf(clock.appId), path);
    const { uid, gid, mode } = await stat(path);
    assert.deepEqual([uid, gid, mode & 0o7777], [clock.uid, clock.gid, 0o700]);
    assert(await storage.exists(clock.appId));
  });

  test(`${name}: what an app wrote is there at its next run, also under another id, and not another app's`, async () => {
    await using subject = await make();
    const { storage } = subject;
    await storage.locate(clock);
    const path = await storage.prepare(clock);
    await writeFile(join(path, 'file'), 'kept');
    const later = { ...clock, uid: 41_003, gid: 41_004 };
    assert.equal(await storage.locate(later), path);
    assert.equal(await storage.prepare(later), path);
    const { uid, gid } = await stat(path);
    assert.deepEqual([uid, gid], [later.uid, later.gid]);
    assert.equal((await stat(join(path, 'file'))).size, 4);
    assert.notEqual(await storage.prepare(radio), path);
  });
}

const OURS = Object.entries(SUBJECTS).filter(([name]) => name !== "RDK's, of a build that hands it out");

for (const [name, make] of OURS) {
  test(`${name}: it is measured, cleared and deleted when its last holder is gone; a size is held to, and unmounted`, async () => {
    await using subject = await make();
    const { storage } = subject;
    assert.equal(await storage.measure(clock.appId), null);
    const path = await storage.prepare(clock);
    await writeFile(join(path, 'file'), Buffer.alloc(1 << 20, 'x'));
    const { usedBytes = 0, limitBytes } = (await storage.measure(clock.appId)) ?? {};
    assert(usedBytes >= 1 << 20 && limitBytes === null);
    assert.equal(storage.useOf(clock.appId), null);
    await refusal(storage.remove(clock), 'ILLEGAL_STATE', /in use/);
    await refusal(storage.clear(clock), 'ILLEGAL_STATE', /in use/);
    await storage.release(clock.appId, clock.holder);
    await storage.clear(clock);
    assert.deepEqual(await readdir(path), []);
    assert.equal((await stat(path)).uid, clock.uid);
    const sizeBytes = 16 * 2 ** 20;
    assert.equal(await storage.prepare({ ...clock, sizeBytes }), path);
    assert((storage.useOf(clock.appId)?.limitBytes ?? Infinity) < sizeBytes);
    await storage.release(clock.appId, clock.holder);
    assert.equal(storage.useOf(clock.appId), null);
    await storage.remove(clock);
    assert(!(await storage.exists(clock.appId)));
    await storage.close();
  });
}

test("what RDK's manager keeps is cleared by it; how full it is nobody says, and a size and deleting are refused by name", async () => {
  await using subject = await rdk(true)();
  const { storage } = subject;
  const path = await storage.prepare(clock);
  await writeFile(join(path, 'file'), 'x');
  assert.deepEqual([await storage.measure(clock.appId), storage.useOf(clock.appId)], [null, null]);
  const limited = { ...clock, sizeBytes: 16 * 2 ** 20 };
  await refusal(storage.prepare(limited), 'NOT_SUPPORTED', /storage\.sizeBytes .*keeps the storage/);
  await refusal(storage.remove(clock), 'NOT_SUPPORTED', /deleteStorage .*keeps the storage/);
  assert.deepEqual(await readdir(path), ['file']);
  await storage.release(clock.appId, clock.holder);
  await storage.clear(clock);
  assert.equal(await storage.locate(clock), path);
  assert.equal(await storage.prepare(clock), path);
  assert.deepEqual(await readdir(path), []);
  await storage.sweep([]);
  await storage.close();
});

test("a manager that does not clear says so, and the app's files stay", async () => {
  await using subject = await answering((base) => ({ path: join(base, 'given') }));
  await mkdir(join(subject.box.directory, 'given'));
  await writeFile(join(subject.box.directory, 'given', 'file'), 'x');
  await refusal(subject.storage.clear(clock), 'NEIGHBOUR_FAILED', /clear/);
  assert.deepEqual(await readdir(join(subject.box.directory, 'given')), ['file']);
});

test('an app whose storage nobody has seen may have some: its id stays its own', async () => {
  await using subject = await rdk(true)();
  assert(await subject.storage.exists(clock.appId));
  await using other = await rdk(false)();
  await other.storage.prepare(radio);
  assert(!(await other.storage.exists(clock.appId)));
});

/** A storage manager that answers in this way. */
async function answering(answer: (base: string) => unknown, callTimeoutMs = 10_000) {
  const box = await thunderBox({ callTimeoutMs });
  const otherwise = await otherwiseOf(box);
  box.server.plugins.set(STORAGE_MANAGER, { active: true, methods: { getStorage: () => answer(box.directory) } });
  const storage = appStorage({ thunder: box.thunder, otherwise: otherwise.storage, log: quietLog });
  return {
    box,
    storage,
    own: join(otherwise.base, clock.appId),
    [Symbol.asyncDispose]: () => box[Symbol.asyncDispose](),
  };
}

test('a device without the plugin has storage from us', async () => {
  await using subject = await answering(() => null);
  subject.box.server.plugins.clear();
  assert.equal(await subject.storage.locate(clock), subject.own);
  assert.equal(await subject.storage.prepare(clock), subject.own);
});

test('a plugin that does not run, a Thunder that is gone, and one that hangs are errors: the data may be elsewhere', async () => {
  await using subject = await answering(() => new Promise(() => undefined), 300);
  await refusal(subject.storage.locate(clock), 'TIMED_OUT', /getStorage/);
  subject.box.server.setActive(STORAGE_MANAGER, false);
  await refusal(subject.storage.locate(clock), 'NEIGHBOUR_FAILED', /not active/);
  await subject.box.server.stop();
  await refusal(subject.storage.locate(clock), 'NEIGHBOUR_FAILED', /cannot be reached/);
  await refusal(subject.storage.prepare(clock), 'NEIGHBOUR_FAILED', /cannot be reached/);
});

test('answers that name no directory are refused', async () => {
  for (const answer of [null, '/x', {}, { path: 'relative' }, { path: '/a/../b' }, { path: 5 }]) {
    await using subject = await answering(() => answer);
    await refusal(subject.storage.locate(clock), 'NEIGHBOUR_FAILED', /no directory/);
  }
  await using failing = await answering(() => ({ success: false, errorReason: 'no room' }));
  await refusal(failing.storage.locate(clock), 'NEIGHBOUR_FAILED', /no room/);
});

test("a directory that is somebody else's, a file, and one that is not there are refused and stay as they are", async () => {
  await using subject = await answering((base) => ({ path: join(base, 'given') }));
  const { storage, box } = subject;
  const given = join(box.directory, 'given');
  await refusal(storage.prepare(clock), 'NEIGHBOUR_FAILED', /not there/);
  await mkdir(given);
  await refusal(storage.prepare(clock), 'NEIGHBOUR_FAILED', /not a directory of user 41001/);
  assert.equal((await stat(given)).uid, 0);
  await rm(given, { recursive: true });
  await writeFile(given, '');
  await chown(given, clock.uid, clock.gid);
  await refusal(storage.prepare(clock), 'NEIGHBOUR_FAILED', /not a directory/);
});
