/** What is on disk for apps, as callers see it: images of those that sleep, and packages that were unpacked or are mounted. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { hostApp, runApp, SLEEP, uniqueId } from '../lib/apps.ts';
import { startDaemon, type TestDaemon } from '../lib/daemon.ts';
import { layerOf, programRoot, tarOf, writeLayout, writeSquashfs } from '../lib/package-images.ts';
import { runtimectl } from '../lib/runtimectl.ts';
import { until } from '../lib/until.ts';

const ctl = async ({ root }: TestDaemon, ...words: readonly string[]): Promise<string> => {
  const { code, stdout, stderr } = await runtimectl(words, { root });
  assert.equal(code, 0, stderr);
  return stdout + stderr;
};

test('images of apps that sleep are listed with their size, and what stands against a wake', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  assert.deepEqual(await client.listImages({}), []);
  assert.match(await ctl(daemon, 'images'), /no app sleeps/);
  const [one, other] = [await runApp(client, 'slept', SLEEP), await runApp(client, 'spoilt', SLEEP)];
  for (const appInstanceId of [one, other]) await client.hibernate({ appInstanceId });
  const imageOf = async (id: string) => (await client.listImages({})).find(({ appInstanceId }) => appInstanceId === id);
  const durable = await until(async () => (await imageOf(one))?.durable, {
    what: 'the image is flushed',
    timeoutMs: 20_000,
  });
  assert.equal(durable, true);
  const image = await imageOf(one);
  assert.equal(image?.appId, one);
  assert.equal(image.path?.startsWith(daemon.root), true);
  assert(image.sizeBytes > 0 && image.rawBytes >= image.sizeBytes && image.unusable === null);
  await until(async () => (await imageOf(other))?.durable, { what: 'the other one is flushed', timeoutMs: 20_000 });
  writeFileSync(join((await imageOf(other))?.path ?? '', 'manifest.json'), '{}');
  assert.match((await imageOf(other))?.unusable ?? '', /cannot be used/);
  const said = await ctl(daemon, 'images');
  assert.match(said, /^INSTANCE +APP +SIZE +RAW +RATIO +DURABLE +SINCE$/m);
  assert.match(said, new RegExp(`^${one} +${one} .* yes `, 'm'));
  assert.match(said, new RegExp(`${other} cannot be woken: `));
  await client.wake({ appInstanceId: one });
  await client.kill({ appInstanceId: one });
  assert.deepEqual(
    (await client.listImages({})).map(({ appInstanceId }) => appInstanceId),
    [other],
  );
});

test('packages are listed with who uses them, and what nobody uses can be deleted', async () => {
  await using daemon = await startDaemon();
  const { client, directory } = daemon;
  const at = (name: string): string => join(directory, name);
  const root = programRoot(at('root'));
  // two images on one base
  const base = layerOf(root);
  for (const name of ['a', 'b']) writeLayout(at(name), { layers: [base, tarOf([{ name: 'who', text: name }])] });
  writeSquashfs(root, at('root.squashfs'));
  const run = async (image: string): Promise<string> => {
    const id = uniqueId('packed');
    const { app } = hostApp(id, SLEEP);
    await client.run({ appId: id, appInstanceId: id, app: { ...app, rootfs: { image } } });
    return id;
  };
  const [a, b] = [await run(`oci:${at('a')}:v1`), await run(at('b'))];
  const mounted = await run(at('root.squashfs'));
  const { packages, totalBytes, budgetBytes } = await client.listPackages({});
  const bySource = (text: string) => packages.find(({ sources }) => sources.some((source) => source.includes(text)));
  const [ofA, ofB, ofFile] = [bySource(at('a')), bySource(at('b')), bySource('squashfs')];
  assert.deepEqual([ofA?.kind, ofA?.usedBy, ofA?.sources], ['image', [a], [`oci:${at('a')}:v1`]]);
  assert.deepEqual([ofB?.usedBy, ofFile?.usedBy], [[b], [mounted]]);
  assert.deepEqual([ofFile?.kind, ofFile?.sizeBytes, ofFile?.usedAt], ['squashfs', null, null]);
  assert(
    packages.some(({ kind, sources, usedBy }) => kind === 'image' && sources.length + usedBy.length === 0),
    'the base',
  );
  const sum = packages.reduce((all, { sizeBytes }) => all + (sizeBytes ?? 0), 0);
  assert((ofA?.sizeBytes ?? 0) > 0 && totalBytes < sum && totalBytes < budgetBytes, 'what they share counts once');
  assert.match(await ctl(daemon, 'packages', 'ls'), new RegExp(`image .* ${a} .* oci:${at('a')}:v1$`, 'm'));

  await client.hibernate({ appInstanceId: a });
  await client.kill({ appInstanceId: b });
  const { deleted, freedBytes } = await client.prunePackages({});
  // the base's files are those of the image that is still used
  assert.deepEqual([deleted, freedBytes > 0], [2, true]);
  assert.deepEqual(
    (await client.listPackages({})).packages.map(({ usedBy }) => usedBy).sort(),
    [[a], [mounted]].sort(),
  );
  await client.wake({ appInstanceId: a });
  for (const appInstanceId of [a, mounted]) await client.kill({ appInstanceId });
  assert.match(await ctl(daemon, 'packages', 'prune'), /^1 deleted, /);
  assert.deepEqual((await client.listPackages({})).packages, []);
  await client.kill({ appInstanceId: await run(at('a')) });
});
