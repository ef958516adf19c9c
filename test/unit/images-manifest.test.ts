/** The manifest of an image is read as it was written, or refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  infoOf,
  manifestText,
  readManifest,
  sha256Of,
  type ImageFile,
  type Manifest,
} from '../../src/adapters/images/manifest.ts';
import { ownerOf, places } from '../../src/adapters/images/places.ts';
import { nameSome } from '../../src/adapters/images/unusable.ts';
import type { AppId, AppInstanceId, ContainerId } from '../../src/domain/ids.ts';

const file = (name: string, over: Partial<ImageFile> = {}): ImageFile => ({
  name,
  sizeBytes: 100,
  sha256: sha256Of(name),
  stored: 'raw',
  storedBytes: 100,
  stamp: { inode: '18446744073709551615', ctimeNs: '1795420800123456789', mtimeNs: '1795420800123456789' },
  ...over,
});

const MANIFEST: Manifest = {
  format: 1,
  subject: {
    appId: 'a' as AppId,
    appInstanceId: 'i' as AppInstanceId,
    containerId: 'c' as ContainerId,
    engine: 'embedded',
    runtime: 'runc 1.3.6',
    criu: '4.2.1',
    config: { sizeBytes: 2, sha256: sha256Of('{}') },
    hibernatedAt: '2026-11-23T10:00:00.000Z',
  },
  kernelRelease: '6.18.44',
  cpu: { digest: sha256Of('sse2'), flags: ['sse2'] },
  bootId: 'b',
  files: [file('pages-1.img', { sha256: null }), file('tmpfs-dev-56.tar.gz.img')],
  rawBytes: 200,
  committedAt: '2026-11-23T10:00:00.000Z',
  hardenedAt: null,
  compressedAt: null,
};

const TEXT = manifestText(MANIFEST);
const brokenBy = (text: string): string => {
  const reading = readManifest(text);
  return 'broken' in reading ? reading.broken : '';
};

test('a manifest is read as it was written', () => {
  assert.deepEqual(readManifest(TEXT), { manifest: MANIFEST });
});

test('no changed byte of a manifest goes unseen', () => {
  fc.assert(
    fc.property(fc.nat(TEXT.length - 1), fc.integer({ min: 1, max: 127 }), (at, bits) => {
      const changed = Buffer.from(TEXT);
      changed[at] = (changed[at] ?? 0) ^ bits;
      const reading = readManifest(changed.toString('latin1'));
      assert('broken' in reading || JSON.stringify(reading.manifest) === JSON.stringify(MANIFEST));
    }),
    { numRuns: 2000 },
  );
});

test('any text is either a manifest or refused', () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => assert.notEqual(brokenBy(text), '')));
});

test('an empty manifest, or one of zeros, is one that was not flushed', () => {
  for (const text of ['', '\0'.repeat(4096)]) {
    assert.match(brokenBy(text), /not flushed to the disk before the power went/);
  }
});

test('the info of an image adds up what is on disk', () => {
  assert.deepEqual(infoOf(MANIFEST), {
    sizeBytes: 200,
    rawBytes: 200,
    compressed: false,
    durable: false,
    hibernatedAt: '2026-11-23T10:00:00.000Z',
  });
  const packed = { ...MANIFEST, hardenedAt: 'now', files: [file('a', { stored: 'zstd', storedBytes: 7 }), file('b')] };
  const { sizeBytes, compressed, durable } = infoOf(packed);
  assert.deepEqual({ sizeBytes, compressed, durable }, { sizeBytes: 107, compressed: true, durable: true });
});

test('every place of an image leads back to its container', () => {
  const id = 'com-example-app+0123456789abcdef0123456789abcdef' as ContainerId;
  const at = places('/images');
  for (const path of [at.image(id), at.draft(id), at.replaced(id), at.gone(id)]) {
    assert.equal(ownerOf(path.slice('/images/'.length)), id);
  }
  assert.equal(ownerOf('.DS_Store'), undefined);
  assert.equal(ownerOf('.draft+'), undefined);
});

test('names are listed as people do', () => {
  assert.equal(nameSome(['a']), 'a');
  assert.equal(nameSome(['a', 'b']), 'a and b');
  assert.equal(nameSome(['a', 'b', 'c']), 'a, b and c');
  assert.equal(nameSome(['a', 'b', 'c', 'd', 'e']), 'a, b, c and 2 more');
});
