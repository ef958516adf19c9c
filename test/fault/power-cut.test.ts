/** What a power cut, a broken runtime or a strange file leaves, and a daemon that starts after it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventsOf, exitOf, hostApp, runApp, SLEEP, stateOf, uniqueId } from '../lib/apps.ts';
import { startDaemon, TOOLS, type TestDaemon } from '../lib/daemon.ts';
import { helpfulRefusal, refusal } from '../lib/refusal.ts';
import { toolsWith } from '../lib/tools.ts';

/** Whatever of an image was not flushed is empty, or zeros. */
const CUTS: Readonly<Record<string, (path: string, bytes: number) => Promise<void>>> = {
  empty: (path) => truncate(path, 0),
  zeros: (path, bytes) => writeFile(path, Buffer.alloc(bytes)),
};

/** Those that are not empty by themselves. */
async function filesOf(directory: string): Promise<readonly { readonly name: string; readonly bytes: number }[]> {
  const names = (await readdir(directory)).filter((name) => !name.includes('.new'));
  const sized = await Promise.all(
    names.map(async (name) => ({ name, bytes: (await stat(join(directory, name))).size })),
  );
  return sized.filter(({ bytes }) => bytes > 0).sort((one, other) => one.name.localeCompare(other.name));
}

async function sleeper({ client, places }: TestDaemon) {
  const id = await runApp(client, 'cut', SLEEP);
  await client.hibernate({ appInstanceId: id });
  return { id, directory: join(places.images, (await client.getInfo({ appInstanceId: id })).containerId) };
}

for (const [what, cut] of Object.entries(CUTS)) {
  test(`each file of an image that a power cut left ${what} is told at the next start: in info, as an event, as a problem`, async () => {
    await using daemon = await startDaemon({ config: { hibernation: { compressAfterMs: 0 } } });
    const first = await sleeper(daemon);
    const files = await filesOf(first.directory);
    assert(files.length > 5 && files.some(({ name }) => name === 'pages-1.img'));
    const apps = [first, ...(await Promise.all(files.slice(1).map(() => sleeper(daemon))))];
    await daemon.kill9();
    for (const [index, { id, directory }] of apps.entries()) {
      // names have pids in them: the same place in the list is the same kind of file
      const own = await filesOf(directory);
      const { name, bytes } = own[index % own.length] ?? assert.fail(`${id} has no files`);
      await cut(join(directory, name), bytes);
    }
    await daemon.start();
    const { problems } = await daemon.client.getHealth();
    for (const [index, { id }] of apps.entries()) {
      const name = files[index]?.name ?? '';
      const { state, hibernation } = await daemon.client.getInfo({ appInstanceId: id });
      assert.deepEqual([state, hibernation.image?.damage?.includes('cannot be used')], ['HIBERNATED', true], name);
      const told = problems.find((one) => one.code === 'IMAGE_UNUSABLE' && one.appInstanceId === id);
      // nobody has tried to wake it
      assert.match(told?.what ?? '', /^the hibernation image of .* cannot be used/, name);
      assert(
        (await eventsOf(daemon.client, id)).some((event) => event.type === 'failure'),
        name,
      );
    }
    await refusal(daemon.client.wake({ appInstanceId: first.id }), 'IMAGE_UNUSABLE');
  });
}

test('with durability beforeAnswer an answered hibernation is on the disk', async () => {
  await using daemon = await startDaemon({ config: { hibernation: { durability: 'beforeAnswer' } } });
  const id = await runApp(daemon.client, 'durable', SLEEP);
  await daemon.client.hibernate({ appInstanceId: id });
  assert.equal((await daemon.client.getInfo({ appInstanceId: id })).hibernation.image?.durable, true);
  await daemon.client.wake({ appInstanceId: id });
});

test('a runtime that is broken after the apps were started: the daemon starts, kills, terminates and says why it runs nothing', async () => {
  await using tools = await toolsWith({});
  await using daemon = await startDaemon({ tools: tools.path });
  const [killed, terminated, left] = await Promise.all(
    ['a', 'b', 'c'].map((name) => runApp(daemon.client, name, SLEEP)),
  );
  assert(killed !== undefined && terminated !== undefined && left !== undefined);
  // as g_file_set_contents of a conmon that was killed in the middle of it
  const half = `${daemon.places.run}/exits/gone.ABC123`;
  await writeFile(half, '');
  await daemon.kill9();
  for (const name of ['runc', 'crun']) {
    await rm(join(tools.path, name));
    await writeFile(join(tools.path, name), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  }
  await daemon.start();
  const { client } = daemon;
  await client.kill({ appInstanceId: killed });
  await client.terminate({ appInstanceId: terminated });
  assert.equal((await exitOf(client, killed)).cause, 'killed');
  assert.equal((await exitOf(client, terminated)).cause, 'terminated');
  await client.suspend({ appInstanceId: left });
  await helpfulRefusal(client.run(hostApp(uniqueId('no'), SLEEP)), 'ENGINE_UNAVAILABLE', /no OCI runtime/);
  assert(!existsSync(half), 'what a killed conmon left is swept');
  for (const name of ['runc', 'crun']) {
    await rm(join(tools.path, name));
    execFileSync('ln', ['-s', join(TOOLS, name), join(tools.path, name)]);
  }
  await daemon.restart();
  assert.equal(await stateOf(daemon.client, left), 'SUSPENDED');
  await daemon.client.run(hostApp(uniqueId('yes'), SLEEP));
});

const IN_PLACE: Readonly<Record<string, (path: string) => void>> = {
  'a FIFO': (path) => void execFileSync('mkfifo', [path]),
  'a directory': (path) => void execFileSync('mkdir', [path]),
  'a dangling link': (path) => void execFileSync('ln', ['-s', '/no/such/file', path]),
  'a device': (path) => void execFileSync('mknod', [path, 'c', '1', '5']),
};

test('what is no plain file in place of manifest.json or config.yaml hangs nothing, and is named', async (t) => {
  await using daemon = await startDaemon();
  const id = await runApp(daemon.client, 'strange', SLEEP);
  await daemon.client.hibernate({ appInstanceId: id });
  const { containerId } = await daemon.client.getInfo({ appInstanceId: id });
  const manifest = join(daemon.places.images, containerId, 'manifest.json');
  const aside = join(daemon.directory, 'aside');
  for (const [what, make] of Object.entries(IN_PLACE)) {
    await t.test(what, async () => {
      await daemon.stop();
      for (const path of [daemon.places.config, manifest]) {
        const isThere = existsSync(path);
        if (isThere) await rename(path, aside);
        make(path);
        if (path === manifest) {
          await daemon.start();
          await refusal(daemon.client.wake({ appInstanceId: id }), 'IMAGE_UNUSABLE', /manifest\.json/);
          await daemon.stop();
        } else {
          const { code, stderr } = await daemon.tryAnother();
          assert.equal(code, 1, stderr);
          assert.match(stderr, /config\.yaml/);
        }
        await rm(path, { recursive: true });
        if (isThere) await rename(aside, path);
      }
      await daemon.start();
    });
  }
});
