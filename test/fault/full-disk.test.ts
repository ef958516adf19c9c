/** The disk of the daemon is full: a small tmpfs in its place. */
import assert from 'node:assert/strict';
import { readdirSync, statfsSync, writeFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Client } from '../../src/client/node.ts';
import { RuntimeError } from '../../src/domain/errors.ts';
import type { ExitRecord } from '../../src/domain/exit.ts';
import { exitOf, hostApp, pidOf, runApp, shell, SLEEP, stateOf, uniqueId, untilSays } from '../lib/apps.ts';
import { TOOLS } from '../lib/daemon.ts';
import { checkHistory } from '../lib/history.ts';
import { groupsBelow, isAlive } from '../lib/machine.ts';
import { helpfulRefusal } from '../lib/refusal.ts';
import { fill, onSmallDisk } from '../lib/small-disk.ts';
import { toolsWith } from '../lib/tools.ts';
import { until } from '../lib/until.ts';

const pickEnd = ({ cause, code }: ExitRecord) => ({ cause, code });

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

  // a full disk does not keep an app alive, and there is room for its end
  await client.kill({ appInstanceId: victim });
  assert(pid !== null && !isAlive(pid));
  assert.equal(await stateOf(client, other), 'RUNNING');

  assert.deepEqual(pickEnd(await exitOf(client, victim)), { cause: 'killed', code: 137 });
  await rm(filling);
  await client.suspend({ appInstanceId: other });
  await client.resume({ appInstanceId: other });
  await client.run(hostApp(refused, shell('exit 8')));
  assert.equal((await exitOf(client, refused)).code, 8);
  await client.kill({ appInstanceId: other });
  await until(async () => (await client.list()).length === 0, { what: 'all have ended' });
  checkHistory((await client.getEvents({ since: 0 })).events);
  await until(() => readdirSync(`${daemon.places.run}/bundles`).length === 0, { what: 'nothing is left' });
});

/** Every inode; what it takes away again is the directory's name. */
async function fillWithFiles(root: string): Promise<string> {
  const directory = join(root, 'filling');
  await mkdir(directory);
  const { ffree } = statfsSync(root);
  for (let file = 0; file < ffree; file++) writeFileSync(join(directory, String(file)), '');
  assert.equal(statfsSync(root).ffree, 0);
  return directory;
}

for (const { what, filled, files } of [
  { what: 'without room', filled: fill, files: 0 },
  { what: 'without inodes', filled: fillWithFiles, files: 3000 },
]) {
  test(`on a disk ${what} run, exec and a first hibernation are refused as such, and the app runs on`, async () => {
    await using daemon = await onSmallDisk({ files });
    const { client } = daemon;
    const id = await runApp(client, 'lives', SLEEP);
    const filling = await filled(daemon.root);
    const exec = () => client.exec({ appInstanceId: id, args: ['/bin/true'] });
    await helpfulRefusal(exec(), 'NO_SPACE', /full/);
    await helpfulRefusal(client.hibernate({ appInstanceId: id }), 'NO_SPACE', /full|free/);
    await helpfulRefusal(client.run(hostApp(uniqueId('refused'), SLEEP)), 'NO_SPACE', /full|no space/);
    assert.equal(await stateOf(client, id), 'RUNNING');
    await rm(filling, { recursive: true });
    assert.equal((await exec()).exitCode, 0);
    await client.hibernate({ appInstanceId: id });
    await client.wake({ appInstanceId: id });
    await client.kill({ appInstanceId: id });
  });
}

test('a disk that becomes full while CRIU or runc writes to it is NO_SPACE, whatever was still written of their words', async () => {
  await using tools = await toolsWith({
    // as a neighbour that takes the last of the room in that moment
    runc: `#!/bin/sh
case " $* " in
  *" --image-path "*" --work-path "*) dd if=/dev/zero of="$(cat "$(dirname "$0")/fill")" bs=1M 2>/dev/null ;;
esac
exec ${join(TOOLS, 'runc')} "$@"
`,
  });
  await using daemon = await onSmallDisk({ tools: tools.path });
  const filling = join(daemon.root, 'filling');
  await writeFile(join(tools.path, 'fill'), filling);
  const { client } = daemon;
  const id = await runApp(client, 'lives', SLEEP);
  await helpfulRefusal(client.hibernate({ appInstanceId: id }), 'NO_SPACE', /full|space/i);
  assert.equal(await stateOf(client, id), 'RUNNING');
  await rm(filling);
  await client.kill({ appInstanceId: id });
});

test('a kill on a full disk is told as such by the next daemon, nothing is started again, and no exit code is lost', async () => {
  await using daemon = await onSmallDisk();
  const { client } = daemon;
  const restart = { policy: 'always', backoffMs: 100 } as const;
  const victim = await runApp(client, 'victim', SLEEP, { restart });
  const leaver = await runApp(client, 'leaver', shell('trap "exit 42" USR1; echo ready; while :; do sleep 0.1; done'));
  const sleeper = await runApp(client, 'sleeper', shell('trap "exit 43" USR1; while :; do sleep 0.1; done'));
  await untilSays(client, leaver, 'ready');
  // a restored app has another monitor
  await client.hibernate({ appInstanceId: sleeper });
  await client.wake({ appInstanceId: sleeper });
  const pids = await Promise.all([leaver, sleeper].map((id) => pidOf(client, id)));
  const filling = await fill(daemon.root);

  await client.kill({ appInstanceId: victim });
  await daemon.kill9();
  // process 1 of each is tini, which hands the signal on
  for (const pid of pids) process.kill(pid, 'SIGUSR1');
  await until(() => pids.every((pid) => !isAlive(pid)), { what: 'both have ended without a daemon' });

  await daemon.start();
  const again = daemon.client;
  assert.deepEqual(pickEnd(await exitOf(again, victim)), { cause: 'killed', code: 137 });
  assert.deepEqual(pickEnd(await exitOf(again, leaver)), { cause: 'exited', code: 42 });
  assert.deepEqual(pickEnd(await exitOf(again, sleeper)), { cause: 'exited', code: 43 });
  assert.equal((await again.getInfo({ appInstanceId: victim })).restart.dueAt, null);
  await rm(filling);
  await until(() => readdirSync(`${daemon.places.run}/bundles`).length === 0, { what: 'nothing is left' });
  await until(async () => runs(again, victim), { what: 'there is room again' });
  await exitOf(again, victim);
  checkHistory((await again.getEvents({ since: 0 })).events);
});

const runs = (client: Client, id: string): Promise<boolean> =>
  client.run(hostApp(id, shell('exit 0'))).then(
    () => true,
    () => false,
  );
