/** Hostile, broken and half-made packages: an error that says which file and why, nothing left, nothing outside touched. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statfsSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { AppInput } from '../../src/client/node.ts';
import type { ErrorCode } from '../../src/domain/errors.ts';
import { exitOf, outputOf, stateOf, uniqueId, untilSays } from '../lib/apps.ts';
import { startDaemon, type TestDaemon } from '../lib/daemon.ts';
import { mountsUnder } from '../lib/machine.ts';
import {
  copyImage,
  layerOf,
  programRoot,
  sha256,
  tarOf,
  writeErofs,
  writeLayout,
  writeSquashfs,
} from '../lib/package-images.ts';
import { helpfulRefusal } from '../lib/refusal.ts';
import { until } from '../lib/until.ts';

const COUNT = ['/bin/sh', '-c', 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.02; done'];
const filesIn = (path: string): readonly string[] => (existsSync(path) ? readdirSync(path) : []);
const mountsOf = (daemon: TestDaemon): readonly string[] =>
  [daemon.directory, `/run/runtime-manager-${daemon.tag}`].flatMap((place) => [...mountsUnder(place)]);

function tryRun(daemon: TestDaemon, rootfs: AppInput['rootfs'], args: readonly string[] = COUNT) {
  const id = uniqueId('package');
  return { id, ran: daemon.client.run({ appId: id, appInstanceId: id, app: { rootfs, args: [...args] } }) };
}

type Bad = { readonly rootfs: AppInput['rootfs']; readonly code: ErrorCode; readonly words: RegExp };

/** Each of them wrong in one way. */
function badOnes(directory: string): Readonly<Record<string, Bad>> {
  const at = (name: string): string => join(directory, name);
  const root = programRoot(at('root'));
  const base = layerOf(root);
  const layered = (name: string, entries: Parameters<typeof tarOf>[0], words: RegExp): Bad => {
    writeLayout(at(name), { layers: [base, tarOf(entries)] });
    return { rootfs: { image: at(name) }, code: 'BUNDLE_INVALID', words };
  };
  writeLayout(at('good'), { layers: [base] });
  copyImage(`oci:${at('good')}:v1`, `oci-archive:${at('cut.tar')}:v1`);
  copyImage(`oci:${at('good')}:v1`, `docker-archive:${at('cut-docker.tar')}:x:v1`);
  for (const name of ['cut.tar', 'cut-docker.tar']) truncateSync(at(name), 1_000_000);
  writeSquashfs(root, at('cut.squashfs'));
  truncateSync(at('cut.squashfs'), 400_000);
  writeErofs(root, at('cut.erofs'));
  truncateSync(at('cut.erofs'), 400_000);
  writeFileSync(at('garbage.squashfs'), Buffer.concat([Buffer.from('hsqs'), Buffer.alloc(8192, 'z')]));
  writeFileSync(at('text'), 'not an image '.repeat(200));
  const [spoilt = ''] = writeLayout(at('spoilt'), { layers: [base] });
  const blob = at(`spoilt/blobs/sha256/${spoilt}`);
  const bytes = readFileSync(blob);
  bytes[3000] = (bytes[3000] ?? 0) ^ 1;
  writeFileSync(blob, bytes);
  // the layer is in the store when this image claims it
  writeLayout(at('thief'), {
    layers: [tarOf([{ name: 'etc/who', text: 'a thief' }])],
    diffIds: [`sha256:${sha256(base)}`],
  });
  const [another = ''] = writeLayout(at('another'), { layers: [tarOf([{ name: 'etc/who', text: 'the true one' }])] });
  writeLayout(at('liar'), {
    layers: [tarOf([{ name: 'etc/who', text: 'a liar' }])],
    diffIds: [`sha256:${another}`],
  });
  const [gone = ''] = writeLayout(at('gone'), { layers: [base] });
  rmSync(at(`gone/blobs/sha256/${gone}`));
  writeLayout(at('json'), { layers: [base] });
  writeFileSync(at('json/index.json'), '{"schemaVersion": 2, "manifests": [');
  mkdirSync(at('empty'));
  const image = (reference: string, words: RegExp, code: ErrorCode = 'BUNDLE_INVALID'): Bad => ({
    rootfs: { image: reference },
    code,
    words,
  });
  return {
    'a name with ../': layered(
      'dots',
      [{ name: '../outside', text: 'x' }],
      /"\.\.\/outside" in layer 2 of 2.*leads out/,
    ),
    'a name with /../': layered('deep', [{ name: 'a/b/../../../outside', text: 'x' }], /leads out/),
    'an absolute name with ../': layered('absolute', [{ name: `/../..${directory}/outside`, text: 'x' }], /leads out/),
    'a hard link outside': layered('hard', [{ name: 'h', type: '1', link: '../../../../etc/shadow' }], /layer 2 of 2/),
    'a hard link through a link': layered(
      'through',
      [
        { name: 's', type: '2', link: '/etc' },
        { name: 'h', type: '1', link: 's/machine-id' },
      ],
      /layer 2 of 2/,
    ),
    'another root': layered('other', [{ name: '.', type: '2', link: directory }], /root directory/),
    'a whiteout of everything': layered('all', [{ name: '.wh..' }], /layer 2 of 2/),
    'a whiteout of what is above': layered('above', [{ name: '.wh...' }], /layer 2 of 2/),
    'a wrong digest': image(at('spoilt'), /spoilt.*(digest|match)/),
    "another layer's diff id": image(at('liar'), /liar.*layer 1 of 1.*mismatch/i),
    "a stored layer's diff id": image(at('thief'), /thief.*layer 1 of 1.*mismatch/i),
    'a missing blob': image(at('gone'), /gone.*no such file/),
    'a broken index': image(at('json'), /json.*cannot be read as oci/),
    'a missing tag': image(`oci:${at('good')}:v2`, /good cannot be read as oci with the tag v2.*"?v2/),
    'a cut OCI archive': image(`oci-archive:${at('cut.tar')}`, /cut\.tar.*unexpected EOF/),
    'a cut docker archive': image(at('cut-docker.tar'), /cut-docker\.tar/),
    'a cut squashfs': image(at('cut.squashfs'), /cut\.squashfs is cut off: it has 400000 bytes of \d+/),
    'a cut EROFS': image(at('cut.erofs'), /cut\.erofs is cut off/),
    'a squashfs of garbage': image(at('garbage.squashfs'), /garbage\.squashfs/),
    'a text': image(at('text'), /text is no image/),
    'a missing file': image(at('nothing'), /nothing cannot be used as an image.*ENOENT/),
    'an empty directory': image(at('empty'), /no OCI image layout/),
    'no tag at all': image(`oci:${at('good')}:../x`, /is no tag/, 'INVALID_ARGUMENT'),
    'a relative path': image('oci:good', /not absolute/, 'INVALID_ARGUMENT'),
    'a registry': image('docker://debian', /not on this device/, 'NOT_SUPPORTED'),
    'a layer that is a file': {
      rootfs: { layers: [root, at('text')] },
      code: 'BUNDLE_INVALID',
      words: /text \(rootfs\.layers\.1\) is not a directory/,
    },
    'a layer that is not there': {
      rootfs: { layers: [at('nothing')] },
      code: 'BUNDLE_INVALID',
      words: /rootfs\.layers\.0/,
    },
  };
}

test('a hostile or broken package is refused with file and reason; nothing is left and nothing outside is touched', async () => {
  await using daemon = await startDaemon();
  const bad = badOnes(daemon.directory);
  await tryRun(daemon, { image: join(daemon.directory, 'good') }, ['/bin/sleep', '0']).ran;
  assert.equal(filesIn(`${daemon.places.packages}/chains`).length, 1);
  const before = readdirSync(daemon.directory);
  for (const [name, { rootfs, code, words }] of Object.entries(bad)) {
    const { ran } = tryRun(daemon, rootfs);
    await helpfulRefusal(ran, code, words).catch((error: unknown) => {
      throw new Error(name, { cause: error });
    });
    assert.deepEqual(filesIn(`${daemon.places.packages}/drafts`), [], name);
    assert.deepEqual(filesIn(`${daemon.places.packages}/holds`), [], name);
    assert.deepEqual(mountsOf(daemon), [], name);
    assert.deepEqual(readdirSync(daemon.directory), before, name);
  }
  assert.equal((await daemon.client.list({ all: true })).length, 1, 'nothing is remembered of what was refused');
  // a base that is shared is whole, whatever was tried on top of it
  const { id, ran } = tryRun(daemon, { image: join(daemon.directory, 'good') }, ['/bin/cat', '/etc/words']);
  await ran;
  assert.equal((await exitOf(daemon.client, id)).code, 0);
  assert.deepEqual(await outputOf(daemon.client, id), ['from the package']);
});

test('a link in a lower layer does not lead an upper layer outside', async () => {
  await using daemon = await startDaemon();
  const at = (name: string): string => join(daemon.directory, name);
  mkdirSync(at('victim'));
  writeFileSync(join(at('victim'), 'file'), 'untouched');
  writeLayout(at('i'), {
    layers: [
      layerOf(programRoot(at('root'))),
      tarOf([
        { name: 'esc', type: '2', link: at('victim') },
        { name: 'up', type: '2', link: '../../../../../..' },
      ]),
      tarOf([
        { name: 'esc/planted', text: 'x' },
        { name: 'esc/.wh.file' },
        { name: 'esc/.wh..wh..opq' },
        { name: `up${at('victim')}/planted`, text: 'x' },
      ]),
    ],
  });
  const { ran } = tryRun(daemon, { image: at('i') });
  await ran;
  assert.deepEqual(readdirSync(at('victim')), ['file']);
  assert.equal(readFileSync(join(at('victim'), 'file'), 'utf8'), 'untouched');
});

test('after kill -9 of the daemon apps run on, and what nobody needs any more is given back by the next', async () => {
  await using daemon = await startDaemon();
  const at = (name: string): string => join(daemon.directory, name);
  const root = programRoot(at('root'));
  writeLayout(at('i'), { layers: [layerOf(root)] });
  writeSquashfs(root, at('p'));
  const kinds = [{ image: at('i') }, { image: at('p') }, { layers: [root, at('i')] }];
  const lasting = kinds.map((rootfs) => tryRun(daemon, rootfs));
  const ending = kinds.map((rootfs) => tryRun(daemon, rootfs, ['/bin/sleep', '1']));
  await Promise.all([...lasting, ...ending].map(({ ran }) => ran));
  const mounted = mountsOf(daemon);
  assert.equal(mounted.length, 3);
  await daemon.kill9();
  // a draft under way, and a hold of nobody
  mkdirSync(`${daemon.places.packages}/drafts/half/root`, { recursive: true });
  writeFileSync(`${daemon.places.packages}/holds/nobody.json`, '{"kind":"layers","key":"none","paths":[]}');
  writeFileSync(`${daemon.places.packages}/holds/torn.json`, '{"kind":');
  await daemon.start();
  assert.deepEqual(filesIn(`${daemon.places.packages}/drafts`), []);
  for (const { id } of ending) await exitOf(daemon.client, id);
  await until(() => filesIn(`${daemon.places.packages}/holds`).length === 3, { what: 'three hold their packages' });
  assert.deepEqual(mountsOf(daemon), mounted);
  for (const { id } of lasting) {
    assert.equal(await stateOf(daemon.client, id), 'RUNNING');
    await daemon.client.hibernate({ appInstanceId: id });
    await daemon.client.wake({ appInstanceId: id });
    await daemon.client.kill({ appInstanceId: id });
  }
  assert.deepEqual(mountsOf(daemon), []);
  assert.equal(execFileSync('losetup', ['--associated', at('p')], { encoding: 'utf8' }), '');
});

test('a daemon that is killed while it unpacks leaves nothing that the next one would take for an image', async () => {
  await using daemon = await startDaemon();
  const root = programRoot(join(daemon.directory, 'root'));
  writeFileSync(join(root, 'ballast'), Buffer.alloc(60 * 2 ** 20, 'ballast '));
  const image = join(daemon.directory, 'i');
  writeLayout(image, { layers: [layerOf(root)] });
  const { ran } = tryRun(daemon, { image });
  const refused = ran.catch(() => undefined);
  const drafts = `${daemon.places.packages}/drafts`;
  await until(() => filesIn(drafts).length > 0, { what: 'it is being unpacked' });
  await daemon.kill9();
  await refused;
  await daemon.start();
  assert.deepEqual(filesIn(drafts), []);
  const { id, ran: again } = tryRun(daemon, { image });
  await again;
  await untilSays(daemon.client, id, '3');
});

test('a kill stops a run that waits for its image', async () => {
  await using daemon = await startDaemon();
  const root = programRoot(join(daemon.directory, 'root'));
  writeFileSync(join(root, 'ballast'), Buffer.alloc(60 * 2 ** 20, 'ballast '));
  const image = join(daemon.directory, 'i');
  writeLayout(image, { layers: [layerOf(root)] });
  const { id, ran } = tryRun(daemon, { image });
  const refused = assert.rejects(ran, { code: 'ABORTED' });
  await until(() => filesIn(`${daemon.places.packages}/drafts`).length > 0, { what: 'it is being unpacked' });
  await daemon.client.kill({ appInstanceId: id });
  await refused;
  assert.deepEqual(filesIn(`${daemon.places.packages}/holds`), []);
  await until(() => filesIn(`${daemon.places.packages}/drafts`).length === 0, { what: 'the work has come to its end' });
});

test('a disk that becomes full on the way is told as such, and all works again when there is room', async () => {
  const sizeBytes = 64 * 2 ** 20;
  await using daemon = await startDaemon({
    prepare: (root) => {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeBytes},mode=755`, 'tmpfs', root]);
      return Promise.resolve(async () => {
        await until(() => unmounted(root), { what: 'its disk can be unmounted' });
      });
    },
  });
  const root = programRoot(join(daemon.directory, 'root'));
  writeFileSync(join(root, 'ballast'), Buffer.alloc(20 * 2 ** 20, 'ballast '));
  const image = join(daemon.directory, 'i');
  writeLayout(image, { layers: [layerOf(root)] });
  const filling = join(daemon.root, 'filling');
  // too little for the copy, for the files, and for the rest
  for (const leftMiB of [1, 12, 26, 38]) {
    const { bavail, bsize } = statfsSync(daemon.root);
    writeFileSync(filling, Buffer.alloc(bavail * bsize - leftMiB * 2 ** 20));
    const { ran } = tryRun(daemon, { image });
    await helpfulRefusal(ran, 'NO_SPACE', /disk/);
    assert.deepEqual(filesIn(`${daemon.places.packages}/drafts`), [], `${leftMiB} MiB`);
    assert.deepEqual(filesIn(`${daemon.places.packages}/chains`), [], `${leftMiB} MiB`);
    rmSync(filling);
  }
  const { id, ran } = tryRun(daemon, { image });
  await ran;
  await untilSays(daemon.client, id, '3');
});

/** False while a monitor that is ending still has a file open in it. */
function unmounted(point: string): boolean {
  execFileSync('umount', [point], { stdio: 'ignore' });
  return true;
}
