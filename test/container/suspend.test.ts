/** A suspended app stands still, all of it, and goes on as if nothing had been. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { perl, runApp } from '../lib/apps.ts';
import { startDaemon } from '../lib/daemon.ts';
import { until } from '../lib/until.ts';

const COUNTERS = 4;
/** Several processes, each of which writes a byte a millisecond to a file of its own; one of them in a new session. */
const counting = perl(
  `use POSIX; $| = 1; for my $n (1..${COUNTERS}) { next if fork; POSIX::setsid() if $n == 1; ` +
    `open my $f, ">", "/data/$n"; $f->autoflush; while (1) { print $f "."; select undef, undef, undef, 0.001 } } sleep 1000`,
);

/** As many as fit in the time in which each counter writes a hundred bytes. */
const STILL_MS = 150;

test('a suspended app stands still, with all its processes, and goes on after resume', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const id = await runApp(client, 'counter', counting);
  const { storage } = await client.getInfo({ appInstanceId: id });
  const counts = (): readonly number[] =>
    readdirSync(storage)
      .sort()
      .map((name) => statSync(join(storage, name)).size);
  const allGrow = async (what: string): Promise<void> => {
    const before = counts();
    await until(() => counts().length === COUNTERS && counts().every((count, index) => count > (before[index] ?? 0)), {
      what,
    });
  };
  await until(() => existsSync(storage) && counts().length === COUNTERS, { what: 'every process counts' });
  for (let round = 1; round <= 3; round++) {
    await allGrow('it counts');
    await client.suspend({ appInstanceId: id });
    const frozen = counts();
    const { cpu } = await client.getInfo({ appInstanceId: id });
    // the one wait for nothing to happen: there is no condition to wait for
    await sleep(STILL_MS);
    assert.deepEqual(counts(), frozen, 'nothing was written while it was suspended');
    assert.deepEqual((await client.getInfo({ appInstanceId: id })).cpu, cpu, 'and no time of the processor was used');
    await client.resume({ appInstanceId: id });
  }
  await allGrow('it goes on');
  assert.match(readFileSync(join(storage, '1'), 'utf8'), /^\.+$/);
});

test('apps are suspended one by one: the others run on', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const ids = await Promise.all(['one', 'two'].map((name) => runApp(client, name, counting)));
  const [one = '', two = ''] = ids;
  await client.suspend({ appInstanceId: one });
  const { storage } = await client.getInfo({ appInstanceId: two });
  const size = (): number => (existsSync(join(storage, '2')) ? statSync(join(storage, '2')).size : 0);
  const before = size();
  await until(() => size() > before + 10, { what: 'the other one counts on' });
});

test('twenty suspends and resumes asked for at once are done in the order in which they were asked for', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const id = await runApp(client, 'order', perl('sleep 1000'));
  const calls = Array.from({ length: 20 }, (_, index) =>
    index % 2 === 0 ? client.suspend({ appInstanceId: id }) : client.resume({ appInstanceId: id }),
  );
  await Promise.all(calls);
  assert.equal((await client.getInfo({ appInstanceId: id })).state, 'RUNNING');
});
