/** What ordinary builders write into layers stays in the image, and works. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Client } from '../../src/client/node.ts';
import { exitOf, outputOf, uniqueId } from '../lib/apps.ts';
import { startDaemon, TOOLS } from '../lib/daemon.ts';
import { layerOf, programRoot, tarOf, writeLayout } from '../lib/package-images.ts';

async function saidBy(client: Client, image: string, script: string): Promise<string> {
  const id = uniqueId('entries');
  await client.run({ appId: id, appInstanceId: id, app: { rootfs: { image }, args: ['/bin/sh', '-c', script] } });
  await exitOf(client, id);
  return (await outputOf(client, id)).join('\n');
}

const LONG = `${'long-name-'.repeat(12)}/${'of-pax-'.repeat(20)}`;

/** By GNU tar: long names, holes. */
function layerOfTar(directory: string, ...options: readonly string[]): Buffer {
  const args = ['--create', '--numeric-owner', '--directory', directory, ...options, '.'];
  return execFileSync('tar', args, { maxBuffer: 2 ** 30 });
}

test('absolute names, the root itself, long and strange names, holes, links and attributes stay in the image', async () => {
  await using daemon = await startDaemon();
  const at = (name: string): string => join(daemon.directory, name);
  const base = layerOf(programRoot(at('root')));
  mkdirSync(join(at('more'), LONG, '..'), { recursive: true });
  writeFileSync(join(at('more'), LONG), 'long\n');
  execFileSync('truncate', ['--size', '64M', join(at('more'), 'hole')]);
  const outside = `${daemon.directory}/outside`;
  writeLayout(at('i'), {
    layers: [
      base,
      layerOfTar(at('more'), '--sparse', '--format=posix', '--transform=s,^\\.,,', '--absolute-names'),
      layerOfTar(at('more'), '--format=gnu', '--transform=s,^\\./,/gnu/,', '--absolute-names'),
      tarOf([
        { name: '/', type: '5', mode: 0o755 },
        { name: '/kept', text: 'kept\n' },
        { name: outside, text: 'inside\n' },
        { name: 'a/./b/../c', text: 'plain\n' },
        { name: 'gone', text: 'x' },
        { name: 'dir/old', text: 'x' },
        { name: Buffer.from('dir2/\xe4\xff', 'latin1'), text: 'bytes\n' },
        { name: Buffer.from('top\xff', 'latin1'), text: 'x' },
        { name: 'way', type: '2', link: '/etc' },
        { name: 'hard', type: '1', link: '/etc/words' },
        { name: 'PaxHeaders/tagged', type: 'x', text: '27 SCHILY.xattr.user.tag=x\n' },
        { name: 'tagged', text: 'tagged\n' },
        { name: 'suid', mode: 0o6755, text: 'x' },
        { name: 'null', type: '3' },
      ]),
      tarOf([
        { name: './', type: '5' },
        { name: 'way/through', text: 'through\n' },
        { name: '/.wh.gone', text: '' },
        { name: 'dir/.wh..wh..opq', text: '' },
        { name: 'dir/new', text: 'new\n' },
      ]),
    ],
  });
  const script = `cat /kept ${outside} /a/c /dir2/* /hard /tagged /etc/through /dir/* /${LONG} /gnu/${LONG}; ls -ln /suid /hole /gnu/hole; ls /gone /null`;
  const said = await saidBy(daemon.client, at('i'), script);
  assert.match(said, /^kept\ninside\nplain\nbytes\nfrom the package\ntagged\nthrough\nnew\nlong\nlong$/m);
  assert.match(said, /^-rwxr-xr-x \d+ \d+ \d+ +1 .* \/suid$/m);
  assert.equal(said.match(/ 67108864 .*hole$/gm)?.length, 2, said);
  assert.equal(said.match(/cannot access/g)?.length, 2, said);
  assert.equal(existsSync(outside), false);
});

test('an image that umoci made with files inserted at / runs', async () => {
  await using daemon = await startDaemon();
  const at = (name: string): string => join(daemon.directory, name);
  const umoci = (...args: readonly string[]) => execFileSync(join(TOOLS, 'umoci'), args, { stdio: 'pipe' });
  mkdirSync(join(at('extra'), 'opt'), { recursive: true });
  writeFileSync(join(at('extra'), 'opt', 'word'), 'inserted\n');
  umoci('init', '--layout', at('i'));
  umoci('new', '--image', `${at('i')}:v1`);
  umoci('insert', '--image', `${at('i')}:v1`, programRoot(at('root')), '/');
  umoci('insert', '--image', `${at('i')}:v1`, at('extra'), '/');
  assert.equal(
    await saidBy(daemon.client, `oci:${at('i')}:v1`, 'cat /etc/words /opt/word'),
    'from the package\ninserted',
  );
  assert.deepEqual(readdirSync(`${daemon.places.packages}/drafts`), []);
});
