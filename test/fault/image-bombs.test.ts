/** Small images that become large: stopped on the way, with nothing left. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ErrorCode } from '../../src/domain/errors.ts';
import { exitOf, uniqueId } from '../lib/apps.ts';
import { startDaemon, type TestDaemon } from '../lib/daemon.ts';
import {
  compress,
  layerOf,
  programRoot,
  sha256,
  tarOf,
  writeDockerArchive,
  writeLayout,
} from '../lib/package-images.ts';
import { helpfulRefusal } from '../lib/refusal.ts';

const MIB = 2 ** 20;

type Bomb = { readonly image: string; readonly code: ErrorCode; readonly words: RegExp };

async function refused(daemon: TestDaemon, { image, code, words }: Bomb): Promise<void> {
  const id = uniqueId('bomb');
  const ran = daemon.client.run({ appId: id, appInstanceId: id, app: { rootfs: { image }, args: ['/bin/ls'] } });
  await helpfulRefusal(ran, code, words);
  for (const place of ['drafts', 'chains', 'holds']) {
    const path = `${daemon.places.packages}/${place}`;
    assert.deepEqual(existsSync(path) ? readdirSync(path) : [], [], `${image}: ${place}`);
  }
}

/** One file of zeros, as frames of zstd after each other: a few kilobytes. */
function zeros(sizeMib: number): Buffer {
  const head = tarOf([{ name: 'zeros', sizeBytes: sizeMib * MIB }]).subarray(0, 512);
  const part = compress('zstd', Buffer.alloc(32 * MIB));
  return Buffer.concat([
    compress('zstd', head),
    ...Array<Buffer>(sizeMib / 32).fill(part),
    compress('zstd', Buffer.alloc(1024)),
  ]);
}

test('an image that unpacks to more than its budget, or to more files, is stopped on the way', async () => {
  await using daemon = await startDaemon({ config: { packages: { budgetBytes: 64 * MIB, maxFiles: 2000 } } });
  const at = (name: string): string => join(daemon.directory, name);
  const budget = { code: 'NO_SPACE', words: /unpacks to more than 64\.0 MB, the budget/ } as const;
  const diffIds = [`sha256:${sha256('never compared')}`];
  writeLayout(at('zeros'), { layers: [zeros(256)], diffIds });
  writeDockerArchive(at('plain.tar'), { layout: 'old', images: [{ layers: [Buffer.alloc(96 * MIB)], names: [] }] });
  writeFileSync(at('docker.tar.zst'), compress('zstd', tarOf([{ name: 'ballast', text: Buffer.alloc(256 * MIB) }])));
  // a map of holes (tar's manual, "GNU.sparse" version 1.0): 1 TiB of nothing in three blocks
  const map = `1\n${2 ** 40}\n0\n`;
  const records = [
    ['major', '1'],
    ['minor', '0'],
    ['name', 'hole'],
    ['realsize', String(2 ** 40)],
  ];
  const sparse = tarOf([
    {
      name: 'PaxHeaders/hole',
      type: 'x',
      text: records.map(([name, value]) => record(`GNU.sparse.${name}`, value)).join(''),
    },
    { name: 'GNUSparseFile.0/hole', text: map.padEnd(512, '\0') },
  ]);
  writeLayout(at('sparse'), { layers: [sparse] });
  const many = tarOf([...Array(3000).keys()].map((at) => ({ name: `many/${at}` })));
  writeLayout(at('many'), { layers: [layerOf(programRoot(at('root'))), many] });
  await refused(daemon, { image: at('zeros'), ...budget });
  await refused(daemon, { image: at('plain.tar'), ...budget });
  await refused(daemon, { image: at('docker.tar.zst'), ...budget });
  await refused(daemon, { image: at('sparse'), ...budget });
  await refusedFiles(daemon, at('many'));
});

async function refusedFiles(daemon: TestDaemon, image: string): Promise<void> {
  const id = uniqueId('bomb');
  const ran = daemon.client.run({ appId: id, appInstanceId: id, app: { rootfs: { image }, args: ['/bin/ls'] } });
  await helpfulRefusal(ran, 'BUNDLE_INVALID', /has more than 2000 files/);
  // its base is whole, and may be another image's
  assert.deepEqual(readdirSync(`${daemon.places.packages}/drafts`), []);
  assert.equal(readdirSync(`${daemon.places.packages}/chains`).length, 1);
}

/** Of a pax header: its own length is in it (pax(1)). */
function record(name: string, value = ''): string {
  const rest = ` ${name}=${value}\n`;
  const length = rest.length + String(rest.length + 2).length;
  return `${length}${rest}`;
}

test('by default a few kilobytes do not become more than 512 MiB, and an image with much air still runs', async () => {
  await using daemon = await startDaemon();
  const at = (name: string): string => join(daemon.directory, name);
  writeLayout(at('zeros'), { layers: [zeros(1024)], diffIds: [`sha256:${sha256('never compared')}`] });
  await refused(daemon, {
    image: at('zeros'),
    code: 'BUNDLE_INVALID',
    words: /unpacks to more than 512\.0 MB: over 100 times its own/,
  });
  const air = tarOf([{ name: 'air', text: Buffer.alloc(64 * MIB) }]);
  const root = layerOf(programRoot(at('root')));
  writeLayout(at('airy'), { layers: [compress('zstd', root), compress('zstd', air)], plain: [root, air] });
  const id = uniqueId('airy');
  await daemon.client.run({
    ...{ appId: id, appInstanceId: id },
    app: { rootfs: { image: at('airy') }, args: ['/bin/ls', '/air'] },
  });
  assert.equal((await exitOf(daemon.client, id)).code, 0);
});
