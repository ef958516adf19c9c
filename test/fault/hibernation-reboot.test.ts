/** Hibernated apps outlive the machine's restart. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { startDaemon } from '../lib/daemon.ts';
import { checkHouse } from '../lib/house.ts';
import { groupDirectories } from '../lib/machine.ts';
import { checkSleepsAndWakes, infoOf, runCounter } from '../lib/sleepers.ts';

test('after a restart of the machine hibernated apps are still there and wake where they were', async () => {
  await using daemon = await startDaemon();
  const apps = [await runCounter(daemon.client), await runCounter(daemon.client, { kind: 'pair' })];
  for (const { id: appInstanceId } of apps) await daemon.client.hibernate({ appInstanceId });
  const before = await Promise.all(apps.map(({ id }) => infoOf(daemon.client, id)));
  await daemon.stop();
  await rm(daemon.places.run, { recursive: true });
  await rm(`/run/runtime-manager-${daemon.tag}`, { recursive: true, force: true });
  assert.deepEqual(groupDirectories(daemon.group(apps[0]?.id)), []);
  const database = new DatabaseSync(daemon.places.database);
  database.exec(`UPDATE instance SET record = json_set(record, '$.bootId', 'another')`);
  database.close();
  await daemon.restart();
  for (const [index, app] of apps.entries()) {
    await checkSleepsAndWakes(daemon, app);
    const [old, now] = [before[index] ?? assert.fail(), await infoOf(daemon.client, app.id)];
    assert.deepEqual([now.uid, now.gid, now.storage], [old.uid, old.gid, old.storage]);
  }
  await checkHouse(daemon);
});
