/** Apps that run from images: every kind, through a whole life, and nothing left of any. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { AppInput, Client } from '../../src/client/node.ts';
import { exitOf, outputOf, uniqueId, untilSays } from '../lib/apps.ts';
import { startDaemon, type TestDaemon } from '../lib/daemon.ts';
import { mountsUnder } from '../lib/machine.ts';
import { mountNamespace } from '../lib/mount-namespace.ts';
import {
  copyImage,
  layerOf,
  programRoot,
  tarOf,
  writeErofs,
  writeLayout,
  writeSquashfs,
} from '../lib/package-images.ts';
import { until } from '../lib/until.ts';

/** Counts, a line each; the file stays open while it sleeps. */
const COUNT = 'exec 3< /etc/words; i=0; while :; do i=$((i+1)); echo $i; sleep 0.02; done';

const mountsOf = (daemon: TestDaemon): readonly string[] =>
  [daemon.directory, `/run/runtime-manager-${daemon.tag}`].flatMap((place) => [...mountsUnder(place)]);
const loopsOf = (file: string): string => execFileSync('losetup', ['--associated', file], { encoding: 'utf8' });
const filesIn = (path: string): readonly string[] => (existsSync(path) ? readdirSync(path) : []);

async function runImage(client: Client, rootfs: AppInput['rootfs'], script: string): Promise<string> {
  const id = uniqueId('image');
  await client.run({ appId: id, appInstanceId: id, app: { rootfs, args: ['/bin/sh', '-c', script] } });
  return id;
}

async function saidBy(client: Client, rootfs: AppInput['rootfs'], script: string): Promise<string> {
  const id = await runImage(client, rootfs, script);
  await exitOf(client, id);
  return (await outputOf(client, id)).join('\n');
}

const countOf = async (client: Client, id: string): Promise<number> => Number((await outputOf(client, id)).at(-1) ?? 0);

/** Every kind of package, made from the same root. */
function makeAll(directory: string): Readonly<Record<string, AppInput['rootfs']>> {
  const root = programRoot(join(directory, 'root'));
  const at = (name: string): string => join(directory, name);
  writeLayout(at('layout'), { layers: [layerOf(root)] });
  copyImage(`oci:${at('layout')}:v1`, `oci-archive:${at('oci.tar')}:v1`);
  copyImage(`oci:${at('layout')}:v1`, `docker-archive:${at('docker.tar')}:clock:v1`);
  writeSquashfs(root, at('root.squashfs'));
  writeErofs(root, at('root.erofs'));
  mkdirSync(join(at('upper'), 'etc'), { recursive: true });
  writeFileSync(join(at('upper'), 'etc', 'more'), 'from above\n');
  return {
    'oci:': { image: `oci:${at('layout')}:v1` },
    'oci-archive:': { image: `oci-archive:${at('oci.tar')}:v1` },
    'docker-archive:': { image: `docker-archive:${at('docker.tar')}:clock:v1` },
    'a layout by its path': { image: at('layout') },
    'an OCI archive by its path': { image: at('oci.tar') },
    'a docker archive by its path': { image: at('docker.tar') },
    squashfs: { image: at('root.squashfs') },
    EROFS: { image: at('root.erofs') },
    layers: { layers: [root, at('upper')] },
  };
}

test('an app runs from every kind of package, cannot write to it, sleeps and wakes, and gives it back', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const kinds = makeAll(daemon.directory);
  for (const [kind, rootfs] of Object.entries(kinds)) {
    const id = await runImage(client, rootfs, `cat /etc/words; touch /etc/x; ${COUNT}`).catch((error: unknown) => {
      throw new Error(kind, { cause: error });
    });
    await untilSays(client, id, '5');
    const said = (await outputOf(client, id)).join('\n');
    assert.match(said, /^from the package$/m, kind);
    assert.match(said, /Read-only file system/, kind);
    assert.equal(mountsOf(daemon).length, 1, `${kind}: ${mountsOf(daemon).join()}`);
    await client.hibernate({ appInstanceId: id });
    const before = await countOf(client, id);
    await client.wake({ appInstanceId: id });
    await until(async () => (await countOf(client, id)) > before, { what: `${kind} counts on` });
    assert((await countOf(client, id)) < before + 1000, kind);
    await client.kill({ appInstanceId: id });
    assert.deepEqual(mountsOf(daemon), [], kind);
    // the next one must not find the same layers in the store
    await client.prunePackages({});
    assert.deepEqual(filesIn(`${daemon.places.packages}/chains`), [], kind);
    assert.deepEqual(filesIn(`${daemon.places.packages}/holds`), [], kind);
  }
  assert.equal(loopsOf(join(daemon.directory, 'root.squashfs')) + loopsOf(join(daemon.directory, 'root.erofs')), '');
  assert.match(
    await saidBy(client, kinds['layers'] ?? { host: true }, 'cat /etc/words /etc/more'),
    /package\nfrom above/,
  );
});

describe('an image', () => {
  test('says what runs, where and with which variables; its user does not count, and all of it can be read', async () => {
    await using daemon = await startDaemon();
    const root = programRoot(join(daemon.directory, 'root'));
    const extra = tarOf([
      { name: 'secret', type: '5', mode: 0o700, uid: 999 },
      { name: 'secret/of-999', mode: 0o600, uid: 999, text: 'read\n' },
      { name: 'tool', mode: 0o4755, text: '#!/bin/sh\n' },
      { name: 'open', mode: 0o777, text: 'x' },
      { name: 'device', type: '3' },
      { name: 'pipe', type: '6' },
    ]);
    writeLayout(join(daemon.directory, 'i'), {
      layers: [layerOf(root), extra],
      config: {
        Entrypoint: ['/bin/sh', '-c'],
        Cmd: ['echo $WORD $PWD; cat /secret/of-999; ls -ln / | cat; echo ok > /cache/file && cat /cache/file'],
        Env: ['WORD=hello'],
        WorkingDir: '/etc',
        User: '999',
        Volumes: { '/cache': {}, '/data': {} },
      },
    });
    const id = uniqueId('configured');
    await daemon.client.run({
      appId: id,
      appInstanceId: id,
      app: { rootfs: { image: join(daemon.directory, 'i') } },
    });
    const { code } = await exitOf(daemon.client, id);
    const said = (await outputOf(daemon.client, id)).join('\n');
    assert.equal(code, 0, said);
    assert.match(said, /^hello \/etc\nread$/m);
    assert.match(said, /^-rwxr-xr-x .* tool$/m);
    assert.match(said, /^-rwxr-xr-x .* open$/m);
    assert.doesNotMatch(said, /device|pipe/);
    assert.match(said, /^ok$/m);
  });

  test('is unpacked once for all who want it at the same time, shares its base with others, and is unmounted after the last', async () => {
    await using daemon = await startDaemon();
    const { client } = daemon;
    const at = (name: string): string => join(daemon.directory, name);
    const base = layerOf(programRoot(at('root')));
    const chains = `${daemon.places.packages}/chains`;
    writeLayout(at('a'), { layers: [base, tarOf([{ name: 'etc/who', text: 'a\n' }])] });
    writeLayout(at('b'), { layers: [base, tarOf([{ name: 'etc/who', text: 'b\n' }, { name: 'etc/.wh.words' }])] });
    const ids = await Promise.all([...Array(6).keys()].map(() => runImage(client, { image: at('a') }, COUNT)));
    assert.equal(mountsOf(daemon).length, 1);
    assert.equal(filesIn(chains).length, 2, 'the base, and the whole');
    assert.deepEqual(filesIn(`${daemon.places.packages}/drafts`), []);
    const other = await runImage(client, { image: at('b') }, 'cat /etc/who; ls /etc; sleep 1000');
    assert.equal(mountsOf(daemon).length, 2);
    await untilSays(client, other, 'who');
    assert(!(await outputOf(client, other)).includes('words'), 'what the upper layer deletes is gone');
    const inodes = filesIn(chains).map((name) =>
      execFileSync('stat', ['-c', '%i', join(chains, name, 'root', 'bin', 'sh')], { encoding: 'utf8' }),
    );
    assert.equal(inodes.length, 3);
    assert.equal(new Set(inodes).size, 1, 'one file for all');
    const [last = '', ...first] = ids;
    await Promise.all(first.map((id) => client.kill({ appInstanceId: id })));
    assert.equal(mountsOf(daemon).length, 2);
    await client.kill({ appInstanceId: last });
    await client.kill({ appInstanceId: other });
    assert.deepEqual(mountsOf(daemon), []);
  });

  test('that is replaced or deleted while an app sleeps is the old one to this app, and the new one to the next', async () => {
    await using daemon = await startDaemon();
    const { client } = daemon;
    const at = (name: string): string => join(daemon.directory, name);
    const root = programRoot(at('root'));
    writeLayout(at('i'), { layers: [layerOf(root)] });
    const id = await runImage(client, { image: at('i') }, COUNT);
    await untilSays(client, id, '3');
    await client.hibernate({ appInstanceId: id });
    writeFileSync(join(root, 'etc', 'words'), 'the new one\n');
    rmSync(at('i'), { recursive: true });
    writeLayout(at('i'), { layers: [layerOf(root)] });
    assert.equal(await saidBy(client, { image: at('i') }, 'cat /etc/words'), 'the new one');
    rmSync(at('i'), { recursive: true });
    await daemon.kill9();
    await daemon.start();
    await daemon.client.wake({ appInstanceId: id });
    const before = await countOf(daemon.client, id);
    await until(async () => (await countOf(daemon.client, id)) > before, { what: 'it counts on' });
  });

  test('that nobody uses is deleted when all together take more than the budget', async () => {
    await using daemon = await startDaemon({ config: { packages: { budgetBytes: 0 } } });
    const { client } = daemon;
    const image = join(daemon.directory, 'i');
    writeLayout(image, { layers: [layerOf(programRoot(join(daemon.directory, 'root')))] });
    const chains = `${daemon.places.packages}/chains`;
    const [one, two] = [await runImage(client, { image }, COUNT), await runImage(client, { image }, COUNT)];
    await client.kill({ appInstanceId: one });
    assert.equal(filesIn(chains).length, 1, 'it is in use');
    await client.kill({ appInstanceId: two });
    assert.deepEqual(filesIn(chains), []);
    assert.equal(await saidBy(client, { image }, 'cat /etc/words'), 'from the package');
  });
});

test('images are released although other mount namespaces have copies of their mounts, and run while one is stood in', async () => {
  await using space = await mountNamespace('private');
  await using daemon = await startDaemon({ within: space.within });
  const { client, directory } = daemon;
  const root = programRoot(join(directory, 'root'));
  const files = { squashfs: join(directory, 'root.squashfs'), erofs: join(directory, 'root.erofs') };
  writeSquashfs(root, files.squashfs);
  writeErofs(root, files.erofs);
  const places = `/run/runtime-manager-${daemon.tag}/packages`;
  for (const file of Object.values(files)) {
    const id = await runImage(client, { image: file }, COUNT);
    await using _ = await space.neighbour();
    {
      const [place = ''] = filesIn(places);
      await using inside = await space.neighbour(join(places, place, 'etc'));
      await client.kill({ appInstanceId: id });
      assert.notEqual(loopsOf(file), '', 'the neighbour stands in it');
      assert.equal(await saidBy(client, { image: file }, 'cat /etc/words'), 'from the package');
      assert.equal(readFileSync(`/proc/${inside.pid}/cwd/words`, 'utf8'), 'from the package\n');
    }
    const again = await runImage(client, { image: file }, COUNT);
    await client.kill({ appInstanceId: again });
    await until(() => loopsOf(file) === '', { what: `nothing on the machine has ${file} mounted` });
    await client.prunePackages();
    assert.deepEqual(filesIn(places), []);
  }
});

test('a squashfs file that is another one at the wake is refused, and the image of the app is kept', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const at = (name: string): string => join(daemon.directory, name);
  writeSquashfs(programRoot(at('root')), at('p'));
  const id = await runImage(client, { image: at('p') }, COUNT);
  await untilSays(client, id, '3');
  await client.hibernate({ appInstanceId: id });
  renameSync(at('p'), at('old'));
  writeFileSync(at('p'), readFileSync(at('old')));
  await assert.rejects(client.wake({ appInstanceId: id }), { code: 'IMAGE_UNUSABLE', message: /another file/ });
  renameSync(at('old'), at('p'));
  await client.wake({ appInstanceId: id });
});

test('links of a root file system lead nowhere but into itself', async () => {
  await using daemon = await startDaemon();
  const root = programRoot(join(daemon.directory, 'root'));
  rmSync(join(root, 'etc'), { recursive: true });
  symlinkSync('/', join(root, 'etc'));
  mkdirSync(join(root, 'dev', 'null'), { recursive: true });
  symlinkSync('../../../..', join(root, 'up'));
  symlinkSync('/etc', join(root, 'data'));
  writeLayout(join(daemon.directory, 'i'), { layers: [layerOf(root)] });
  const script = 'ls /etc/ /up/; echo x > /data/x; echo x > /dev/null; ls -d /etc/hostname /up/root';
  const said = await saidBy(daemon.client, { image: join(daemon.directory, 'i') }, script);
  assert.match(said, /bin/);
  assert.doesNotMatch(said, /^(hostname|root|\/etc\/hostname|\/up\/root)$/m);
  assert.doesNotMatch(said, /Is a directory/);
});
