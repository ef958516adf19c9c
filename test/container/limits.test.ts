/** Limits are in force in the kernel, and what the daemon reads of an app is what the kernel says. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { outputOf, perl, pidOf, runApp, shell, SLEEP, exitOf, untilSays } from '../lib/apps.ts';
import { startDaemon } from '../lib/daemon.ts';
import { groupFile } from '../lib/machine.ts';
import { until } from '../lib/until.ts';

const MIB = 2 ** 20;

test('memory, processor and process limits are those of the control group', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const limits = { memoryBytes: 64 * MIB, cpus: 0.5, pids: 17, openFiles: 99 };
  const id = await runApp(client, 'limited', SLEEP, { limits });
  const info = await client.getInfo({ appInstanceId: id });
  const read = (...names: readonly string[]): string | undefined =>
    names.map((name) => groupFile(daemon.group(info.containerId), name)).find((text) => text !== undefined);

  assert.equal(read('memory.limit_in_bytes', 'memory.max'), String(limits.memoryBytes));
  const quota = read('cpu.cfs_quota_us') ?? read('cpu.max')?.split(' ')[0];
  assert.equal(quota, '50000');
  assert.equal(read('pids.max'), '17');
  assert.equal(info.memory?.limitBytes, limits.memoryBytes);
  assert.equal(info.pids?.limit, 17);
  assert.match(readFileSync(`/proc/${info.pid ?? ''}/limits`, 'utf8'), /^Max open files +99 +99 /m);
});

test('an app gets no more of the processor than its limit', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const id = await runApp(client, 'busy', perl('1 while 1'), { limits: { cpus: 0.1 } });
  const usedNs = async (): Promise<number> => (await client.getInfo({ appInstanceId: id })).cpu?.usageNs ?? 0;
  const [used, begin] = [await usedNs(), performance.now()];
  await until(async () => (await usedNs()) > used + 60e6, { what: 'it used 60 ms of the processor' });
  const share = ((await usedNs()) - used) / ((performance.now() - begin) * 1e6);
  assert(share < 0.3, `it had ${share} of a processor instead of 0.1`);
});

test('a fork bomb is stopped by its own limit, and the daemon and the other apps go on', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const other = await runApp(client, 'neighbour', SLEEP);
  const bomb = perl(
    '$| = 1; my $n = 0; while (1) { my $p = fork; if (!defined $p) { print "full $n\\n"; sleep 1000 } if ($p == 0) { sleep 1000 } $n++ }',
  );
  const id = await runApp(client, 'bomb', bomb, { limits: { pids: 20 } });
  // tini, the app itself, and its children
  await untilSays(client, id, 'full 18');
  const { pids } = await client.getInfo({ appInstanceId: id });
  assert.deepEqual(pids, { current: 20, limit: 20 });
  await client.suspend({ appInstanceId: other });
  await client.kill({ appInstanceId: id });
  assert.equal((await exitOf(client, id)).cause, 'killed');
});

test('an app is alone: its own pid, network, host name and user namespaces, no privilege, and files it cannot change', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const id = await runApp(client, 'alone', SLEEP);
  const pid = await pidOf(client, id);
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  assert.match(status, /^NoNewPrivs:\t1$/m);
  assert.match(status, /^CapEff:\t0+$/m);
  assert.match(status, /^CapBnd:\t0+$/m);
  assert.match(status, /^Seccomp:\t2$/m);
  const { uid } = await client.getInfo({ appInstanceId: id });
  assert.match(status, new RegExp(`^Uid:\t${uid}\t${uid}\t${uid}\t${uid}$`, 'm'));
  const look =
    'id -u; cat /proc/net/dev | wc -l; ls -d /proc/[0-9]* | wc -l; touch /usr/x /x 2>/dev/null; echo $?; touch /data/x /tmp/x && echo own';
  const inside = await runApp(client, 'look', shell(look));
  const own = (await client.getInfo({ appInstanceId: inside })).uid;
  await exitOf(client, inside);
  const [user, interfaces, processes, written, storage] = await outputOf(client, inside);
  assert.equal(user, String(own));
  assert.equal(interfaces, '3', 'two lines of heading, and lo');
  assert(Number(processes) <= 6, `it sees ${processes ?? ''} processes`);
  assert.equal(written, '1');
  assert.equal(storage, 'own');
});
