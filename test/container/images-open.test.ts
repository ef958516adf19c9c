/** An image is opened when it is what was saved and fits this machine; else it is refused by its reason, and stays as it is. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { cp, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { helpfulRefusal, refusal } from '../lib/refusal.ts';
import { containerId, flip, HERE, ID, imagesBox, lengthen, never, wait, type ImagesBox } from './images-box.ts';

const REBOOTED = { ...HERE, bootId: 'another-boot' };

type Corruption = {
  readonly name: string;
  readonly spoil: (box: ImagesBox) => Promise<void>;
  readonly says: RegExp;
};

/** The manifest with another content, and a right checksum. */
function rewriteManifest(box: ImagesBox, change: (manifest: Record<string, unknown>) => void): Promise<void> {
  const { manifest } = JSON.parse(readFileSync(box.file('manifest.json'), 'utf8')) as {
    manifest: Record<string, unknown>;
  };
  change(manifest);
  const checksum = createHash('sha256').update(JSON.stringify(manifest)).digest('hex');
  return writeFile(box.file('manifest.json'), JSON.stringify({ checksum, manifest }));
}

const CORRUPTIONS: readonly Corruption[] = [
  {
    name: 'pages cut off',
    spoil: (box) => truncate(box.file('pages-1.img'), 4096),
    says: /pages-1\.img is cut off: 4096 bytes instead of 2097152/,
  },
  { name: 'pages longer', spoil: (box) => lengthen(box.file('pages-1.img')), says: /pages-1\.img is too long/ },
  { name: 'a bit of the pages', spoil: (box) => flip(box, 'pages-1.img'), says: /pages-1\.img/ },
  { name: 'a bit of small pages', spoil: (box) => flip(box, 'pages-2.img'), says: /pages-2\.img/ },
  {
    name: 'a bit of a small file',
    spoil: (box) => flip(box, 'core-3.img'),
    says: /core-3\.img: the contents changed \(checksum mismatch\)/,
  },
  { name: 'a file missing', spoil: (box) => rm(box.file('mm-2.img')), says: /mm-2\.img: missing/ },
  {
    name: 'many files missing',
    spoil: async (box) => {
      for (const name of ['core-1.img', 'core-2.img', 'core-3.img', 'core-4.img', 'core-5.img']) {
        await rm(box.file(name));
      }
    },
    says: /core-1\.img, core-2\.img, core-3\.img and 2 more: missing/,
  },
  {
    name: 'a link in place of a file',
    spoil: async (box) => {
      await rm(box.file('mm-2.img'));
      await symlink('/etc/passwd', box.file('mm-2.img'));
    },
    says: /mm-2\.img: not a plain file/,
  },
  {
    name: 'a bit of the configuration',
    spoil: (box) => flip(box, 'config.json'),
    says: /config\.json is not the container's configuration/,
  },
  { name: 'no configuration', spoil: (box) => rm(box.file('config.json')), says: /config\.json is missing/ },
  {
    name: 'a bit of the manifest',
    spoil: (box) => flip(box, 'manifest.json'),
    says: /manifest\.json is (damaged|no manifest)/,
  },
  { name: 'no manifest', spoil: (box) => rm(box.file('manifest.json')), says: /manifest\.json is missing/ },
  {
    name: 'a manifest that is not JSON',
    spoil: (box) => writeFile(box.file('manifest.json'), '{"checksum": "'),
    says: /manifest\.json is no manifest/,
  },
  {
    name: 'a manifest of zeros, as after a power cut',
    spoil: (box) => writeFile(box.file('manifest.json'), Buffer.alloc(4000)),
    says: /not flushed to the disk before the power went/,
  },
  {
    name: 'a later format',
    spoil: (box) => rewriteManifest(box, (manifest) => Object.assign(manifest, { format: 7 })),
    says: /format 7, and this program knows 1/,
  },
  {
    name: 'a manifest without its files',
    spoil: (box) => rewriteManifest(box, (manifest) => delete manifest['files']),
    says: /manifest\.json: files: /,
  },
  {
    name: 'a manifest that leads out of the image',
    spoil: (box) =>
      rewriteManifest(box, (manifest) => {
        Object.assign((manifest['files'] as object[])[0] ?? {}, { name: '../../secret' });
      }),
    says: /manifest\.json: files\.0\.name/,
  },
];

for (const { name, spoil, says } of CORRUPTIONS) {
  for (const hardened of [false, true]) {
    test(`refused, ${hardened ? 'hardened' : 'as committed'}: ${name}`, async () => {
      await using box = await imagesBox();
      await box.commit();
      if (hardened) await box.images.harden(ID, never());
      await spoil(box);
      const before = box.names();
      const error = await helpfulRefusal(box.images.open(ID, wait()), 'IMAGE_UNUSABLE', says);
      assert.match(error.message, /^the hibernation image of app-1 cannot be used: /);
      assert.deepEqual(box.names(), before, 'the image stays as it is');
      await refusal(box.store({ machine: REBOOTED }).open(ID, wait()), 'IMAGE_UNUSABLE');
    });
  }
}

test('a changed page without a checksum is called changed, with one it is called damaged', async () => {
  await using box = await imagesBox();
  await box.commit();
  await flip(box, 'pages-1.img');
  await refusal(box.images.open(ID, wait()), 'IMAGE_UNUSABLE', /pages-1\.img changed after it was written/);
  await refusal(box.images.harden(ID, never()), 'IMAGE_UNUSABLE', /pages-1\.img changed/);
  await box.commit();
  await box.images.harden(ID, never());
  await flip(box, 'pages-1.img');
  await refusal(box.images.open(ID, wait()), 'IMAGE_UNUSABLE', /pages-1\.img: the contents changed/);
});

test('a file that was only touched is read, and is good', async () => {
  await using box = await imagesBox();
  await box.commit();
  await utimes(box.file('core-1.img'), 1, 1);
  await box.images.open(ID, wait());
  await box.images.harden(ID, never());
  await utimes(box.file('pages-1.img'), 1, 1);
  await box.images.open(ID, wait());
});

test('after a reboot only a hardened image is opened', async () => {
  await using box = await imagesBox();
  await box.commit();
  const rebooted = box.store({ machine: REBOOTED });
  await helpfulRefusal(
    rebooted.open(ID, wait()),
    'IMAGE_UNUSABLE',
    /pages-1\.img and pages-2\.img was not flushed .* power went/,
  );
  await refusal(rebooted.harden(ID, never()), 'IMAGE_UNUSABLE', /not flushed/);
  await box.images.harden(ID, never());
  await rebooted.open(ID, wait());
});

test('files that belong to no image are left alone and do not matter', async () => {
  await using box = await imagesBox();
  await box.commit();
  await writeFile(box.file('restore.log'), 'CRIU was here');
  await box.images.open(ID, wait());
  await box.images.harden(ID, never());
  assert(box.names().includes('restore.log'));
});

test('the image of another container, and what is no directory, are refused', async () => {
  await using box = await imagesBox();
  await box.commit();
  const other = containerId('app-2');
  await cp(join(box.root, ID), join(box.root, other), { recursive: true });
  await helpfulRefusal(
    box.images.open(other, wait()),
    'IMAGE_UNUSABLE',
    /it is the image of app-1 \(app instance instance of app-1\)/,
  );
  await refusal(box.images.find(other), 'IMAGE_UNUSABLE', /app-1/);
  const [file, link, none] = ['a-file', 'a-link', 'nothing'].map(containerId);
  writeFileSync(join(box.root, 'a-file'), '');
  await symlink(join(box.root, ID), join(box.root, 'a-link'));
  await refusal(box.images.open(file ?? ID, wait()), 'IMAGE_UNUSABLE', /not a directory/);
  await refusal(box.images.open(link ?? ID, wait()), 'IMAGE_UNUSABLE', /not a directory/);
  await refusal(box.images.open(none ?? ID, wait()), 'IMAGE_UNUSABLE', /there is none/);
});

const ELSEWHERE = [
  { what: 'kernel', machine: { ...HERE, kernelRelease: '5.10.1' }, says: /made on kernel .*, and this is 5\.10\.1/ },
  { what: 'CPU', machine: { ...HERE, cpuFlags: HERE.cpuFlags.filter((flag) => flag !== 'sse2') }, says: /lacks sse2/ },
  { what: 'CRIU', machine: { ...HERE, criu: '4.1.1' }, says: /by CRIU 4\.2\.1, and the one here is 4\.1\.1/ },
];

for (const { what, machine, says } of ELSEWHERE) {
  test(`an image that does not fit this machine’s ${what} is refused by name`, async () => {
    await using box = await imagesBox();
    await box.commit();
    await helpfulRefusal(box.store({ machine }).open(ID, wait()), 'IMAGE_UNUSABLE', says);
    await box.images.open(ID, wait());
  });
}
