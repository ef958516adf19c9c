/** Ids of apps that RDK's PackageManager configures: it gives every app the same. */
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { uniqueId, untilSays } from '../lib/apps.ts';
import { startDaemon, type TestDaemon } from '../lib/daemon.ts';
import { installPackage, lifecycleManagerRun, PACKAGE_MANAGER_ID } from '../lib/package-manager.ts';
import { helpfulRefusal } from '../lib/refusal.ts';
import { runtimectl } from '../lib/runtimectl.ts';

/** Says who it is, and writes a file that only its owner may read. */
const PROGRAM = `#!/bin/sh
umask 077
[ -e /data/kept ] && cat /data/kept || { echo "kept by $(id -u)" > /data/kept; echo new; }
echo "$(id -u):$(id -g)"
exec sleep 1000
`;

async function rdkApps(daemon: TestDaemon) {
  const appPath = await installPackage(join(daemon.directory, 'package'), 'who', PROGRAM);
  const run = async (appId: string, config = {}) => {
    const appInstanceId = uniqueId(appId);
    await daemon.client.run(lifecycleManagerRun({ appId, appInstanceId, appPath, command: 'who', config }));
    const info = await daemon.client.getInfo({ appInstanceId });
    await untilSays(daemon.client, appInstanceId, `${info.uid}:${info.gid}`);
    assert.deepEqual([statSync(info.storage).uid, statSync(info.storage).gid], [info.uid, info.gid]);
    return info;
  };
  return { run, end: (appInstanceId: string) => daemon.client.kill({ appInstanceId }) };
}

async function configure(daemon: TestDaemon, userIds: object): Promise<void> {
  const file = join(daemon.root, 'config.yaml');
  const before = JSON.parse(await readFile(file, 'utf8')) as { readonly userIds: object };
  await writeFile(file, JSON.stringify({ ...before, userIds: { ...before.userIds, ...userIds } }));
}

test('apps of one configuration run at once and one after the other, each with an id of its own', async () => {
  await using daemon = await startDaemon();
  const { run, end } = await rdkApps(daemon);
  const names = ['com.example.a', 'com.example.b', 'com.example.c'];
  const first = await Promise.all(names.map((name) => run(name)));
  assert.equal(new Set(first.map(({ uid }) => uid)).size, names.length);
  for (const { uid, gid, idsFrom, warnings } of first) {
    assert.deepEqual([gid, idsFrom], [uid, 'range']);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', /userId 30000 and groupId 30000 not taken: the app has \d+:\d+ .*userIds\.honour/);
  }
  await Promise.all(first.map(({ appInstanceId }) => end(appInstanceId)));
  await daemon.kill9();
  await daemon.restart();
  for (const [at, name] of names.entries()) {
    const { uid, appInstanceId } = await run(name);
    assert.equal(uid, first[at]?.uid);
    await untilSays(daemon.client, appInstanceId, `kept by ${uid}`);
  }
  const asked = lifecycleManagerRun({ appId: 'com.example.d', appInstanceId: '', appPath: '/', command: 'bin/sh' });
  const { appInstanceId: _, ...words } = asked;
  const { ignored } = await daemon.client.generateSpec(words);
  assert(ignored.some((one) => one.includes('userId 30000 and groupId 30000 not taken')));
});

test('a configuration of a newer RDK runs, and what is not known of it is told once: in the log and in info', async () => {
  await using daemon = await startDaemon();
  const { run, end } = await rdkApps(daemon);
  const strange = { md5hash: 'd41d8cd98f00b204', logLevels: 'info', dialId: null };
  const { warnings, appInstanceId } = await run('com.example.newer', { ...strange, userId: 0, groupId: 0 });
  assert.deepEqual(warnings, [
    'runtimeConfigObject.md5hash: not a member that this version knows',
    'runtimeConfigObject.logLevels: not the text of a JSON array, so it counts as empty',
  ]);
  const { stdout } = await runtimectl(['info', appInstanceId], daemon);
  assert.match(stdout, /^warning: +runtimeConfigObject\.md5hash: not a member/m);
  await end(appInstanceId);
  assert.equal(daemon.log().split('md5hash').length, 2, 'one line');
});

test('a device that honours ids and lists one as shared gives it to all apps, with what they had; and takes it back from them', async () => {
  await using daemon = await startDaemon();
  const { run, end } = await rdkApps(daemon);
  const before = await run('com.example.old');
  await daemon.stop();
  await configure(daemon, { honour: true, shared: [PACKAGE_MANAGER_ID] });
  await daemon.restart();
  // an instance of it runs with its own: the id is not changed under it
  await helpfulRefusal(run('com.example.old'), 'INVALID_ARGUMENT', /has the user id \d+ .* already/);
  await end(before.appInstanceId);
  const [moved, other] = await Promise.all([run('com.example.old'), run('com.example.new')]);
  for (const { uid, gid, idsFrom, warnings } of [moved, other]) {
    assert.deepEqual(
      { uid, gid, idsFrom, warnings },
      {
        ...{ uid: PACKAGE_MANAGER_ID, gid: PACKAGE_MANAGER_ID },
        ...{ idsFrom: 'runtimeConfigObject', warnings: [] },
      },
    );
  }
  await untilSays(daemon.client, moved.appInstanceId, `kept by ${before.uid}`);
  await helpfulRefusal(run('com.example.thief', { userId: 1, groupId: 1 }), 'PERMISSION_DENIED', /userId 1: not an id/);
  await helpfulRefusal(run('com.example.thief', { groupId: 42 }), 'PERMISSION_DENIED', /groupId 42: not an id/);
  const free = daemon.firstUid + 500;
  const own = await run('com.example.own', { userId: free, groupId: free });
  assert.equal(own.uid, free);
  await helpfulRefusal(
    run('com.example.thief', { userId: free, groupId: free }),
    'INVALID_ARGUMENT',
    /belongs to the app com\.example\.own/,
  );
  await Promise.all([moved, other, own].map(({ appInstanceId }) => end(appInstanceId)));
  await daemon.stop();
  await configure(daemon, { honour: false, shared: [] });
  await daemon.restart();
  const apart = [await run('com.example.old'), await run('com.example.new')];
  assert.equal(new Set(apart.map(({ uid }) => uid)).size, 2, 'they are apart again');
});

test('the state of a daemon that gave the configured id to the first app is taken over: that app keeps it, others get their own', async () => {
  await using daemon = await startDaemon();
  const { run, end } = await rdkApps(daemon);
  const appPath = join(daemon.directory, 'package');
  const first = lifecycleManagerRun({
    appId: 'com.example.first',
    appInstanceId: uniqueId('first'),
    appPath,
    command: 'who',
  });
  // what run did with such a configuration until this version
  await daemon.client.run({ ...first, userId: PACKAGE_MANAGER_ID, groupId: PACKAGE_MANAGER_ID });
  await end(first.appInstanceId ?? '');
  await daemon.kill9();
  await daemon.restart();
  const kept = await run('com.example.first');
  assert.deepEqual([kept.uid, kept.gid, kept.idsFrom, kept.warnings], [30_000, 30_000, 'caller', []]);
  const second = await run('com.example.second');
  assert.notEqual(second.uid, kept.uid);
});
