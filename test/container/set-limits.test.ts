/** Limits of apps that live: in the kernel at once, all or none, and still so after a wake and a restart of the daemon. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventsOf, perl, runApp, SLEEP, stateOf, untilSays } from '../lib/apps.ts';
import { startDaemon, type TestDaemon } from '../lib/daemon.ts';
import { disksAreShared, groupFile } from '../lib/machine.ts';
import { helpfulRefusal, refusal } from '../lib/refusal.ts';
import { finish, startRuntimectl } from '../lib/runtimectl.ts';
import { runCounter, checkSleepsAndWakes } from '../lib/sleepers.ts';

const MIB = 2 ** 20;
const NO_SHARES = { cpuShares: null, cores: null, ioWeight: null };

/** What the kernel has: memory in bytes, quota in µs, processes; null for no limit. */
async function inForce(daemon: TestDaemon, appInstanceId: string) {
  const { containerId } = await daemon.client.getInfo({ appInstanceId });
  const read = (...names: readonly string[]): number | null => {
    const text = names.map((name) => groupFile(daemon.group(containerId), name)).find((one) => one !== undefined);
    const value = Number((text ?? '').split(' ')[0]);
    return Number.isNaN(value) || value < 0 || value > 2 ** 60 ? null : value;
  };
  return {
    memory: read('memory.limit_in_bytes', 'memory.max'),
    quota: read('cpu.cfs_quota_us', 'cpu.max'),
    pids: read('pids.max'),
  };
}

test('limits are in force when the answer comes, running and suspended, and can be lifted', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const id = await runApp(client, 'set', SLEEP, { limits: { memoryBytes: 64 * MIB } });
  const set = await client.setLimits({ appInstanceId: id, memoryBytes: 32 * MIB, cpus: 0.25, pids: 20 });
  assert.deepEqual(set, { memoryBytes: 32 * MIB, swapBytes: 0, cpus: 0.25, pids: 20, ...NO_SHARES });
  assert.deepEqual(await inForce(daemon, id), { memory: 32 * MIB, quota: 25_000, pids: 20 });
  await client.suspend({ appInstanceId: id });
  await client.setLimits({ appInstanceId: id, memoryBytes: null, pids: 30 });
  assert.deepEqual(await inForce(daemon, id), { memory: null, quota: 25_000, pids: 30 });
  assert.deepEqual(await client.setLimits({ appInstanceId: id, cpus: null, pids: null }), {
    memoryBytes: null,
    swapBytes: null,
    cpus: null,
    pids: 1024,
    ...NO_SHARES,
  });
  assert.deepEqual(await inForce(daemon, id), { memory: null, quota: null, pids: 1024 });
  assert.equal(await stateOf(client, id), 'SUSPENDED');
  await refusal(client.setLimits({ appInstanceId: id }), 'INVALID_ARGUMENT', /no limit/);
  await refusal(client.setLimits({ appInstanceId: id, memoryBytes: 4096 }), 'INVALID_ARGUMENT', /memoryBytes/);
  const told = (await eventsOf(client, id)).filter(({ type }) => type === 'limitsChanged');
  assert.deepEqual(
    told.map(({ by }) => by),
    Array.from({ length: 3 }, () => 'the unix socket'),
  );
});

test('a limit below what the app uses is refused, and the others stay as they were', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const limits = { memoryBytes: 128 * MIB, cpus: 1, pids: 50 };
  const hog = perl('$| = 1; my $x = "x" x 40_000_000; fork for 1..2; print "full\\n"; sleep 1000');
  const id = await runApp(client, 'hog', hog, { limits });
  await untilSays(client, id, 'full');
  const before = await inForce(daemon, id);
  for (const change of [{ memoryBytes: 16 * MIB }, { pids: 3 }]) {
    await helpfulRefusal(
      client.setLimits({ appInstanceId: id, cpus: 0.5, ...change }),
      'LIMIT_FAILED',
      /would not be in force/,
    );
    assert.deepEqual(await inForce(daemon, id), before);
  }
  assert.deepEqual((await client.getInfo({ appInstanceId: id })).limits, { ...limits, swapBytes: 0, ...NO_SHARES });
  assert.equal(await stateOf(client, id), 'RUNNING');
});

test('limits given to an app that sleeps hold when it wakes, and those given before', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const { id, count } = await runCounter(client, { extra: { limits: { pids: 40 } } });
  await client.setLimits({ appInstanceId: id, pids: 41 });
  await client.hibernate({ appInstanceId: id });
  const { hibernation } = await client.getInfo({ appInstanceId: id });
  assert((hibernation.image?.rawBytes ?? 0) < 6 * MIB, 'or the next line asks for too little');
  await client.setLimits({ appInstanceId: id, memoryBytes: 48 * MIB });
  await daemon.restart();
  const woken = await checkSleepsAndWakes(daemon, { id, count });
  assert.deepEqual(await inForce(daemon, id), { memory: 48 * MIB, quota: null, pids: 41 });
  await daemon.client.hibernate({ appInstanceId: id });
  await checkSleepsAndWakes(daemon, { id, count: woken });
  assert.deepEqual(await inForce(daemon, id), { memory: 48 * MIB, quota: null, pids: 41 });
  await daemon.client.kill({ appInstanceId: id });
  await helpfulRefusal(daemon.client.setLimits({ appInstanceId: id, pids: 7 }), 'ILLEGAL_STATE', /TERMINATED/);
});

/** Shares of the processor as version 1 counts them, and cores, as the kernel has them. */
async function shared(daemon: TestDaemon, appInstanceId: string) {
  const { containerId } = await daemon.client.getInfo({ appInstanceId });
  const read = (name: string) => groupFile(daemon.group(containerId), name);
  return {
    shares: read('cpu.shares') ?? { 50: '512', 100: '1024' }[read('cpu.weight') ?? ''],
    cores: read('cpuset.cpus'),
  };
}

test('shares of the processor and cores change too, while it runs, sleeps and after a restart, and can be lifted', async () => {
  await using daemon = await startDaemon();
  const { id, count } = await runCounter(daemon.client);
  const everywhere = (await shared(daemon, id)).cores;
  const set = await daemon.client.setLimits({ appInstanceId: id, cpuShares: 512, cores: '0' });
  assert.deepEqual([set.cpuShares, set.cores], [512, '0']);
  assert.deepEqual(await shared(daemon, id), { shares: '512', cores: '0' });
  await refusal(daemon.client.setLimits({ appInstanceId: id, pids: 60, cores: '0,4000' }), 'INVALID_ARGUMENT', /cores/);
  await daemon.client.hibernate({ appInstanceId: id });
  await refusal(daemon.client.setLimits({ appInstanceId: id, cores: '4000' }), 'INVALID_ARGUMENT', /cores/);
  await daemon.client.setLimits({ appInstanceId: id, cpuShares: null });
  await daemon.kill9();
  await daemon.start();
  await checkSleepsAndWakes(daemon, { id, count });
  assert.deepEqual(await shared(daemon, id), { shares: '1024', cores: '0' });
  await daemon.client.setLimits({ appInstanceId: id, cpuShares: 512, cores: null });
  assert.deepEqual(await shared(daemon, id), { shares: '512', cores: everywhere });
  await daemon.kill9();
  await daemon.start();
  assert.deepEqual(await shared(daemon, id), { shares: '512', cores: everywhere });
  assert.equal((await daemon.client.getInfo({ appInstanceId: id })).limits.pids, 1024, 'nothing of what was refused');
});

test('a weight for disks is in force, or refused by name where no disk is shared by weight, awake and asleep', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const { id } = await runCounter(client);
  const set = async () => client.setLimits({ appInstanceId: id, ioWeight: 300, pids: 70 });
  if (disksAreShared()) {
    assert.equal((await set()).ioWeight, 300);
    return;
  }
  await helpfulRefusal(set(), 'LIMIT_FAILED', /ioWeight/);
  assert.equal((await inForce(daemon, id)).pids, 1024, 'all or nothing');
  await client.hibernate({ appInstanceId: id });
  await helpfulRefusal(set(), 'LIMIT_FAILED', /ioWeight/);
  assert.equal((await client.getInfo({ appInstanceId: id })).limits.ioWeight, null);
});

test('an app that sleeps is not given less memory than its image holds', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const { id } = await runCounter(client, { kind: 'large', bytes: 24 * MIB });
  await client.hibernate({ appInstanceId: id });
  const { details } = await helpfulRefusal(
    client.setLimits({ appInstanceId: id, memoryBytes: 8 * MIB }),
    'LIMIT_FAILED',
    /image holds/,
  );
  assert(Number(details?.['neededBytes']) > 24 * MIB);
});

test('limits outlive kill -9 of the daemon; what somebody else has changed is put right', async () => {
  await using daemon = await startDaemon();
  const id = await runApp(daemon.client, 'kept', SLEEP);
  await daemon.client.setLimits({ appInstanceId: id, pids: 33 });
  await daemon.kill9();
  await daemon.start();
  assert.equal((await daemon.client.getInfo({ appInstanceId: id })).limits.pids, 33);
  assert.equal((await inForce(daemon, id)).pids, 33);
  const start = (...words: readonly string[]) => startRuntimectl(['limits', id, ...words], { root: daemon.root });
  assert.equal((await finish(start('--memory', '64M', '--cpus', '0.5', '--pids', 'none'))).code, 0);
  const { stdout } = await finish(start());
  assert.equal(stdout, 'memory: 64.0 MB\nCPU: 0.5 cores\nprocesses: 1024\n');
  assert.equal((await finish(start('--cpus', 'many'))).code, 2);
  assert.match((await finish(start('--cpu-shares', '512', '--cores', '0'))).stdout, /^CPU shares: 512\ncores: 0$/m);
  assert.doesNotMatch((await finish(start('--cpu-shares', 'none', '--cores', 'none'))).stdout, /shares|^cores/m);
});
