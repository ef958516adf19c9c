/** conmon is killed, or its word is lost. */
import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { eventsOf, exitOf, outputOf, pidOf, runApp, shell, SLEEP } from '../lib/apps.ts';
import { startDaemon, type TestDaemon } from '../lib/daemon.ts';
import { commandLine, isAlive, processesWith } from '../lib/machine.ts';
import { until } from '../lib/until.ts';

async function monitorOf(daemon: TestDaemon, appInstanceId: string): Promise<number> {
  const { containerId } = await daemon.client.getInfo({ appInstanceId });
  const bundle = `${daemon.places.run}/bundles/${containerId}`;
  const [pid] = processesWith(bundle).filter((one) => commandLine(one)[0]?.endsWith('/conmon') === true);
  return pid ?? assert.fail('it has a monitor');
}

const LOST = { code: null, signal: null, oom: false, cause: 'monitor-lost', at: '' };

test('when conmon is killed the app lives on, can be suspended and resumed, and its end is noticed without a code', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const id = await runApp(client, 'orphan', SLEEP);
  const pid = await pidOf(client, id);
  process.kill(await monitorOf(daemon, id), 'SIGKILL');
  await until(async () => !(await client.getInfo({ appInstanceId: id })).monitored, { what: 'its loss is seen' });
  assert.equal(await pidOf(client, id), pid);
  await client.suspend({ appInstanceId: id });
  await client.resume({ appInstanceId: id });
  // the app ends by itself: nobody is there to see how
  process.kill(pid, 'SIGKILL');
  assert.deepEqual({ ...(await exitOf(client, id)), at: '' }, LOST);
  assert.equal((await eventsOf(client, id)).filter(({ type }) => type === 'terminated').length, 1);
});

test('an app without conmon can be terminated and killed', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  for (const end of ['terminate', 'kill'] as const) {
    const id = await runApp(client, `orphan-${end}`, SLEEP);
    const pid = await pidOf(client, id);
    process.kill(await monitorOf(daemon, id), 'SIGKILL');
    await client[end]({ appInstanceId: id });
    const { code, cause } = await exitOf(client, id);
    assert.deepEqual([code, cause], [null, end === 'kill' ? 'killed' : 'terminated']);
    assert(!isAlive(pid));
  }
});

test('the daemon finds an app again whose conmon was killed while the daemon was away', async () => {
  await using daemon = await startDaemon();
  const id = await runApp(daemon.client, 'orphan', SLEEP);
  const pid = await pidOf(daemon.client, id);
  const monitor = await monitorOf(daemon, id);
  await daemon.kill9();
  process.kill(monitor, 'SIGKILL');
  await daemon.restart();
  const info = await daemon.client.getInfo({ appInstanceId: id });
  assert.deepEqual([info.state, info.pid, info.monitored], ['RUNNING', pid, false]);
  await daemon.client.kill({ appInstanceId: id });
});

test('exits while the daemon was away are told with their codes; without the exit file, as lost', async () => {
  await using daemon = await startDaemon();
  const ids = await Promise.all(
    ['kept', 'lost'].map((name) =>
      runApp(daemon.client, name, shell('echo on; while [ ! -e /data/go ]; do sleep 0.01; done; exit 9')),
    ),
  );
  const infos = await Promise.all(ids.map((appInstanceId) => daemon.client.getInfo({ appInstanceId })));
  await daemon.kill9();
  for (const { storage } of infos) await writeFile(`${storage}/go`, '');
  await until(() => infos.every(({ pid }) => pid !== null && !isAlive(pid)), { what: 'both have ended' });
  await until(() => ids.every((id) => processesWith(`bundles/${id}`).length === 0), { what: 'their monitors too' });
  await rm(`${daemon.places.run}/exits/${infos[1]?.containerId ?? ''}`);
  await daemon.restart();
  const exits = await Promise.all(ids.map((id) => exitOf(daemon.client, id)));
  assert.deepEqual({ ...exits[0], at: '' }, { code: 9, signal: null, oom: false, cause: 'exited', at: '' });
  assert.deepEqual({ ...exits[1], at: '' }, LOST);
  assert.deepEqual(await outputOf(daemon.client, ids[0] ?? ''), ['on'], 'the log is there still');
});
