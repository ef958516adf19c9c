/** Limits that an app has from its start: in force in the kernel, or the start fails. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostApp, runApp, SLEEP, uniqueId } from '../lib/apps.ts';
import { startDaemon, type TestDaemon } from '../lib/daemon.ts';
import { disksAreShared, groupFile } from '../lib/machine.ts';
import { helpfulRefusal, refusal } from '../lib/refusal.ts';

const MIB = 2 ** 20;

/** As the kernel has them, whatever its version. */
const found = (daemon: TestDaemon, containerId: string, ...names: readonly string[]): string | undefined =>
  names.map((name) => groupFile(daemon.group(containerId), name)).find((text) => text !== undefined);

test('swap, shares of the processor and cores are those that were asked for, and no swap unless it was', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const limits = { memoryBytes: 64 * MIB, swapBytes: 32 * MIB, cpuShares: 512, cores: '0' };
  const id = await runApp(client, 'shared', SLEEP, { limits });
  const plain = await runApp(client, 'plain', SLEEP, { limits: { memoryBytes: 64 * MIB } });
  const [one, other] = [await client.getInfo({ appInstanceId: id }), await client.getInfo({ appInstanceId: plain })];
  const swapOf = (containerId: string): number | undefined => {
    const both = found(daemon, containerId, 'memory.memsw.limit_in_bytes');
    const swap = both === undefined ? found(daemon, containerId, 'memory.swap.max') : Number(both) - 64 * MIB;
    return swap === undefined ? undefined : Number(swap);
  };
  assert.equal(swapOf(one.containerId), limits.swapBytes);
  assert.equal(swapOf(other.containerId), 0);
  assert.equal(one.limits.swapBytes, limits.swapBytes);
  const shares = found(daemon, one.containerId, 'cpu.shares') ?? found(daemon, one.containerId, 'cpu.weight');
  assert(shares === '512' || shares === '50', shares);
  assert.equal(found(daemon, one.containerId, 'cpuset.cpus'), '0');
  // with the memory also what is counted together with it
  await client.setLimits({ appInstanceId: id, memoryBytes: 128 * MIB });
  assert.equal(found(daemon, one.containerId, 'memory.limit_in_bytes', 'memory.max'), String(128 * MIB));
  const both = found(daemon, one.containerId, 'memory.memsw.limit_in_bytes');
  if (both !== undefined) assert.equal(both, String(160 * MIB));
  await client.setLimits({ appInstanceId: plain, memoryBytes: 32 * MIB });
  await client.setLimits({ appInstanceId: plain, memoryBytes: null });
  assert.equal((await client.getInfo({ appInstanceId: plain })).limits.swapBytes, null);
});

test('cores that this machine does not have are refused', async () => {
  await using daemon = await startDaemon();
  const run = runApp(daemon.client, 'nowhere', SLEEP, { limits: { cores: '0,4000' } });
  await refusal(run, 'INVALID_ARGUMENT', /cores 0,4000/);
});

test('a limit that would be no more than a wish fails the start, by name, and leaves nothing', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const id = uniqueId('weighty');
  const run = client.run(hostApp(id, SLEEP, { limits: { ioWeight: 300 } }));
  if (disksAreShared()) {
    const { containerId } = await client.getInfo({ appInstanceId: (await run).appInstanceId });
    assert.match(found(daemon, containerId, 'blkio.bfq.weight', 'io.bfq.weight', 'io.weight') ?? '', /\b300\b/);
    return;
  }
  const { next } = await helpfulRefusal(run, 'LIMIT_FAILED', /ioWeight/);
  assert.match(next ?? '', /leave|choose/);
  const { state, exit, containerId } = await client.getInfo({ appInstanceId: id });
  assert.deepEqual([state, exit?.cause], ['TERMINATED', 'start-failed']);
  assert.equal(found(daemon, containerId, 'pids.max'), undefined);
  await client.run(hostApp(id, SLEEP));
});
