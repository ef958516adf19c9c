/** A hibernation at work through Dobby is given up by who wants the app otherwise (DobbyManager::wakeupContainer, stopContainer). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventsOf, exitOf, inWords, perl, runApp, SLEEP, stateOf, untilSays } from '../lib/apps.ts';
import { dobbyHouse, noStrangeCalls } from '../lib/engines.ts';
import { helpfulRefusal } from '../lib/refusal.ts';
import { until } from '../lib/until.ts';

const LIMIT_MS = 30_000;

test('a wake during a hibernation gives it up: the app runs, and was never asleep; so it is for one that was suspended', async () => {
  await using house = await dobbyHouse();
  const { daemon, dobby } = house;
  const { client } = daemon;
  const id = await runApp(client, 'early', SLEEP);
  dobby.faults.hibernatesForEver = true;
  const overtaken = () => helpfulRefusal(client.hibernate({ appInstanceId: id }), 'ABORTED', /overtaken by a wake/);
  const first = overtaken();
  await until(() => dobby.stateOf(id) === 'hibernating', { what: 'Dobby is at it', timeoutMs: LIMIT_MS });
  await client.wake({ appInstanceId: id });
  await first;
  assert.deepEqual([await stateOf(client, id), dobby.stateOf(id)], ['RUNNING', 'running']);
  await client.suspend({ appInstanceId: id });
  const second = overtaken();
  await until(() => dobby.stateOf(id) === 'hibernating', { what: 'Dobby is at it', timeoutMs: LIMIT_MS });
  await client.wake({ appInstanceId: id, target: 'SUSPENDED' });
  await second;
  assert.deepEqual([await stateOf(client, id), dobby.stateOf(id)], ['SUSPENDED', 'paused']);
  const { hibernation } = await client.getInfo({ appInstanceId: id });
  assert.equal(hibernation.wakes, 0);
  const told = inWords(await eventsOf(client, id));
  assert.deepEqual(told.slice(3), [
    ...['RUNNING>HIBERNATING', 'HIBERNATING>WAKING', 'WAKING>RUNNING', 'RUNNING>SUSPENDED'],
    ...['SUSPENDED>HIBERNATING', 'HIBERNATING>WAKING', 'WAKING>SUSPENDED'],
  ]);
  await client.kill({ appInstanceId: id });
  noStrangeCalls(house);
});

test('an orderly end during a hibernation gives it up, and the app hears that it is to end', async () => {
  await using house = await dobbyHouse();
  const { daemon, dobby } = house;
  const { client } = daemon;
  const args = perl('$| = 1; $SIG{TERM} = sub { print "asked\\n"; exit 5 }; print "up\\n"; sleep 1 while 1');
  for (const [deed, end] of [
    ['terminate', { code: 5, cause: 'terminated' }],
    ['kill', { code: 137, cause: 'killed' }],
  ] as const) {
    const id = await runApp(client, deed, args);
    await untilSays(client, id, 'up');
    dobby.faults.hibernatesForEver = true;
    const refused = helpfulRefusal(client.hibernate({ appInstanceId: id }), 'ABORTED', /overtaken by a/);
    await until(() => dobby.stateOf(id) === 'hibernating', { what: 'Dobby is at it', timeoutMs: LIMIT_MS });
    await client[deed]({ appInstanceId: id });
    await refused;
    const { code, cause } = await exitOf(client, id);
    assert.deepEqual({ code, cause }, end);
    assert.deepEqual(inWords(await eventsOf(client, id)).slice(3), [
      ...['RUNNING>HIBERNATING', 'HIBERNATING>TERMINATING', 'TERMINATING>TERMINATED', 'terminated'],
    ]);
  }
  noStrangeCalls(house);
});
