/** The OCI runtime hangs or fails, for one app: the others do not notice, and nothing is left. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventsOf, hostApp, inWords, runApp, shell, SLEEP, uniqueId, exitOf, stateOf } from '../lib/apps.ts';
import { startDaemon } from '../lib/daemon.ts';
import { groupsBelow, processesWith } from '../lib/machine.ts';
import { helpfulRefusal, refusal } from '../lib/refusal.ts';
import { troubledTools, type TroubledTools } from '../lib/tools.ts';
import { until } from '../lib/until.ts';

const daemonWith = (tools: TroubledTools, config: object = {}) =>
  startDaemon({ tools: tools.directory, config: { runtime: 'runc', killTimeoutMs: 1500, ...config } });

for (const command of ['create', 'start'] as const) {
  test(`a hung runc ${command} holds up its own app alone, and can be killed`, async () => {
    await using tools = await troubledTools();
    await using daemon = await daemonWith(tools);
    const { client } = daemon;
    const id = uniqueId('hung');
    await tools.hang(command, id);
    const run = refusal(client.run(hostApp(id, SLEEP)), 'ABORTED', /kill/);
    await tools.hangs(command, id);

    const begin = performance.now();
    const others = await Promise.all(['a', 'b', 'c'].map((name) => runApp(client, name, SLEEP)));
    await Promise.all(others.map((appInstanceId) => client.terminate({ appInstanceId })));
    assert(performance.now() - begin < 5000, 'the others did not wait');
    assert.equal(await stateOf(client, id), 'STARTING');

    await client.kill({ appInstanceId: id });
    await run;
    assert.equal((await exitOf(client, id)).code, null);
    assert.deepEqual(processesWith(`${daemon.places.run}/bundles/${id}`), []);
    assert(groupsBelow(daemon.group()).every((path) => !path.endsWith(id)));
  });

  test(`a hung runc ${command} ends with its time limit`, async () => {
    await using tools = await troubledTools();
    await using daemon = await daemonWith(tools, { startTimeoutMs: 400 });
    const { client } = daemon;
    const id = uniqueId('late');
    await tools.hang(command, id);
    await refusal(client.run(hostApp(id, SLEEP)), 'TIMED_OUT', /400 ms/);
    assert.deepEqual(inWords(await eventsOf(client, id)), [
      'TERMINATED>STARTING',
      'failure',
      'STARTING>TERMINATED',
      'terminated',
    ]);
    assert.equal((await exitOf(client, id)).cause, 'start-failed');
    await tools.release(command, id);
    await client.run(hostApp(id, SLEEP));
  });

  test(`a runc ${command} that fails is told in its own words, and nothing is left`, async () => {
    await using tools = await troubledTools();
    await using daemon = await daemonWith(tools);
    const { client } = daemon;
    const id = uniqueId('broken');
    await tools.fail(command, id, 'the moon is in the wrong phase\n');
    const { code, message } = await refusal(
      client.run(hostApp(id, SLEEP)),
      'START_FAILED',
      /the moon is in the wrong phase/,
    );
    const events = await eventsOf(client, id);
    const told = events.find((event) => event.type === 'failure');
    assert.equal(told?.error.code, code);
    assert(message.startsWith(told.error.what));
    assert.deepEqual(groupsBelow(daemon.group()), []);
    assert.deepEqual(processesWith(`${daemon.places.run}/bundles/${id}`), []);
    assert.equal((await client.list()).length, 0);
  });
}

test('a hung runc delete keeps only its own instance from being run again, and is done when it can be', async () => {
  await using tools = await troubledTools();
  await using daemon = await daemonWith(tools, { killTimeoutMs: 300 });
  const { client } = daemon;
  const id = uniqueId('stuck');
  await tools.hang('delete', id);
  await client.run(hostApp(id, shell('exit 6')));
  await tools.hangs('delete', id);
  assert.equal((await exitOf(client, id)).code, 6, 'its end is told all the same');
  await helpfulRefusal(client.run(hostApp(id, SLEEP)), 'BUSY', /not cleaned away/);
  const other = await runApp(client, 'other', SLEEP);
  await client.terminate({ appInstanceId: other });
  await tools.release('delete', id);
  await client.kill({ appInstanceId: id });
  await client.run(hostApp(id, SLEEP));
});

test('a daemon that was killed while runc hung ends what hangs, and tells that the start was undone', async () => {
  await using tools = await troubledTools();
  await using daemon = await daemonWith(tools);
  const ids = { create: uniqueId('c'), start: uniqueId('s') };
  for (const command of ['create', 'start'] as const) {
    await tools.hang(command, ids[command]);
    void daemon.client.run(hostApp(ids[command], SLEEP)).catch(() => undefined);
    await tools.hangs(command, ids[command]);
  }
  await daemon.kill9();
  await daemon.restart();
  for (const id of Object.values(ids)) {
    const exit = await exitOf(daemon.client, id);
    assert.deepEqual({ ...exit, at: '' }, { code: null, signal: null, oom: false, cause: 'start-interrupted', at: '' });
    await daemon.client.kill({ appInstanceId: id });
    await until(() => processesWith(id).length === 0, { what: `no process of ${id} is left` });
  }
});
