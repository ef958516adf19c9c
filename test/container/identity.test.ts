/** Who apps are: a user id each, the same at every run, never root. */
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { test } from 'node:test';
import { hostApp, runApp, shell, SLEEP, uniqueId } from '../lib/apps.ts';
import { startDaemon } from '../lib/daemon.ts';
import { helpfulRefusal } from '../lib/refusal.ts';

test('each app has its own user id, and keeps it over runs and restarts of the daemon', async () => {
  await using daemon = await startDaemon({ config: { userIds: {} } });
  const apps = ['a', 'b', 'c'].map(uniqueId);
  const idsOf = async (): Promise<readonly number[]> => {
    const { client } = daemon;
    const ids = await Promise.all(apps.map((id) => client.run(hostApp(id, SLEEP))));
    const infos = await Promise.all(ids.map((one) => client.getInfo(one)));
    for (const { uid, gid, storage } of infos) {
      assert.deepEqual([statSync(storage).uid, statSync(storage).gid], [uid, gid]);
    }
    await Promise.all(ids.map((one) => client.kill(one)));
    return infos.map(({ uid }) => uid);
  };
  const first = await idsOf();
  assert.equal(new Set(first).size, 3);
  assert(first.every((uid) => uid >= 30_001 && uid <= 31_000));
  assert.deepEqual(await idsOf(), first);
  await daemon.restart();
  assert.deepEqual(await idsOf(), first);
  await daemon.kill9();
  await daemon.restart();
  assert.deepEqual(await idsOf(), first);
});

test('two instances of one app share its user id', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const ids = await Promise.all(['one', 'two'].map((name) => runApp(client, name, SLEEP, { appId: 'shared' })));
  const uids = await Promise.all(ids.map(async (appInstanceId) => (await client.getInfo({ appInstanceId })).uid));
  assert.equal(new Set(uids).size, 1);
});

test('user id 0 means that one is chosen, and one that belongs to another app is refused', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const id = await runApp(client, 'zero', SLEEP, { userId: 0 });
  const { uid, gid } = await client.getInfo({ appInstanceId: id });
  assert(uid > 0 && gid > 0);
  await helpfulRefusal(
    client.run(hostApp(uniqueId('thief'), SLEEP, { userId: uid })),
    'INVALID_ARGUMENT',
    /belongs to/,
  );
  await helpfulRefusal(
    client.run(hostApp(uniqueId('moved'), SLEEP, { appId: id, userId: uid + 7 })),
    'INVALID_ARGUMENT',
    /already/,
  );
  const wanted = await runApp(client, 'wanted', SLEEP, { userId: 30_555 });
  assert.equal((await client.getInfo({ appInstanceId: wanted })).uid, 30_555);
});

test('when all user ids are taken a run is refused, and says what to do', async () => {
  await using daemon = await startDaemon({ config: { userIds: { first: 41_001, last: 41_002 } } });
  const { client } = daemon;
  const taken = await Promise.all(['a', 'b'].map((name) => runApp(client, name, SLEEP)));
  const late = uniqueId('late');
  await helpfulRefusal(client.run(hostApp(late, SLEEP)), 'USER_IDS_EXHAUSTED', /all 2 user ids from 41001 to 41002/);
  await client.kill({ appInstanceId: taken[0] ?? '' });
  // its storage and its grace period keep the id
  await helpfulRefusal(client.run(hostApp(late, SLEEP)), 'USER_IDS_EXHAUSTED', /taken/);
  await client.run(hostApp(taken[0] ?? '', SLEEP));
});

test('a run that is refused takes no user id', async () => {
  await using daemon = await startDaemon({ config: { userIds: { first: 41_101, last: 41_102 } } });
  const { client } = daemon;
  for (let count = 0; count < 5; count++) {
    await helpfulRefusal(
      client.run(hostApp(uniqueId('refused'), ['/no/such/command'])),
      'COMMAND_NOT_FOUND',
      /no\/such/,
    );
  }
  await Promise.all(['a', 'b'].map((name) => runApp(client, name, shell('sleep 100'))));
});
