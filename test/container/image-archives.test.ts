/** Archives of images as the programs of the field write them. Each begins with an empty store: no layer is there from another one. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Client } from '../../src/client/node.ts';
import { exitOf, outputOf, uniqueId } from '../lib/apps.ts';
import { startDaemon } from '../lib/daemon.ts';
import {
  compress,
  copyImage,
  layerOf,
  programRoot,
  tarOf,
  writeDockerArchive,
  writeLayout,
  type DockerLayout,
} from '../lib/package-images.ts';
import { helpfulRefusal } from '../lib/refusal.ts';

const COMPRESSIONS = ['gzip', 'zstd', 'xz', 'bzip2'];
/** Each takes the compressor's own time. */
const FAST = ['gzip', 'zstd'];

async function saidBy(client: Client, image: string): Promise<readonly string[]> {
  const id = uniqueId('archive');
  const app = { rootfs: { image }, args: ['/bin/cat', '/etc/words', '/etc/who'] };
  await client.run({ appId: id, appInstanceId: id, app });
  await exitOf(client, id);
  const said = await outputOf(client, id);
  // the answer comes when it has given its package back
  await client.kill({ appInstanceId: id });
  return said;
}

/** References, by what they are. Every image says `from the package` and `one`. */
function makeAll(directory: string): Readonly<Record<string, string>> {
  const at = (name: string): string => join(directory, name);
  const base = layerOf(programRoot(at('root')));
  const one = [base, tarOf([{ name: './etc/who', text: 'one\n' }])];
  const two = [base, tarOf([{ name: 'etc/who', text: 'two\n' }])];
  const docker = (name: string, layout: DockerLayout, names: readonly string[]): string => {
    const prefix = name === 'dot.tar' ? './' : '';
    writeDockerArchive(at(name), { layout, images: [{ layers: one, names }], prefix });
    return at(name);
  };
  // a layer twice, as a repeated instruction makes it
  writeDockerArchive(at('twice.tar'), {
    layout: 'old',
    images: [{ layers: [...one, base, ...one.slice(1)], names: [] }],
  });
  writeDockerArchive(at('two.tar'), {
    layout: 'old',
    images: [
      { layers: two, names: ['two:v1'] },
      { layers: one, names: ['one:v1', 'one:latest'] },
    ],
  });
  writeLayout(at('layout'), { layers: one });
  copyImage(`oci:${at('layout')}:v1`, `oci-archive:${at('oci.tar')}:v1`);
  copyImage(`oci:${at('layout')}:v1`, `docker-archive:${at('skopeo.tar')}:clock:v1`);
  mkdirSync(at('members'));
  execFileSync('tar', ['--extract', '--file', at('oci.tar'), '--directory', at('members')]);
  execFileSync('tar', ['--create', '--file', at('dots.tar'), '--directory', at('members'), '.']);
  const archives = COMPRESSIONS.map((tool) => {
    writeFileSync(at(`docker.${tool}`), compress(tool, readFileSync(at('skopeo.tar'))));
    return [`a docker archive in ${tool}`, at(`docker.${tool}`)] as const;
  });
  const packed = FAST.flatMap((tool) => {
    writeFileSync(at(`oci.${tool}`), compress(tool, readFileSync(at('oci.tar'))));
    writeLayout(at(`layers.${tool}`), { layers: [compress(tool, base), ...one.slice(1)], plain: one });
    return [
      [`an OCI archive in ${tool}`, at(`oci.${tool}`)] as const,
      [`layers in ${tool} that are called plain`, at(`layers.${tool}`)] as const,
    ];
  });
  const described: readonly (readonly [string, string])[] = [...archives, ...packed];
  return {
    'docker save before 25': docker('old.tar', 'old', ['one:v1']),
    'docker save since 25': docker('new.tar', 'save-25', ['one:v1']),
    'by its name': `docker-archive:${docker('named.tar', 'save-25', ['one:v1'])}:one:v1`,
    'without a tag': docker('untagged.tar', 'old', []),
    'with two tags': docker('tags.tar', 'old', ['one:v1', 'one:latest']),
    'with names in ./': docker('dot.tar', 'old', ['one:v1']),
    'layers in gzip': docker('gcr.tar', 'go-containerregistry', ['one:v1']),
    'a layer twice': at('twice.tar'),
    'one of two images': `docker-archive:${at('two.tar')}:one:latest`,
    'a docker archive of skopeo': at('skopeo.tar'),
    'an OCI archive with names in ./': at('dots.tar'),
    ...Object.fromEntries(described),
  };
}

test('archives of docker save, podman, skopeo and others run from an empty store, compressed or not', async () => {
  await using daemon = await startDaemon();
  const { client, places } = daemon;
  for (const [kind, image] of Object.entries(makeAll(daemon.directory))) {
    const said = await saidBy(client, image).catch((error: unknown) => {
      throw new Error(kind, { cause: error });
    });
    assert.deepEqual(said, ['from the package', 'one'], kind);
    await client.prunePackages({});
    assert.deepEqual(readdirSync(`${places.packages}/chains`), [], kind);
  }
  const several = join(daemon.directory, 'two.tar');
  const error = await helpfulRefusal(
    saidBy(client, several),
    'BUNDLE_INVALID',
    /two\.tar cannot be read as docker-archive/,
  );
  assert.match(error.next ?? '', /two:v1/, 'it names what is there');
  writeFileSync(join(daemon.directory, 'files.tar'), tarOf([{ name: 'etc/words', text: 'x' }]));
  const files = saidBy(client, join(daemon.directory, 'files.tar'));
  await helpfulRefusal(files, 'BUNDLE_INVALID', /is an archive, but no image/);
});
