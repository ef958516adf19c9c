/** Flushing and compressing go on while apps sleep: gently, stoppable at any moment, and never in the way of a wake. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import type { RunTool } from '../../src/adapters/process/run-tool.ts';
import { processesWith } from '../lib/machine.ts';
import { helpfulRefusal, refusal } from '../lib/refusal.ts';
import { until } from '../lib/until.ts';
import {
  asText,
  containerId,
  heap,
  ID,
  imagesBox,
  MIB,
  never,
  noise,
  runTool,
  smallDiskBox,
  smallDump,
  wait,
} from './images-box.ts';

type ManifestFile = { readonly name: string; readonly sha256: string | null; readonly stored: string };
const filesOf = (path: string): readonly ManifestFile[] =>
  (JSON.parse(readFileSync(path, 'utf8')) as { manifest: { files: ManifestFile[] } }).manifest.files;

/** Notes each tool, and does something before one of them runs. */
function watching(before: (tool: string) => void = () => undefined): { readonly run: RunTool; readonly ran: string[] } {
  const ran: string[] = [];
  const known = ['sync', 'sha256sum', 'zstd'];
  return {
    ran,
    run: (argv, options) => {
      const tool = argv.find((word) => known.includes(word)) ?? '';
      before(tool);
      ran.push(tool);
      return runTool(argv, options);
    },
  };
}

test('a hardened image has a checksum of every file and says that it is durable; once is enough', async () => {
  const { run, ran } = watching();
  await using box = await imagesBox({ runTool: run });
  await box.commit();
  assert.deepEqual(
    filesOf(box.file('manifest.json'))
      .filter(({ sha256 }) => sha256 === null)
      .map(({ name }) => name),
    ['pages-1.img', 'pages-2.img'],
  );
  assert.equal((await box.images.harden(ID, never())).durable, true);
  assert(filesOf(box.file('manifest.json')).every(({ sha256 }) => sha256 !== null));
  const before = ran.length;
  assert.equal((await box.images.harden(ID, never())).durable, true);
  assert.equal(ran.length, before);
  await refusal(box.images.harden(containerId('none'), never()), 'IMAGE_UNUSABLE', /there is none/);
});

test('a compressed image is durable, holds only what became smaller, and comes back bit by bit', async () => {
  await using box = await imagesBox({ level: 3 });
  const dump = { ...smallDump(8 * MIB), 'pages-3.img': noise(2 * MIB), 'ghost-file-1.img': heap(2 * MIB) };
  await box.commit(dump);
  const info = await box.images.compress(ID, never());
  assert.equal(info.compressed, true);
  assert.equal(info.durable, true);
  assert(info.sizeBytes - 2 * MIB < (info.rawBytes - 2 * MIB) / 2, `${info.sizeBytes} of ${info.rawBytes}`);
  assert.deepEqual(
    box.names().filter((name) => /zst|pages|ghost/.test(name)),
    ['ghost-file-1.img.zst', 'pages-1.img.zst', 'pages-2.img', 'pages-3.img'],
  );
  assert.deepEqual(await box.images.compress(ID, never()), info);
  assert.deepEqual((await box.images.find(ID))?.info, info);
  await box.images.open(ID, wait());
  assert.deepEqual(box.contents(), asText(dump));
});

test('nothing is compressed at level 0', async () => {
  await using box = await imagesBox({ level: 0 });
  await box.commit();
  assert.equal((await box.images.compress(ID, never())).compressed, false);
});

test('an abort of either leaves the image raw and whole, and no tool behind', async () => {
  await using box = await imagesBox();
  const dump = smallDump(8 * MIB);
  await box.commit(dump);
  await refusal(box.images.harden(ID, AbortSignal.abort()), 'ABORTED');
  for (const stop of ['sync', 'sha256sum', 'zstd']) {
    const controller = new AbortController();
    const { run } = watching((tool) => {
      if (tool === stop) setImmediate(() => controller.abort());
    });
    await refusal(box.store({ runTool: run }).compress(ID, controller.signal), 'ABORTED');
    assert.deepEqual(
      box.names().filter((name) => /\.(tmp|zst)$/.test(name)),
      [],
    );
    assert.deepEqual(box.contents(), asText(dump));
    await until(() => processesWith(box.root).length === 0, { what: 'the tool has ended' });
  }
  assert.equal((await box.images.find(ID))?.info.compressed, false);
  await box.images.open(ID, wait());
});

test('a wake overtakes what goes on in the background', async () => {
  const slowly: RunTool = (argv, options) => runTool(argv.includes('zstd') ? ['sleep', '1000'] : argv, options);
  await using box = await imagesBox({ runTool: slowly });
  const dump = smallDump();
  await box.commit(dump);
  await box.images.harden(ID, never());
  const compressing = refusal(box.images.compress(ID, never()), 'ABORTED', /more urgent/);
  const waiting = refusal(box.images.compress(ID, never()), 'ABORTED', /more urgent/);
  await box.images.open(ID, wait(5000));
  await Promise.all([compressing, waiting]);
  assert.deepEqual(box.contents(), asText(dump));
});

test('one image does not wait for another', async () => {
  const [slow, quick] = [containerId('slow'), containerId('quick')];
  const slowly: RunTool = (argv, options) =>
    runTool(argv.some((word) => word.includes('/slow/')) ? ['sleep', '1000'] : argv, options);
  await using box = await imagesBox({ runTool: slowly });
  await box.commit(smallDump(), slow);
  await box.commit(smallDump(), quick);
  const controller = new AbortController();
  const stuck = refusal(box.images.compress(slow, controller.signal), 'ABORTED');
  assert.equal((await box.images.compress(quick, never())).compressed, true);
  await box.images.open(quick, wait());
  await box.images.remove(quick);
  controller.abort();
  await stuck;
});

test('an image that changes while it is hardened is not called durable', async () => {
  const { run } = watching((tool) => {
    if (tool === 'sha256sum') writeFileSync(box.file('pages-1.img'), noise(2 * MIB));
  });
  await using box = await imagesBox({ runTool: run });
  await box.commit();
  await helpfulRefusal(box.images.harden(ID, never()), 'IMAGE_UNUSABLE', /pages-1\.img changed while it was read/);
  assert.equal((await box.images.find(ID))?.info.durable, false);
});

test('a zstd that fails or makes nothing leaves the image raw and whole', async () => {
  const dump = smallDump();
  for (const instead of [['false'], ['true']]) {
    const broken: RunTool = (argv, options) => runTool(argv.includes('zstd') ? instead : argv, options);
    await using box = await imagesBox({ runTool: broken });
    await box.commit(dump);
    await refusal(box.images.compress(ID, never()), 'TOOL_FAILED');
    assert.deepEqual(box.contents(), asText(dump));
    await box.images.open(ID, wait());
  }
});

test('a disk without room for both forms keeps the raw one', async () => {
  await using box = await smallDiskBox(12 * MIB);
  const dump = { 'pages-1.img': heap(7 * MIB) };
  await box.commit(dump);
  const error = await helpfulRefusal(
    box.images.compress(ID, never()),
    'NO_SPACE',
    /not compressed: that takes up to 7\.0 MB/,
  );
  assert.equal(error.details?.['neededBytes'], 7 * MIB);
  assert.deepEqual(box.contents(), asText(dump));
  assert.equal((await box.images.find(ID))?.info.durable, true);
});
