/** What holds for apps whose descriptions say nothing: the settings `apps`. */
import assert from 'node:assert/strict';
import { totalmem } from 'node:os';
import { test } from 'node:test';
import { exitOf, outputOf, runApp, shell, SLEEP, uniqueId } from '../lib/apps.ts';
import { startDaemon, type TestDaemon } from '../lib/daemon.ts';

const MIB = 2 ** 20;

async function saidBy({ client }: TestDaemon, script: string, extra: object = {}): Promise<string> {
  const id = await runApp(client, 'says', shell(script), extra);
  await exitOf(client, id);
  return (await outputOf(client, id)).join('\n');
}

const notesOf = async ({ client }: TestDaemon, extra: object = {}): Promise<readonly string[]> => {
  const id = uniqueId('notes');
  const app = { rootfs: { host: true as const }, args: [...SLEEP], ...extra };
  await client.run({ appId: id, appInstanceId: id, app });
  const { notes } = await client.getInfo({ appInstanceId: id });
  await client.kill({ appInstanceId: id });
  return notes;
};

const EXECUTE =
  'for d in /tmp /data; do printf "#!/bin/sh\\necho ran in $d\\n" > $d/p; chmod +x $d/p; $d/p 2>/dev/null || echo "not in $d"; done; true';

test('an app that says nothing has half of the memory, a bounded /tmp, and is told what has no limit', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const id = await runApp(client, 'plain', SLEEP);
  const { limits } = await client.getInfo({ appInstanceId: id });
  assert.equal(limits.memoryBytes, Math.floor(totalmem() / 2));
  assert.match(await saidBy(daemon, 'df -k /tmp | tail -1'), /\s262144\s/);
  assert.equal(await saidBy(daemon, EXECUTE), 'ran in /tmp\nran in /data');
  const notes = await notesOf(daemon);
  assert.equal(notes.length, 1);
  assert.match(notes[0] ?? '', /no limit on its storage/);
  assert.deepEqual(await notesOf(daemon, { storage: { sizeBytes: 16 * MIB } }), []);
  // a limit that was taken away stays away over a sleep
  await client.setLimits({ appInstanceId: id, memoryBytes: null });
  await client.hibernate({ appInstanceId: id });
  await client.wake({ appInstanceId: id });
  assert.equal((await client.getInfo({ appInstanceId: id })).limits.memoryBytes, null);
});

test("the device's own defaults are in force, and an app's own words win", async () => {
  const apps = { memoryBytes: 64 * MIB, tmpBytes: 2 * MIB, storageBytes: 16 * MIB, noExec: true };
  await using daemon = await startDaemon({ config: { apps } });
  const { client } = daemon;
  const limitOf = async (extra: object) => {
    const id = await runApp(client, 'limited', SLEEP, extra);
    return (await client.getInfo({ appInstanceId: id })).limits.memoryBytes;
  };
  assert.equal(await limitOf({}), 64 * MIB);
  assert.equal(await limitOf({ limits: { memoryBytes: 32 * MIB } }), 32 * MIB);
  const fill = 'for d in /tmp /data; do head -c 20000000 /dev/zero > $d/x 2>/dev/null || echo "$d is full"; done; true';
  assert.equal(await saidBy(daemon, fill), '/tmp is full\n/data is full');
  assert.equal(await saidBy(daemon, EXECUTE), 'not in /tmp\nnot in /data');
  assert.equal(await saidBy(daemon, EXECUTE, { noExec: false }), 'ran in /tmp\nran in /data');
  const scratch = { tmpfs: [{ destination: '/srv/scratch', sizeBytes: MIB }] };
  const own = 'df -k /srv/scratch | tail -1; echo x > /srv/scratch/x && cat /srv/scratch/x';
  assert.match(await saidBy(daemon, own, scratch), /\s1024\s.*\nx$/);
  assert.deepEqual(await notesOf(daemon), []);
});

test('without any limit the caller is told of each', async () => {
  await using daemon = await startDaemon({ config: { apps: { memoryBytes: 0, tmpBytes: 0 } } });
  const notes = (await notesOf(daemon)).join('\n');
  assert.match(notes, /on its memory .*apps\.memoryBytes[^]*on its \/tmp[^]*on its storage/);
});
