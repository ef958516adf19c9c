/** Drafts become images: whole or not at all, within a budget, with room held for what comes last. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { helpfulRefusal, refusal } from '../lib/refusal.ts';
import { until } from '../lib/until.ts';
import {
  asText,
  containerId,
  ID,
  imagesBox,
  MIB,
  noise,
  ROOT_HOST_ID,
  smallDiskBox,
  smallDump,
  subject,
  wait,
} from './images-box.ts';

const OTHER = containerId('com-example-player+0123456789abcdef0123456789abcdef');
const modeOf = (path: string): string => (statSync(path).mode & 0o7777).toString(8);

test('a draft that was committed is an image with all its files, and is found by another daemon', async () => {
  await using box = await imagesBox();
  const dump = smallDump();
  const { directory, info } = await box.commit(dump, OTHER);
  assert.equal(directory, join(box.root, OTHER));
  assert.deepEqual(box.contents(OTHER), asText(dump));
  const rawBytes = Object.values(dump).reduce((sum, data) => sum + data.length, 0);
  assert.deepEqual(info, {
    sizeBytes: rawBytes,
    rawBytes,
    compressed: false,
    durable: false,
    hibernatedAt: '2026-11-23T10:00:00.000Z',
  });
  const found = await box.store().find(OTHER);
  assert.deepEqual(found, { directory, subject: subject(OTHER), info });
  assert.deepEqual((await box.store().open(OTHER, wait())).directory, directory);
  assert.deepEqual(await box.images.known(), [OTHER]);
});

test('only root, and the root of the app’s user namespace, can read an image; nobody else can look into a draft', async () => {
  await using box = await imagesBox();
  const draft = await box.draft();
  assert.equal(modeOf(draft), '700');
  const { directory } = await box.images.commit(ID, subject());
  assert.equal(modeOf(directory), '710');
  assert.equal(statSync(directory).gid, ROOT_HOST_ID);
  for (const name of ['core-1.img', 'pages-1.img']) {
    assert.equal(modeOf(box.file(name)), '640');
    assert.equal(statSync(box.file(name)).gid, ROOT_HOST_ID);
  }
  assert.equal(modeOf(box.file('manifest.json')), '600');
  assert.equal(modeOf(box.file('config.json')), '600');
});

test('without a user namespace an image is for root alone', async () => {
  await using box = await imagesBox();
  await box.draft();
  const { directory } = await box.images.commit(ID, { ...subject(), config: { linux: { namespaces: [] } } });
  assert.equal(modeOf(directory), '700');
  assert.equal(modeOf(box.file('pages-1.img')), '600');
});

test('a draft is no image, is found again, and leaves nothing when it is discarded', async () => {
  await using box = await imagesBox();
  const directory = await box.draft();
  assert.equal(await box.images.find(ID), undefined);
  assert.deepEqual(await box.store().findDraft(ID), { directory });
  assert.deepEqual(await box.images.known(), [ID]);
  await box.images.discardDraft(ID);
  await box.images.discardDraft(ID);
  assert.equal(await box.images.findDraft(ID), undefined);
  assert.deepEqual(await box.images.known(), []);
});

test('a new draft holds nothing of an earlier attempt', async () => {
  await using box = await imagesBox();
  await box.draft({ 'old.img': Buffer.from('old') });
  await box.commit({ 'new.img': Buffer.from('new') });
  assert.deepEqual(box.names(), ['config.json', 'manifest.json', 'new.img']);
});

test('what is not a dump does not become an image', async () => {
  await using box = await imagesBox();
  await refusal(box.images.commit(ID, subject()), 'IMAGE_UNUSABLE', /draft is not there/);
  await box.images.begin(ID, 0);
  await refusal(box.images.commit(ID, subject()), 'IMAGE_UNUSABLE', /empty/);
  await mkdir(join(await box.draft(), 'sub'));
  await refusal(box.images.commit(ID, subject()), 'IMAGE_UNUSABLE', /sub .*not a file/);
  await symlink('/etc/passwd', join(await box.draft(), 'parent'));
  await refusal(box.images.commit(ID, subject()), 'IMAGE_UNUSABLE', /parent .*not a file/);
  assert.equal(await box.images.find(ID), undefined);
});

test('a new image takes the place of an older one', async () => {
  await using box = await imagesBox();
  await box.commit({ 'pages-1.img': Buffer.from('old') });
  await box.commit({ 'pages-1.img': Buffer.from('new') });
  assert.deepEqual(box.contents(), { 'pages-1.img': 'new' });
  assert.deepEqual(await box.images.known(), [ID]);
});

test('a commit that was interrupted between its renames can be repeated, or taken back', async () => {
  await using box = await imagesBox();
  const interrupt = async (): Promise<void> => {
    await box.draft({ 'pages-1.img': Buffer.from('new') });
    await rename(join(box.root, ID), join(box.root, `.old+${ID}`));
  };
  await box.commit({ 'pages-1.img': Buffer.from('old') });
  await interrupt();
  assert.deepEqual(await box.images.known(), [ID]);
  await box.images.discardDraft(ID);
  assert.deepEqual(box.contents(), { 'pages-1.img': 'old' });
  await interrupt();
  await box.images.commit(ID, subject());
  assert.deepEqual(box.contents(), { 'pages-1.img': 'new' });
  assert(!existsSync(join(box.root, `.old+${ID}`)));
});

test('a removed image is gone, and so is what a killed removal left', async () => {
  await using box = await imagesBox();
  await box.commit();
  await rename(join(box.root, ID), join(box.root, `.gone+${ID}`));
  assert.deepEqual(await box.images.known(), []);
  assert(!existsSync(join(box.root, `.gone+${ID}`)));
  await box.commit();
  await box.images.remove(ID);
  await box.images.remove(ID);
  assert.equal(await box.images.find(ID), undefined);
  assert.deepEqual(await box.images.known(), []);
});

test('nothing is deleted through a mount', async () => {
  await using box = await imagesBox();
  const directory = await box.draft();
  const precious = join(box.path, 'precious');
  await mkdir(precious);
  await writeFile(join(precious, 'file'), 'kept');
  await mkdir(join(directory, 'inner dir'));
  execFileSync('mount', ['--bind', precious, join(directory, 'inner dir')]);
  try {
    await helpfulRefusal(box.images.discardDraft(ID), 'INTERNAL', /mounted/);
    await helpfulRefusal(box.images.begin(ID, 0), 'INTERNAL', /mounted/);
  } finally {
    execFileSync('umount', [join(directory, 'inner dir')]);
  }
  await box.images.discardDraft(ID);
  assert.equal(await readFile(join(precious, 'file'), 'utf8'), 'kept');
});

test('an image that exceeds the budget is refused with what is needed and which images could go', async () => {
  await using box = await imagesBox({ budgetBytes: 12 * MIB });
  const [small, large] = [containerId('small'), containerId('large')];
  await box.commit({ 'pages-1.img': noise(MIB) }, small);
  await box.commit({ 'pages-1.img': noise(4 * MIB) }, large);
  const error = await helpfulRefusal(
    box.images.begin(ID, 8 * MIB),
    'NO_SPACE',
    /needs 9\.4 MB.*of the 12\.0 MB.*7\.0 MB are left/,
  );
  assert.match(error.next ?? '', /instance of large \(4\.0 MB.*or instance of small \(1\.0 MB/);
  assert.equal(error.details?.['budgetBytes'], 12 * MIB);
  assert.deepEqual(
    (error.details?.['images'] as { containerId: string }[]).map((one) => one.containerId),
    [large, small],
  );
  assert.equal(await box.images.findDraft(ID), undefined);
  await box.images.remove(large);
  await box.images.begin(ID, 8 * MIB);
});

test('a dump that grows beyond the budget can make no more files, and fails for that reason; its draft is gone then', async () => {
  await using box = await imagesBox({ budgetBytes: 12 * MIB });
  const { directory } = await box.images.begin(ID, MIB);
  const grow = async (): Promise<void> => {
    for (let at = 1; at < 1000; at++) await writeFile(join(directory, `ghost-file-${at}.img`), noise(4 * MIB));
  };
  const error = await helpfulRefusal(box.images.bounded(ID, grow), 'NO_SPACE', /of the 12\.0 MB .* are left/);
  assert(Number(error.details?.['neededBytes']) > 12 * MIB);
  assert.equal(
    await box.images.findDraft(ID).then((found) => found?.directory),
    directory,
    'what is whole can be kept',
  );
  await box.images.discardDraft(ID);
  assert.deepEqual(await box.images.known(), []);
});

test('a dump that was over when its draft had become too large is an image, also for the next daemon', async () => {
  await using box = await imagesBox({ budgetBytes: 12 * MIB });
  for (const id of [ID, OTHER]) {
    const { directory } = await box.images.begin(id, MIB);
    await box.images.bounded(id, async () => {
      await writeFile(join(directory, 'pages-1.img'), noise(16 * MIB));
      await until(async () => (await readdir(box.root)).every((name) => !directory.endsWith(`/${name}`)), {
        what: 'the draft is taken away',
      });
    });
    const store = id === ID ? box.images : box.store();
    assert.deepEqual(await store.findDraft(id), { directory });
    const image = await store.commit(id, subject(id));
    assert(image.info.sizeBytes >= 16 * MIB);
    await store.remove(id);
  }
});

test('an image that somebody else removed does not count any more', async () => {
  await using box = await imagesBox({ budgetBytes: 12 * MIB });
  await box.commit({ 'pages-1.img': noise(8 * MIB) }, OTHER);
  await box.store().remove(OTHER);
  await box.images.begin(ID, 9 * MIB);
});

test('two drafts at once do not get the same room', async () => {
  await using box = await imagesBox({ budgetBytes: 16 * MIB });
  const both = await Promise.allSettled([box.images.begin(ID, 8 * MIB), box.images.begin(OTHER, 8 * MIB)]);
  assert.deepEqual(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  await box.images.discardDraft(both[0]?.status === 'fulfilled' ? ID : OTHER);
  await box.images.begin(both[0]?.status === 'fulfilled' ? OTHER : ID, 8 * MIB);
});

test('an image that does not fit on the disk is refused with numbers before anything is dumped', async () => {
  await using box = await smallDiskBox(16 * MIB);
  const error = await helpfulRefusal(box.images.begin(ID, 20 * MIB), 'NO_SPACE', /needs 22\.. MB.*16\.0 MB free/);
  assert.equal(error.details?.['freeBytes'], 16 * MIB);
  assert.deepEqual(await box.images.known(), []);
  const both = await Promise.allSettled([box.images.begin(ID, 10 * MIB), box.images.begin(OTHER, 10 * MIB)]);
  assert.deepEqual(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
});

test('a disk that became full during the dump does not harm the commit', async () => {
  await using box = await smallDiskBox(8 * MIB);
  const directory = await box.draft({ 'pages-1.img': noise(4 * MIB), 'core-1.img': noise(100) });
  await writeFile(join(box.path, 'state', 'filler'), Buffer.alloc(16 * MIB)).catch(() => undefined);
  await assert.rejects(writeFile(join(directory, 'late.img'), noise(8192)), /ENOSPC/);
  await writeFile(join(directory, 'late.img'), '');
  await box.images.commit(ID, subject());
  await box.images.open(ID, wait());
});

test('a disk that is full already refuses the draft itself', async () => {
  await using box = await smallDiskBox(MIB / 2);
  await helpfulRefusal(box.images.begin(ID, 0), 'NO_SPACE', /./);
  assert.deepEqual(await box.images.known(), []);
});
