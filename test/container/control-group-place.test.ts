/** Where apps and what watches over them are in the control groups, and that they are found again where an older daemon put them. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { isBooted } from '../../src/adapters/systemd/scope.ts';
import { ownGroups } from '../../src/start/app-place.ts';
import { exitOf, runApp, SLEEP, stateOf } from '../lib/apps.ts';
import { startDaemon } from '../lib/daemon.ts';
import { commandLine, groupDirectories, processesWith } from '../lib/machine.ts';

/** Lines of `HIERARCHY:CONTROLLERS:PATH` (cgroups(7)), of the hierarchies by which a service manager knows its processes. */
const groupsOf = (pid: number): readonly string[] =>
  readFileSync(`/proc/${pid}/cgroup`, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => line.split(':'))
    .filter(([, controllers]) => controllers === '' || controllers === 'name=systemd')
    .map(([, , path = '']) => path);

const monitorOf = (bundle: string): number => {
  const [pid] = processesWith(bundle).filter((one) => commandLine(one)[0]?.endsWith('/conmon') === true);
  assert(pid !== undefined);
  return pid;
};

test('conmon lives beside the apps, not with the daemon', async () => {
  await using daemon = await startDaemon();
  const id = await runApp(daemon.client, 'watched', SLEEP);
  const conmon = groupsOf(monitorOf(`${daemon.places.run}/bundles/${id}`));
  assert(conmon.length > 0);
  for (const path of conmon) assert.equal(path, `${daemon.group()}/monitors`);
  assert(groupsOf(daemon.pid).every((path) => !path.startsWith(daemon.group())));
});

test('an app that an older daemon has put elsewhere is found, held, and ended there; the next one is in the new place', async () => {
  await using daemon = await startDaemon();
  const old = await runApp(daemon.client, 'old', SLEEP, { limits: { memoryBytes: 64 * 2 ** 20 } });
  await daemon.kill9();
  const { scope, root } = ownGroups(daemon.places);
  const before = isBooted() ? scope : root;
  const now = `${root}-moved`;
  const config = JSON.parse(readFileSync(join(daemon.root, 'config.yaml'), 'utf8')) as object;
  await writeFile(join(daemon.root, 'config.yaml'), JSON.stringify({ ...config, cgroupParent: now }));
  await daemon.start();
  const { client } = daemon;
  const fresh = await runApp(client, 'fresh', SLEEP);
  assert.notDeepEqual(groupDirectories(`${before}/app-${old}`), []);
  for (const path of groupsOf(monitorOf(`${daemon.places.run}/bundles/${old}`))) assert.equal(path, `${now}/monitors`);
  assert.notDeepEqual(groupDirectories(`${now}/app-${fresh}`), []);
  await client.setLimits({ appInstanceId: old, memoryBytes: 96 * 2 ** 20 });
  assert.equal((await client.getInfo({ appInstanceId: old })).memory?.limitBytes, 96 * 2 ** 20);
  await client.suspend({ appInstanceId: old });
  assert.equal(await stateOf(client, old), 'SUSPENDED');
  await client.terminate({ appInstanceId: old });
  assert.equal((await exitOf(client, old)).cause, 'terminated');
  assert.deepEqual(groupDirectories(`${before}/app-${old}`), []);
  await client.kill({ appInstanceId: fresh });
  await daemon.stop();
  assert.deepEqual([...groupDirectories(before), ...groupDirectories(now)], []);
});
