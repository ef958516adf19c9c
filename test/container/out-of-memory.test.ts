/** The kernel kills one process for memory; the app ends as a whole, whoever notices it. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { eventsOf, exitOf, outputOf, runApp, shell, untilSays } from '../lib/apps.ts';
import { startDaemon } from '../lib/daemon.ts';
import { groupFile } from '../lib/machine.ts';
import { until } from '../lib/until.ts';

const MIB = 2 ** 20;
/** Starts a program that takes more memory than there is, and goes on without it. */
const GREEDY_CHILD = 'perl -e \'my @h; push @h, "x" x 4_000_000 for 1..100; sleep 60\'; echo child: $?;';

test('an app of which a process is killed for memory ends as a whole, however deaf the rest of it is', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const script = `trap "" TERM; ${GREEDY_CHILD} while :; do sleep 100; done`;
  const id = await runApp(client, 'oom-child', shell(script), { limits: { memoryBytes: 24 * MIB } });
  const exit = await exitOf(client, id);
  assert.deepEqual({ ...exit, at: '' }, { code: 137, signal: 9, oom: true, cause: 'oom', at: '' });
  assert((await outputOf(client, id)).includes('child: 137'));
  assert.equal((await eventsOf(client, id)).filter(({ type }) => type === 'terminated').length, 1);
});

test('an app that ends by itself after a process of it was killed for memory has ended for that', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const script = `${GREEDY_CHILD} exit 3`;
  const id = await runApp(client, 'oom-exit', shell(script), { limits: { memoryBytes: 24 * MIB } });
  const { cause, oom } = await exitOf(client, id);
  assert.deepEqual({ cause, oom }, { cause: 'oom', oom: true });
});

test('a daemon that was dead meanwhile ends what is left of the app when it is back', async () => {
  await using daemon = await startDaemon();
  const script = `echo ready; until [ -e /data/go ]; do sleep 0.05; done; ${GREEDY_CHILD} while :; do sleep 100; done`;
  const id = await runApp(daemon.client, 'oom-alone', shell(script), { limits: { memoryBytes: 24 * MIB } });
  await untilSays(daemon.client, id, 'ready');
  const { storage, containerId } = await daemon.client.getInfo({ appInstanceId: id });
  await daemon.kill9();
  writeFileSync(`${storage}/go`, '');
  const group = daemon.group(containerId);
  // with v2 the whole group is gone by then
  const struck = () => {
    const text = groupFile(group, 'memory.oom_control') ?? groupFile(group, 'memory.events');
    return text === undefined || /^oom_kill [1-9]/m.test(text);
  };
  await until(struck, { what: 'a process of it is killed for memory' });
  await daemon.start();
  const { cause, oom } = await exitOf(daemon.client, id);
  assert.deepEqual({ cause, oom }, { cause: 'oom', oom: true });
});
