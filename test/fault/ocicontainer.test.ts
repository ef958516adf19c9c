/**
 * The engine ocicontainer when Thunder, its plugin or the Dobby behind it does what it should not (facts/thunder.md §3.1): nothing is
 * stuck, lost or told twice.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Finding } from '../../src/domain/health.ts';
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
import { thunderHouse } from '../lib/engines.ts';
import { isAlive } from '../lib/machine.ts';
import { OCI_CONTAINER } from '../lib/oci-container-plugin.ts';
import { helpfulRefusal } from '../lib/refusal.ts';
import { runtimectl } from '../lib/runtimectl.ts';
import { until } from '../lib/until.ts';

const LIMIT_MS = 30_000;

test('when Thunder goes away apps go on; who ends meanwhile ends once; when it is back, all is as before', async () => {
  await using house = await thunderHouse();
  const { daemon, thunder } = house;
  const { client } = daemon;
  const stays = await runApp(client, 'stays', SLEEP);
  const ending = await runApp(client, 'ending', SLEEP);
  const pid = await pidOf(client, stays);
  await thunder.stop();
  await helpfulRefusal(client.run(hostApp(uniqueId('early'), SLEEP)), 'ENGINE_UNAVAILABLE', /Thunder/);
  process.kill(await pidOf(client, ending), 'SIGKILL');
  await untilState(client, ending, 'TERMINATED');
  assert.equal(await causeOf(client, ending), 'monitor-lost');
  await thunder.start();
  await until(() => client.suspend({ appInstanceId: stays }), { what: 'it is suspended', timeoutMs: LIMIT_MS });
  await client.resume({ appInstanceId: stays });
  assert.equal(await pidOf(client, stays), pid);
  await client.kill({ appInstanceId: stays });
  for (const id of [stays, ending]) assert.equal(await ends(client, id), 1);
  // its events are heard again
  const short = await runApp(client, 'short', shell('exit 4'));
  assert.equal((await exitOf(client, short)).code, 4);
});

test('a plugin that is deactivated is named, and used again when it is active', async () => {
  await using house = await thunderHouse({ generation: 'r5' });
  const { daemon, thunder } = house;
  const { client } = daemon;
  const id = await runApp(client, 'lives', SLEEP);
  thunder.setActive(OCI_CONTAINER, false);
  const refused = client.run(hostApp(uniqueId('refused'), SLEEP));
  await helpfulRefusal(refused, 'ENGINE_UNAVAILABLE', /not active|activate/);
  assert.equal(await stateOf(client, id), 'RUNNING');
  thunder.setActive(OCI_CONTAINER, true);
  await until(() => client.suspend({ appInstanceId: id }), { what: 'it is suspended', timeoutMs: LIMIT_MS });
  await client.kill({ appInstanceId: id });
  assert.equal(await ends(client, id), 1);
});

test('when Dobby dies behind the plugin its apps end with that reason, once each, and its next life is another one', async () => {
  await using house = await thunderHouse();
  const { daemon, dobby } = house;
  const { client } = daemon;
  const ids = await Promise.all(['one', 'two', 'asleep'].map((name) => runApp(client, name, SLEEP)));
  const [one = '', two = '', asleep = ''] = ids;
  await client.hibernate({ appInstanceId: asleep });
  await dobby.restart();
  // it has the number of the first app before
  const other = await dobby.launchForeign('somebody-elses', SLEEP);
  for (const id of ids) assert.equal(await causeOf(client, id), 'engine-lost');
  for (const id of ids) await client.kill({ appInstanceId: id });
  await runAgain(client, one);
  const pid = await pidOf(client, one);
  await client.kill({ appInstanceId: two });
  assert(isAlive(pid) && isAlive(other));
  for (const id of ids) assert.equal(await ends(client, id), 1);
  assert.deepEqual(dobby.wire.strange, []);
});

test('a Dobby that does not answer the plugin is not taken for one that has lost its apps', async () => {
  await using house = await thunderHouse();
  const { daemon, dobby } = house;
  const id = await runApp(daemon.client, 'lives', SLEEP);
  const pid = await pidOf(daemon.client, id);
  // the plugin says now that there are no containers
  await dobby.wire.disconnect();
  await daemon.kill9();
  await daemon.start();
  const { client } = daemon;
  assert(isAlive(pid));
  assert.equal(await ends(client, id), 0);
  await dobby.wire.connect(0);
  await until(() => client.suspend({ appInstanceId: id }), { what: 'it is suspended', timeoutMs: LIMIT_MS });
  assert.equal(await pidOf(client, id), pid);
  // and it can be killed while Dobby is silent
  await dobby.wire.disconnect();
  await client.kill({ appInstanceId: id }, { timeoutMs: LIMIT_MS });
  assert(!isAlive(pid));
  assert.deepEqual([await causeOf(client, id), await ends(client, id)], ['killed', 1]);
  await dobby.wire.connect(0);
});

test('others’ containers are neither told nor touched', async () => {
  await using house = await thunderHouse();
  const { daemon, dobby } = house;
  const { client } = daemon;
  await dobby.launchForeign('short-lived', ['/bin/true']);
  const other = await dobby.launchForeign('somebody-elses', SLEEP);
  await helpfulRefusal(client.run(hostApp('somebody-elses', SLEEP)), 'START_FAILED', /not ours/);
  await client.kill({ appInstanceId: 'somebody-elses' });
  assert(isAlive(other));
  const all = await client.list({ all: true });
  assert.deepEqual(
    all.map(({ appInstanceId }) => appInstanceId),
    ['somebody-elses'],
  );
  await until(() => dobby.ids.join() === 'somebody-elses', { what: 'the short-lived one has gone' });
});

test('an app whose start was answered to nobody, because Thunder had gone, is not left running', async () => {
  await using house = await thunderHouse();
  const { daemon, dobby, thunder } = house;
  const { client } = daemon;
  const id = uniqueId('late');
  dobby.faults.hangsAtStart = true;
  const refused = helpfulRefusal(client.run(hostApp(id, SLEEP)), 'ENGINE_UNAVAILABLE', /Thunder/);
  await until(() => dobby.wire.called.includes('StartFromBundle'), { what: 'Dobby is at it' });
  await thunder.stop();
  await refused;
  assert.equal(await stateOf(client, id), 'TERMINATED');
  dobby.faults.hangsAtStart = false;
  dobby.wire.release();
  await until(() => dobby.ids.includes(id), { what: 'it runs, and nobody is told' });
  await thunder.start();
  await until(() => dobby.ids.length === 0, { what: 'it was stopped', timeoutMs: LIMIT_MS });
  await runAgain(client, id);
  assert.equal(await ends(client, id), 1);
});

test('what the plugin does not do is an error, with its reason where it gives one', async () => {
  await using house = await thunderHouse();
  const { daemon, dobby, plugin } = house;
  const { client } = daemon;
  dobby.faults.refusesStarts = true;
  await helpfulRefusal(client.run(hostApp(uniqueId('no'), SLEEP)), 'START_FAILED', /dobby start failed/);
  dobby.faults.refusesStarts = false;
  const id = await runApp(client, 'yes', SLEEP);
  const mount = { appInstanceId: id, source: '/usr', destination: `${daemon.directory}/mounted` };
  await helpfulRefusal(client.mount(mount), 'MOUNT_FAILED', /did not mount/);
  await client.annotate({ appInstanceId: id, key: 'owner', value: 'me' });
  const wanted = JSON.stringify({ owner: 'me' });
  await until(() => JSON.stringify(dobby.annotationsOf(id)) === wanted, { what: 'Dobby shows the annotation' });
  const { exitCode } = await client.exec({ appInstanceId: id, args: ['/bin/sleep', '0.2'] });
  assert.equal(exitCode, null);
  // by somebody else's doing
  await plugin.plugin.methods['hibernateContainer']?.({ containerId: id, options: '' });
  await until(() => dobby.stateOf(id) === 'hibernated', { what: 'it sleeps' });
  await helpfulRefusal(client.suspend({ appInstanceId: id }), 'SUSPEND_FAILED', /did not pause/);
  await client.kill({ appInstanceId: id });
});

test('an app that ends before its start was answered has run, and its exit code is known', async () => {
  await using house = await thunderHouse();
  house.dobby.faults.repliesAfterEnd = true;
  const { client } = house.daemon;
  const id = await runApp(client, 'short', shell('exit 7'));
  const { code, cause } = await exitOf(client, id);
  assert.deepEqual({ code, cause }, { code: 7, cause: 'exited' });
  assert.equal(await ends(client, id), 1);
});

test('a plugin that tells no exit codes, with specs: ends are known, how is not', async () => {
  await using house = await thunderHouse({ exitCodes: false, settings: { start: 'spec' } });
  const { client } = house.daemon;
  const memory = { limits: { memoryBytes: 2 ** 26 } };
  const own = await runApp(client, 'own', shell('exit 3'), memory);
  const { code, cause } = await exitOf(client, own);
  assert.deepEqual({ code, cause }, { code: null, cause: 'monitor-lost' });
  const killed = await runApp(client, 'killed', SLEEP, memory);
  await client.kill({ appInstanceId: killed });
  assert.equal(await causeOf(client, killed), 'killed');
});

test('the doctor says whether Dobby answers through Thunder, and what cannot be had so', async () => {
  await using house = await thunderHouse();
  const { stdout } = await runtimectl(['doctor', '--json'], { root: house.daemon.root });
  const { findings } = JSON.parse(stdout) as { findings: readonly Finding[] };
  const said = findings.filter(({ check }) => check === 'engine').map(({ what }) => what);
  assert(
    said.some((one) => one.startsWith('ocicontainer answers') && one.includes(OCI_CONTAINER)),
    said.join('; '),
  );
  assert(
    said.some((one) => /cannot .*which signal/.test(one)),
    said.join('; '),
  );
});

test('forty lives, eight at a time: no event is lost or doubled, and nobody is stuck', async () => {
  await using house = await thunderHouse();
  const { client } = house.daemon;
  const live = async (round: number): Promise<void> => {
    const id = await runApp(client, 'many', round % 5 === 0 ? shell('exit 2') : SLEEP);
    if (round % 5 === 0) assert.equal((await exitOf(client, id)).code, 2);
    else {
      if (round % 3 === 0) await client.suspend({ appInstanceId: id });
      if (round % 7 === 0) await client.hibernate({ appInstanceId: id });
      await (round % 2 === 0 ? client.kill({ appInstanceId: id }) : client.terminate({ appInstanceId: id }));
    }
    await untilState(client, id, 'TERMINATED');
    const words = inWords(await eventsOf(client, id));
    for (const word of ['started', 'terminated']) {
      assert.equal(words.filter((one) => one === word).length, 1, `${id}: ${words.join(' ')}`);
    }
  };
  const rounds = Array.from({ length: 40 }, (_, index) => index + 1);
  const worker = async (): Promise<void> => {
    for (let round = rounds.shift(); round !== undefined; round = rounds.shift()) await live(round);
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  await until(() => house.dobby.ids.length === 0, { what: 'Dobby has no container any more', timeoutMs: LIMIT_MS });
  assert.deepEqual(house.dobby.wire.strange, []);
});
