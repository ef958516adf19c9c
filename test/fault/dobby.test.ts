/** The engine dobby when Dobby, or the bus to it, does what it should not (facts/dobby.md §0): nothing is stuck, lost or told twice. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import {
  causeOf,
  ends,
  eventsOf,
  exitOf,
  hostApp,
  inWords,
  pidOf,
  runAgain,
  runApp,
  shell,
  SLEEP,
  stateOf,
  uniqueId,
  untilState,
} from '../lib/apps.ts';
import { dobbyHouse, noStrangeCalls } from '../lib/engines.ts';
import { isAlive } from '../lib/machine.ts';
import { helpfulRefusal } from '../lib/refusal.ts';
import { until } from '../lib/until.ts';

const LIMIT_MS = 30_000;

test('when Dobby dies its apps end with that reason, once each, and its next life is another one', async () => {
  await using house = await dobbyHouse();
  const { daemon, dobby } = house;
  const { client } = daemon;
  const ids = await Promise.all(['one', 'two', 'asleep'].map((name) => runApp(client, name, SLEEP)));
  const [one = '', , asleep = ''] = ids;
  await client.hibernate({ appInstanceId: asleep });
  await dobby.crash();
  for (const id of ids) assert.equal(await causeOf(client, id), 'engine-lost');
  await helpfulRefusal(client.run(hostApp(uniqueId('early'), SLEEP)), 'ENGINE_UNAVAILABLE', /Dobby/);
  await dobby.start();
  // the numbers begin anew: this one has the number of the first app before
  await runAgain(client, one);
  const pid = await pidOf(client, one);
  await client.kill({ appInstanceId: asleep });
  assert(isAlive(pid));
  for (const id of ids) assert.equal(await ends(client, id), 1);
  noStrangeCalls(house);
});

test('a daemon that was away while Dobby died and came back tells it, and touches nobody else’s container', async () => {
  await using house = await dobbyHouse();
  const { daemon, dobby } = house;
  const id = await runApp(daemon.client, 'mine', SLEEP);
  await daemon.kill9();
  await dobby.restart();
  const other = await dobby.launchForeign('somebody-elses', ['/bin/sleep', '1000']);
  await daemon.start();
  assert.equal(await causeOf(daemon.client, id), 'engine-lost');
  assert.equal(await ends(daemon.client, id), 1);
  await helpfulRefusal(daemon.client.run(hostApp('somebody-elses', SLEEP)), 'START_FAILED', /not ours/);
  await daemon.client.kill({ appInstanceId: 'somebody-elses' });
  assert(isAlive(other));
  assert.deepEqual(dobby.ids, ['somebody-elses']);
  noStrangeCalls(house);
});

test('when the bus goes away and comes back, with Dobby after it, apps end once and others can be run', async () => {
  await using house = await dobbyHouse({ settleMs: 800 });
  const { daemon, dobby, bus } = house;
  const { client } = daemon;
  const id = await runApp(client, 'bus', SLEEP);
  await bus.stop();
  await dobby.crash();
  await bus.start();
  await dobby.start({ readyMs: 200 });
  await untilState(client, id, 'TERMINATED');
  await runAgain(client, id);
  assert.equal(await ends(client, id), 1);
  noStrangeCalls(house);
});

test('nobody is called before it serves', async () => {
  await using house = await dobbyHouse({ settleMs: 1500 });
  const { daemon, dobby } = house;
  await daemon.stop();
  await dobby.crash();
  await dobby.start({ readyMs: 600 });
  await daemon.start();
  await dobby.crash();
  await dobby.start({ readyMs: 600 });
  const running = until(() => runApp(daemon.client, 'patient', SLEEP), { what: 'it runs', timeoutMs: LIMIT_MS });
  await running;
  noStrangeCalls(house);
});

test('while Dobby hangs an app can be killed; what it held is given back when Dobby goes on', async () => {
  await using house = await dobbyHouse();
  const { daemon, dobby } = house;
  const { client } = daemon;
  const id = await runApp(client, 'held', SLEEP);
  const pid = await pidOf(client, id);
  dobby.wire.hangs = true;
  await client.kill({ appInstanceId: id }, { timeoutMs: LIMIT_MS });
  assert(!isAlive(pid));
  assert.equal(await causeOf(client, id), 'killed');
  assert.equal((await client.getInfo({ appInstanceId: id })).state, 'TERMINATED');
  dobby.wire.release();
  await runAgain(client, id);
  assert.equal(await ends(client, id), 1);
  noStrangeCalls(house);
});

test('an app that Dobby started too late is not left running', async () => {
  await using house = await dobbyHouse({}, { config: { startTimeoutMs: 1000 } });
  const { daemon, dobby } = house;
  const { client } = daemon;
  const id = uniqueId('late');
  // List is answered, the start is not
  dobby.faults.hangsAtStart = true;
  await helpfulRefusal(client.run(hostApp(id, SLEEP)), 'TIMED_OUT', /StartFromBundle/);
  assert.equal(await stateOf(client, id), 'TERMINATED');
  dobby.wire.release();
  dobby.faults.hangsAtStart = false;
  await runAgain(client, id);
  assert.deepEqual(dobby.ids, [id]);
  assert.deepEqual(await ends(client, id), 1);
});

test('an app of which Dobby says that it is stopping for good can be ended', async () => {
  await using house = await dobbyHouse();
  const { daemon, dobby } = house;
  const { client } = daemon;
  const id = await runApp(client, 'stopping', SLEEP);
  dobby.getStuck(id, 'stopping');
  await client.kill({ appInstanceId: id });
  assert.equal(await causeOf(client, id), 'killed');
  await runAgain(client, id);
  assert.equal(await ends(client, id), 1);
});

test('what Dobby itself cannot get rid of is not asked about, which would end it', async () => {
  await using house = await dobbyHouse({}, { config: { startTimeoutMs: 1000 } });
  const { daemon, dobby } = house;
  const id = uniqueId('stuck');
  dobby.faults.hangsAtStart = true;
  daemon.client.run(hostApp(id, SLEEP)).catch(() => undefined);
  await until(() => dobby.wire.called.includes('StartFromBundle'), { what: 'Dobby is asked', timeoutMs: LIMIT_MS });
  await daemon.kill9();
  dobby.wire.release();
  dobby.faults.hangsAtStart = false;
  await until(() => dobby.ids.includes(id), { what: 'Dobby has it', timeoutMs: LIMIT_MS });
  dobby.getStuck(id, 'unknown');
  await daemon.start();
  assert.equal(await causeOf(daemon.client, id), 'start-interrupted');
  assert(dobby.wire.isConnected);
  assert.deepEqual(dobby.ids, [id]);
  dobby.getStuck(id, 'running');
  await runAgain(daemon.client, id);
  assert.equal(await ends(daemon.client, id), 1);
});

test('no more than 32 calls are in flight, however many ask while Dobby hangs', async () => {
  await using house = await dobbyHouse();
  const { daemon, dobby } = house;
  dobby.wire.hangs = true;
  const ids = Array.from({ length: 48 }, () => uniqueId('crowd'));
  const runs = Promise.allSettled(ids.map((id) => daemon.client.run(hostApp(id, SLEEP), { timeoutMs: 60_000 })));
  await until(() => dobby.wire.mostAtOnce === 32, { what: '32 calls wait', timeoutMs: LIMIT_MS });
  dobby.wire.release();
  const outcomes = await runs;
  assert.deepEqual(
    outcomes.filter(({ status }) => status === 'rejected'),
    [],
  );
  assert.equal(dobby.wire.mostAtOnce, 32);
  noStrangeCalls(house);
});

test('an app that ends before Dobby has answered its start has run, and its exit code is known', async () => {
  await using house = await dobbyHouse();
  const { daemon, dobby } = house;
  dobby.faults.repliesAfterEnd = true;
  const id = await runApp(daemon.client, 'short', shell('exit 7'));
  const { code, cause } = await exitOf(daemon.client, id);
  assert.deepEqual({ code, cause }, { code: 7, cause: 'exited' });
  assert.deepEqual(inWords(await eventsOf(daemon.client, id)), [
    ...['TERMINATED>STARTING', 'started', 'STARTING>RUNNING'],
    ...['RUNNING>TERMINATED', 'terminated'],
  ]);
  noStrangeCalls(house);
});

test('an end that Dobby does not tell is seen all the same, and one that it tells of an app that lives is not believed', async () => {
  await using house = await dobbyHouse();
  const { daemon, dobby } = house;
  const { client } = daemon;
  dobby.faults.tellsNoEnds = true;
  const silent = await runApp(client, 'silent', shell('sleep 0.3'));
  assert.equal(await causeOf(client, silent), 'monitor-lost');
  dobby.faults.tellsNoEnds = false;
  const id = await runApp(client, 'twice', SLEEP);
  dobby.repeatEnd(id);
  dobby.repeatStart(id);
  await client.suspend({ appInstanceId: id });
  await client.resume({ appInstanceId: id });
  assert.equal(await stateOf(client, id), 'RUNNING');
  await client.kill({ appInstanceId: id });
  assert.equal(await ends(client, id), 1);
});

test('a hibernation that fails without a word is seen, and the app goes on; so does one that never comes to an end', async () => {
  await using house = await dobbyHouse({}, { config: { hibernation: { timeoutMs: 800 } } });
  const { daemon, dobby } = house;
  const { client } = daemon;
  const id = await runApp(client, 'awake', SLEEP);
  dobby.faults.hibernatesNothing = true;
  await helpfulRefusal(client.hibernate({ appInstanceId: id }), 'CHECKPOINT_FAILED', /running again/);
  assert.equal(await stateOf(client, id), 'RUNNING');
  await client.suspend({ appInstanceId: id });
  await helpfulRefusal(client.hibernate({ appInstanceId: id }), 'CHECKPOINT_FAILED', /SUSPENDED again/);
  assert.equal(await stateOf(client, id), 'SUSPENDED');
  assert.equal(dobby.stateOf(id), 'paused');
  await client.resume({ appInstanceId: id });
  dobby.faults.hibernatesForEver = true;
  await helpfulRefusal(client.hibernate({ appInstanceId: id }), 'TIMED_OUT', /RUNNING again/);
  assert.equal(dobby.stateOf(id), 'running');
  const { findings } = await client.explainHibernation({ appInstanceId: id });
  assert(findings.some(({ code }) => code === 'IN_MEMORY_ONLY'));
  await client.kill({ appInstanceId: id });
  noStrangeCalls(house);
});

test('a start that Dobby refuses leaves nothing', async () => {
  await using house = await dobbyHouse();
  const { daemon, dobby } = house;
  dobby.faults.refusesStarts = true;
  const id = uniqueId('refused');
  await helpfulRefusal(daemon.client.run(hostApp(id, SLEEP)), 'START_FAILED', /did not start/);
  assert.equal(await causeOf(daemon.client, id), 'start-failed');
  assert.deepEqual(readdirSync(`/run/runtime-manager-${daemon.tag}/bundles`), []);
  assert(!existsSync(`${daemon.places.state}/inside/${id}`));
});

test('apps of another engine are not taken over', async () => {
  await using house = await dobbyHouse();
  const { daemon } = house;
  await runApp(daemon.client, 'theirs', SLEEP);
  await daemon.kill9();
  const { code, stderr } = await daemon.tryAnother(['--engine', 'embedded']);
  assert.equal(code, 1);
  assert.match(stderr, /apps of the engine dobby are still there/);
  await daemon.start();
});
