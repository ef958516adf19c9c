/** Engines as callers see them: one suite for all. A row of ENGINES each. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Client } from '../../src/client/node.ts';
import {
  DEAF,
  eventsOf,
  exitOf,
  inWords,
  perl,
  pidOf,
  runApp,
  shell,
  SLEEP,
  stateOf,
  untilSays,
  untilState,
} from '../lib/apps.ts';
import { ENGINES } from '../lib/engines.ts';
import { isAlive } from '../lib/machine.ts';
import { helpfulRefusal } from '../lib/refusal.ts';
import { until } from '../lib/until.ts';

/** Dobby's specs need one. */
const MEMORY = { limits: { memoryBytes: 2 ** 26 } };

/** Process 1 of an app that has only just begun does not hand signals on yet. */
const UP = shell('echo up; exec sleep 1000');

const START = ['TERMINATED>STARTING', 'started', 'STARTING>RUNNING'];
const END = ['TERMINATING>TERMINATED', 'terminated'];

async function storyOf(client: Client, id: string): Promise<readonly string[]> {
  return inWords(await eventsOf(client, id));
}

const endOf = async (client: Client, id: string) => {
  const { code, signal, cause } = await exitOf(client, id);
  return { code, signal, cause };
};

for (const [name, make] of Object.entries(ENGINES)) {
  test(`${name}: an app is run, suspended, resumed and terminated, and every step is told once`, async () => {
    await using box = await make();
    const { client } = box.daemon;
    const id = await runApp(client, 'life', UP, MEMORY);
    await untilSays(client, id, 'up');
    const running = await client.getInfo({ appInstanceId: id });
    assert(running.pid !== null && isAlive(running.pid));
    assert(running.monitored && (running.memory?.usageBytes ?? 0) > 0);
    assert.deepEqual(await client.suspend({ appInstanceId: id }), { already: false });
    assert.equal(await stateOf(client, id), 'SUSPENDED');
    assert.deepEqual(await client.resume({ appInstanceId: id }), { already: false });
    assert.equal(await pidOf(client, id), running.pid);
    assert.deepEqual(await client.terminate({ appInstanceId: id }), { already: false });
    assert.deepEqual(await client.terminate({ appInstanceId: id }), { already: true });
    assert.deepEqual(await endOf(client, id), { code: 143, signal: 15, cause: 'terminated' });
    const middle = ['RUNNING>SUSPENDED', 'SUSPENDED>RUNNING', 'RUNNING>TERMINATING'];
    assert.deepEqual(await storyOf(client, id), [...START, ...middle, ...END]);
    assert(!isAlive(running.pid));
  });

  test(`${name}: what an app says is kept, and how it ended is told as a shell has it`, async () => {
    await using box = await make();
    const { client } = box.daemon;
    const by = box.tellsSignals ? { code: 139, signal: 11 } : { code: null, signal: null };
    const crashed = { ...by, cause: 'signalled' };
    const rows = [
      [shell('echo out; exit 3'), { code: 3, signal: null, cause: 'exited' }],
      [shell('echo out; exit 0'), { code: 0, signal: null, cause: 'exited' }],
      [perl('$| = 1; print "out\\n"; kill "SEGV", $$; sleep 100'), crashed],
    ] as const;
    for (const [args, end] of rows) {
      const id = await runApp(client, 'ending', args, MEMORY);
      assert.deepEqual(await endOf(client, id), end);
      await untilSays(client, id, 'out');
      await untilState(client, id, 'TERMINATED');
      assert.deepEqual(await storyOf(client, id), [...START, 'RUNNING>TERMINATED', 'terminated']);
    }
  });

  test(`${name}: who is deaf is killed after the grace period, and who is suspended is killed too`, async () => {
    await using box = await make();
    const { client } = box.daemon;
    const deaf = await runApp(client, 'deaf', DEAF, { ...MEMORY, terminateGraceMs: 200 });
    await untilSays(client, deaf, 'ready');
    await client.terminate({ appInstanceId: deaf });
    assert.deepEqual(await endOf(client, deaf), { code: 137, signal: 9, cause: 'killed' });
    for (const deed of ['kill', 'terminate'] as const) {
      const id = await runApp(client, 'frozen', UP, MEMORY);
      await untilSays(client, id, 'up');
      await client.suspend({ appInstanceId: id });
      await client[deed]({ appInstanceId: id });
      assert.equal((await exitOf(client, id)).cause, deed === 'kill' ? 'killed' : 'terminated');
    }
  });

  test(`${name}: an app is hibernated and woken, to RUNNING or SUSPENDED, and ends asleep`, async () => {
    await using box = await make();
    const { client } = box.daemon;
    const id = await runApp(
      client,
      'sleepy',
      perl('$| = 1; while (1) { print "round ", ++$n, "\\n"; sleep 1 }'),
      MEMORY,
    );
    await untilSays(client, id, 'round 1');
    await client.hibernate({ appInstanceId: id });
    assert.equal(await stateOf(client, id), 'HIBERNATED');
    await helpfulRefusal(client.suspend({ appInstanceId: id }), 'ILLEGAL_STATE', /HIBERNATED/);
    await client.wake({ appInstanceId: id, target: 'SUSPENDED' });
    assert.equal(await stateOf(client, id), 'SUSPENDED');
    await client.hibernate({ appInstanceId: id });
    await client.wake({ appInstanceId: id });
    await untilSays(client, id, 'round 2');
    const { hibernation } = await client.getInfo({ appInstanceId: id });
    assert.equal(hibernation.wakes, 2);
    await client.hibernate({ appInstanceId: id });
    await client.terminate({ appInstanceId: id });
    assert.deepEqual((await storyOf(client, id)).slice(-4), [
      'HIBERNATING>HIBERNATED',
      'HIBERNATED>TERMINATING',
      ...END,
    ]);
    assert.equal((await exitOf(client, id)).cause, 'terminated');
  });

  test(`${name}: a wake or an orderly end that comes during a hibernation leaves an app that runs, or has ended, and none that is frozen`, async () => {
    await using box = await make();
    const { client } = box.daemon;
    const args = perl(
      '$| = 1; $SIG{TERM} = sub { print "asked\\n"; exit 0 }; while (1) { print "round ", ++$n, "\\n"; sleep 1 }',
    );
    const id = await runApp(client, 'overtaken', args, MEMORY);
    await untilSays(client, id, 'round 1');
    const first = client.hibernate({ appInstanceId: id }).catch(() => undefined);
    await until(async () => (await stateOf(client, id)) === 'HIBERNATING', { what: 'it is at work', pollMs: 1 });
    await client.wake({ appInstanceId: id });
    await first;
    assert.equal(await stateOf(client, id), 'RUNNING');
    const { lines } = await client.getLogs({ appInstanceId: id });
    await untilSays(client, id, `round ${lines.filter(({ text }) => text.startsWith('round')).length + 1}`);
    const second = client.hibernate({ appInstanceId: id }).catch(() => undefined);
    await until(async () => (await stateOf(client, id)) === 'HIBERNATING', { what: 'it is at work', pollMs: 1 });
    await client.terminate({ appInstanceId: id });
    await second;
    assert.equal((await exitOf(client, id)).cause, 'terminated');
    assert.equal((await storyOf(client, id)).filter((word) => word === 'terminated').length, 1);
  });

  test(`${name}: a daemon that is killed finds its apps as they are, and tells each end once`, async () => {
    await using box = await make();
    const { daemon } = box;
    const ids = await Promise.all(['up', 'still', 'asleep'].map((one) => runApp(daemon.client, one, SLEEP, MEMORY)));
    const [up = '', still = '', asleep = ''] = ids;
    await daemon.client.suspend({ appInstanceId: still });
    await daemon.client.hibernate({ appInstanceId: asleep });
    const pid = await pidOf(daemon.client, up);
    await daemon.kill9();
    await daemon.start();
    const { client } = daemon;
    assert.deepEqual(await Promise.all(ids.map((id) => stateOf(client, id))), ['RUNNING', 'SUSPENDED', 'HIBERNATED']);
    assert.equal(await pidOf(client, up), pid);
    await client.resume({ appInstanceId: still });
    await client.wake({ appInstanceId: asleep });
    for (const id of ids) await client.kill({ appInstanceId: id });
    for (const id of ids) {
      assert.equal((await storyOf(client, id)).filter((word) => word === 'terminated').length, 1);
    }
    // what they held is given back: they can be run again
    const again = await client.run({
      appId: up,
      appInstanceId: up,
      app: { rootfs: { host: true }, args: [...SLEEP], ...MEMORY },
    });
    await until(async () => (await stateOf(client, again.appInstanceId)) === 'RUNNING', { what: 'it runs again' });
  });
}
