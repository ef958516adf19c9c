/** What an image says about itself: machine, signal to end, working directory, content where an app gets a tmpfs. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { AppInput, Client } from '../../src/client/node.ts';
import { ELF_HEADER_BYTES, headerFor } from '../../src/domain/elf.ts';
import { exitOf, outputOf, uniqueId, untilSays } from '../lib/apps.ts';
import { startDaemon } from '../lib/daemon.ts';
import { ARCHITECTURE, layerOf, programRoot, tarOf, writeIndex, writeLayout } from '../lib/package-images.ts';
import { helpfulRefusal } from '../lib/refusal.ts';

const FOREIGN = 's390x';

async function runImage(client: Client, image: string, app: Partial<AppInput> = {}): Promise<string> {
  const id = uniqueId('configured');
  await client.run({ appId: id, appInstanceId: id, app: { rootfs: { image }, ...app } });
  return id;
}

async function saidBy(client: Client, image: string, script: string): Promise<string> {
  const id = await runImage(client, image, { args: ['/bin/sh', '-c', script] });
  await exitOf(client, id);
  return (await outputOf(client, id)).join('\n');
}

test('an image or a program for another machine is refused by name, before anything starts', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const at = (name: string): string => join(daemon.directory, name);
  const root = programRoot(at('root'));
  const base = layerOf(root);
  writeLayout(at('foreign'), { layers: [base], architecture: FOREIGN });
  writeLayout(at('windows'), { layers: [base], os: 'windows' });
  await helpfulRefusal(
    runImage(client, at('foreign')),
    'BUNDLE_INVALID',
    /foreign is an image for linux\/s390x, and this device is linux/,
  );
  await helpfulRefusal(runImage(client, at('windows')), 'BUNDLE_INVALID', /windows is an image for windows\//);
  writeIndex(at('others'), {
    layers: [base],
    platforms: [
      [FOREIGN, 'linux'],
      ['riscv64', 'linux'],
    ],
  });
  const none = await helpfulRefusal(
    runImage(client, at('others')),
    'BUNDLE_INVALID',
    /others cannot be read.*no image found/,
  );
  assert.match(none.next ?? '', /for linux\//);
  writeIndex(at('many'), {
    layers: [base],
    platforms: [
      [FOREIGN, 'linux'],
      [ARCHITECTURE, 'linux'],
    ],
  });
  assert.equal(await saidBy(client, at('many'), 'cat /etc/words'), 'from the package');
  // its configuration lies; and a root file system has none
  const program = Buffer.concat([headerFor(FOREIGN) ?? Buffer.alloc(0), Buffer.from('\necho ran as a script\n')]);
  assert.equal(program.indexOf('\n'), ELF_HEADER_BYTES);
  writeFileSync(join(root, 'bin', 'foreign'), program, { mode: 0o755 });
  writeFileSync(join(root, 'bin', 'by-it'), '#!/bin/foreign\n', { mode: 0o755 });
  writeLayout(at('liar'), { layers: [layerOf(root)] });
  const words = /a program for s390x, and this device is/;
  for (const rootfs of [{ image: at('liar') }, { dir: root }]) {
    for (const command of ['/bin/foreign', 'foreign', '/bin/by-it']) {
      const id = uniqueId('foreign');
      const ran = client.run({ appId: id, appInstanceId: id, app: { rootfs, args: [command] } });
      await helpfulRefusal(ran, 'COMMAND_NOT_FOUND', words);
    }
  }
});

test('an image is asked to end with its own signal, by name or number, also by the next daemon', async () => {
  await using daemon = await startDaemon();
  const root = programRoot(join(daemon.directory, 'root'));
  const base = layerOf(root);
  const trap = 'trap "echo got it; exit 7" $1; trap "" TERM; echo ready; while :; do sleep 0.1; done';
  for (const [signal, number] of [
    ['SIGQUIT', 3],
    ['10', 10],
    ['RTMIN+3', 37],
  ] as const) {
    const image = join(daemon.directory, `stops-by-${signal}`);
    const Entrypoint = ['/bin/sh', '-c', trap, 'sh', String(number)];
    writeLayout(image, { layers: [base], config: { Entrypoint, StopSignal: signal } });
    const id = await runImage(daemon.client, image);
    await untilSays(daemon.client, id, 'ready');
    if (signal === 'SIGQUIT') {
      await daemon.kill9();
      await daemon.start();
    }
    await daemon.client.terminate({ appInstanceId: id });
    assert.deepEqual((await outputOf(daemon.client, id)).slice(-1), ['got it'], signal);
    assert.equal((await exitOf(daemon.client, id)).code, 7, signal);
  }
});

test('a working directory that is not there is made, and what an image has below /run, /tmp and in volumes is there', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const at = (name: string): string => join(daemon.directory, name);
  const root = programRoot(at('root'));
  const content = tarOf([
    { name: 'run/service/deep', type: '5' },
    { name: 'run/service/settings', text: 'of the image\n', mode: 0o600, uid: 33 },
    { name: 'tmp/seed', text: 'seed\n' },
    { name: 'var/cache/app/words', text: 'cached\n' },
    { name: 'run/out', type: '2', link: '/etc' },
    { name: Buffer.from('run/\xff', 'latin1'), text: 'x' },
  ]);
  writeLayout(at('i'), {
    layers: [layerOf(root), content],
    config: {
      WorkingDir: '/srv/not/there',
      Volumes: { '/var/cache/app': {} },
      User: 'www-data:www-data',
      ExposedPorts: { '8080/tcp': {} },
      Healthcheck: { Test: ['CMD', 'true'] },
      StopSignal: 'SIGNOTHING',
      OnBuild: ['RUN true'],
    },
  });
  const script = `pwd; cat /run/service/settings /tmp/seed /var/cache/app/words
    for place in /run/service /run/service/deep /tmp /var/cache/app; do echo x > $place/mine && echo wrote $place; done
    echo x > /run/service/settings`;
  const said = await saidBy(client, at('i'), script);
  assert.match(
    said,
    /^\/srv\/not\/there\nof the image\nseed\ncached\nwrote \/run\/service\nwrote \/run\/service\/deep\nwrote \/tmp\nwrote \/var\/cache\/app$/m,
  );
  assert.match(said, /Read-only file system/);
  const spec = await client.generateSpec({ appId: 'look', app: { rootfs: { image: at('i') }, args: ['/bin/ls'] } });
  for (const word of [
    'User www-data',
    'ExposedPorts 8080',
    'Healthcheck',
    'StopSignal SIGNOTHING',
    'OnBuild',
    '2 entries below /run',
  ]) {
    assert(
      spec.ignored.some((line) => line.includes(word)),
      `${word}: ${spec.ignored.join('; ')}`,
    );
  }
  for (const WorkingDir of ['/tmp/build', '/run/x/y', '/var/cache/app/deep', '/data']) {
    const image = at(`in${WorkingDir.replaceAll('/', '-')}`);
    writeLayout(image, { layers: [layerOf(root)], config: { WorkingDir, Volumes: { '/var/cache/app': {} } } });
    assert.equal(await saidBy(client, image, 'echo x > mine && pwd'), WorkingDir);
  }
  const id = await runImage(client, at('i'), { args: ['/bin/sleep', '1000'] });
  await client.hibernate({ appInstanceId: id });
  await client.wake({ appInstanceId: id });
  await client.kill({ appInstanceId: id });
  // a place of the app's own covers all that the image has there
  mkdirSync(at('own'));
  const mounts = [{ source: at('own'), destination: '/run/service', readOnly: false }];
  const covered = await runImage(client, at('i'), { mounts, args: ['/bin/sh', '-c', 'ls /run/service; echo end'] });
  await exitOf(client, covered);
  assert.deepEqual(await outputOf(client, covered), ['end']);
  assert.equal(readFileSync(join(root, 'etc', 'words'), 'utf8'), 'from the package\n');
  // one that the caller names must be there
  await helpfulRefusal(
    runImage(client, at('i'), { cwd: '/nowhere', args: ['/bin/ls'] }),
    'COMMAND_NOT_FOUND',
    /nowhere/,
  );
});
