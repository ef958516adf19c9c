/** The disk of the daemon is full: a small tmpfs in its place. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, statfsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { RuntimeError } from '../../src/domain/errors.ts';
import { exitOf, hostApp, runApp, shell, SLEEP, stateOf, uniqueId } from '../lib/apps.ts';
import { startDaemon } from '../lib/daemon.ts';
import { checkHistory } from '../lib/history.ts';
import { groupsBelow, isAlive } from '../lib/machine.ts';
import { until } from '../lib/until.ts';

const SIZE_BYTES = 16 * 2 ** 20;

/** False while a monitor that is ending still has a file open in it. */
function unmounted(point: string): boolean {
  execFileSync('umount', [point], { stdio: 'ignore' });
  return true;
}

const onSmallDisk = () =>
  startDaemon({
    config: { userIds: { first: 43_001, last: 43_003 } },
    prepare: async (root) => {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE_BYTES},mode=755`, 'tmpfs', root]);
      return async () => {
        await until(() => unmounted(root), { what: 'its disk can be unmounted' });
      };
    },
  });

/** Every byte; what it takes away again is the file's name. */
async function fill(root: string): Promise<string> {
  const file = join(root, 'filling');
  const { bavail, bsize } = statfsSync(root);
  await writeFile(file, Buffer.alloc(bavail * bsize)).catch(() => undefined);
  await writeFile(join(root, 'rest'), Buffer.alloc(bsize)).catch(() => undefined);
  assert.equal(statfsSync(root).bavail, 0);
  return file;
}

test('on a full disk a run is refused as such, a living app can be ended, and all works again when there is room', async () => {
  await using daemon = await onSmallDisk();
  const { client } = daemon;
  const [victim = '', other = ''] = await Promise.all(['victim', 'other'].map((name) => runApp(client, name, SLEEP)));
  const { pid } = await client.getInfo({ appInstanceId: victim });
  const filling = await fill(daemon.root);

  const refused = uniqueId('refused');
  const error = await client.run(hostApp(refused, SLEEP)).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert(error instanceof RuntimeError, String(error));
  assert.equal(error.code, 'NO_SPACE', error.message);
  assert.match(error.next ?? '', /room|space/);
  assert(groupsBelow(daemon.group()).every((path) => !path.endsWith(refused)));

  // a full disk does not keep an app alive
  await client.kill({ appInstanceId: victim }).catch((thrown: unknown) => {
    assert(thrown instanceof RuntimeError && thrown.code === 'NO_SPACE', String(thrown));
  });
  assert(pid !== null && !isAlive(pid));
  assert.equal(await stateOf(client, other), 'RUNNING');

  await rm(filling);
  // conmon had no room for its word either, in this daemon's directory
  assert(['killed', 'monitor-lost'].includes((await exitOf(client, victim)).cause));
  await client.suspend({ appInstanceId: other });
  await client.resume({ appInstanceId: other });
  await client.run(hostApp(refused, shell('exit 8')));
  assert.equal((await exitOf(client, refused)).code, 8);
  await client.kill({ appInstanceId: other });
  await until(async () => (await client.list()).length === 0, { what: 'all have ended' });
  checkHistory((await client.getEvents({ since: 0 })).events);
  await until(() => readdirSync(`${daemon.places.run}/bundles`).length === 0, { what: 'nothing is left' });
});
