/** A compressed image is made raw for the wake, beside what is stored: whatever happens, the stored image stays whole. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { RunTool } from '../../src/adapters/process/run-tool.ts';
import { helpfulRefusal, refusal } from '../lib/refusal.ts';
import { asText, flip, HERE, ID, imagesBox, MIB, never, runTool, smallDiskBox, smallDump, wait } from './images-box.ts';

const REBOOTED = { ...HERE, bootId: 'another-boot' };

test('a compressed image is raw again when it is opened, also after a reboot, and again after a wake that failed', async () => {
  await using box = await imagesBox();
  const dump = smallDump();
  await box.commit(dump);
  const { sizeBytes, rawBytes } = await box.images.compress(ID, never());
  assert(sizeBytes < rawBytes / 2);
  for (const images of [box.images, box.images, box.store({ machine: REBOOTED }), box.store({ machine: REBOOTED })]) {
    const { info } = await images.open(ID, wait());
    assert.deepEqual(box.contents(), asText(dump));
    assert.equal(info.durable, true);
    assert.equal(statSync(box.file('pages-1.img')).mode & 0o777, 0o640);
  }
  assert.deepEqual(await box.images.compress(ID, never()), await box.images.find(ID).then((found) => found?.info));
  assert(!box.names().includes('pages-1.img'), 'what was opened is put away again');
});

test('a decompressed file that was changed is decompressed again', async () => {
  await using box = await imagesBox();
  const dump = smallDump();
  await box.commit(dump);
  await box.images.compress(ID, never());
  await box.images.open(ID, wait());
  await flip(box, 'pages-1.img');
  await box.images.open(ID, wait());
  assert.deepEqual(box.contents(), asText(dump));
});

for (const name of ['flipped', 'cut off', 'replaced'] as const) {
  test(`a compressed file that is ${name} is refused and kept`, async () => {
    await using box = await imagesBox();
    await box.commit();
    await box.images.compress(ID, never());
    const packed = box.file('pages-1.img.zst');
    if (name === 'flipped') await flip(box, 'pages-1.img.zst');
    if (name === 'cut off') await truncate(packed, 1000);
    if (name === 'replaced') {
      const { size } = statSync(packed);
      await writeFile(box.file('other'), Buffer.alloc(2 * MIB, 'other'));
      execFileSync('zstd', ['-q', '-f', box.file('other'), '-o', packed]);
      // a frame that may be skipped makes up for the size
      const rest = size - statSync(packed).size;
      const skipped = Buffer.alloc(rest);
      skipped.writeUInt32LE(0x184d2a50, 0);
      skipped.writeUInt32LE(rest - 8, 4);
      await writeFile(packed, Buffer.concat([readFileSync(packed), skipped]));
      await rm(box.file('other'));
    }
    const before = box.names();
    await helpfulRefusal(box.images.open(ID, wait()), 'IMAGE_UNUSABLE', /pages-1\.img\.zst/);
    assert.deepEqual(box.names(), before);
  });
}

test('a compressed image waits for room on the disk', async () => {
  await using box = await smallDiskBox(24 * MIB);
  const dump = smallDump(8 * MIB);
  await box.commit(dump);
  await box.images.compress(ID, never());
  const filler = join(box.path, 'state', 'filler');
  await writeFile(filler, Buffer.alloc(16 * MIB));
  const before = box.names();
  await helpfulRefusal(box.images.open(ID, wait()), 'NO_SPACE', /needs 8\.0 MB/);
  assert.deepEqual(box.names(), before);
  await rm(filler);
  await box.images.open(ID, wait());
  assert.deepEqual(box.contents(), asText(dump));
});

test('opening ends with its time limit or its signal, and the image can be opened later', async () => {
  await using box = await imagesBox();
  const dump = smallDump();
  await box.commit(dump);
  await box.images.compress(ID, never());
  const hanging: RunTool = (argv, options) =>
    runTool(argv.includes('-d') && argv.includes('zstd') ? ['sleep', '1000'] : argv, options);
  const slow = box.store({ runTool: hanging });
  await refusal(slow.open(ID, wait(100)), 'TIMED_OUT');
  const controller = new AbortController();
  const opening = refusal(slow.open(ID, { signal: controller.signal, timeoutMs: 30_000 }), 'ABORTED');
  setImmediate(() => controller.abort());
  await opening;
  await box.images.open(ID, wait());
  assert.deepEqual(box.contents(), asText(dump));
});
