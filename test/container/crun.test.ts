/** The same life under crun. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  DEAF,
  eventsOf,
  exitOf,
  inWords,
  outputOf,
  perl,
  runApp,
  shell,
  SLEEP,
  stateOf,
  untilSays,
} from '../lib/apps.ts';
import { startDaemon, TOOLS, type TestDaemon } from '../lib/daemon.ts';
import { checkHistory } from '../lib/history.ts';
import { crunOptions, crunScript, onlyTools, type Tools } from '../lib/old-runtimes.ts';

const crunTools = () => onlyTools({ crun: crunScript(`${TOOLS}/crun`) });

const onCrun = (tools: Tools): Promise<TestDaemon> => startDaemon(crunOptions(tools));

test('an app lives its life under crun', async () => {
  await using tools = await crunTools();
  await using daemon = await onCrun(tools);
  const { client } = daemon;
  assert.equal((await client.version()).runtime, 'crun');
  const id = await runApp(
    client,
    'life',
    perl('$SIG{TERM} = sub { exit 5 }; $| = 1; print "ready\\n"; sleep 1 while 1'),
  );
  await untilSays(client, id, 'ready');
  await client.suspend({ appInstanceId: id });
  assert.equal(await stateOf(client, id), 'SUSPENDED');
  await client.resume({ appInstanceId: id });
  await client.terminate({ appInstanceId: id });
  assert.deepEqual(
    { ...(await exitOf(client, id)), at: '' },
    { code: 5, signal: null, oom: false, cause: 'terminated', at: '' },
  );
  assert.deepEqual(inWords(await eventsOf(client, id)).slice(0, 3), [
    'TERMINATED>STARTING',
    'started',
    'STARTING>RUNNING',
  ]);
  checkHistory((await client.getEvents({ since: 0 })).events);
});

test('exits, kills, limits and restarts of the daemon are the same under crun', async () => {
  await using tools = await crunTools();
  await using daemon = await onCrun(tools);
  const { client } = daemon;
  const [seven, nine, greedy, deaf, stays] = await Promise.all([
    runApp(client, 'seven', shell('echo out; exit 7')),
    runApp(client, 'nine', shell('kill -9 $$')),
    runApp(client, 'greedy', perl('my @h; push @h, "x" x 4_000_000 for 1..100; sleep 60'), {
      limits: { memoryBytes: 24 * 2 ** 20 },
    }),
    runApp(client, 'deaf', DEAF),
    runApp(client, 'stays', SLEEP),
  ]);
  assert.partialDeepStrictEqual(await exitOf(client, seven), { code: 7, cause: 'exited' });
  assert.deepEqual(await outputOf(client, seven), ['out']);
  assert.partialDeepStrictEqual(await exitOf(client, nine), { signal: 9, oom: false, cause: 'signalled' });
  assert.partialDeepStrictEqual(await exitOf(client, greedy), { signal: 9, oom: true, cause: 'oom' });
  await client.kill({ appInstanceId: deaf });
  assert.equal((await exitOf(client, deaf)).cause, 'killed');
  await daemon.kill9();
  await daemon.restart();
  assert.equal(await stateOf(daemon.client, stays), 'RUNNING');
  await daemon.client.terminate({ appInstanceId: stays });
});
