/** Many apps: the exits of all of them arrive, each with the right record, and nothing is left. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AppEvent, Client } from '../../src/client/node.ts';
import type { ExitRecord } from '../../src/domain/exit.ts';
import { hostApp, perl, shell, SLEEP, uniqueId } from '../lib/apps.ts';
import { startDaemon } from '../lib/daemon.ts';
import { checkHistory, runsOf } from '../lib/history.ts';
import { groupsBelow, isAlive, processesOfUser } from '../lib/machine.ts';
import { until } from '../lib/until.ts';

type Expected = Pick<ExitRecord, 'code' | 'signal' | 'oom' | 'cause'>;
type Kind = { readonly args: readonly string[]; readonly memoryBytes?: number; readonly expected: Expected };

const exits = (code: number): Kind => ({
  args: shell(`exit ${code}`),
  expected: { code, signal: null, oom: false, cause: 'exited' },
});
const killedBy = (signal: number): Kind => ({
  args: shell(`kill -${signal} $$`),
  expected: { code: 128 + signal, signal, oom: false, cause: 'signalled' },
});
const MEMORY_BYTES = 24 * 2 ** 20;
/** Far over the limit, in steps, each of them touched. */
const greedy: Kind = {
  args: perl('my @held; push @held, "x" x 4_000_000 for 1..100; sleep 60'),
  memoryBytes: MEMORY_BYTES,
  expected: { code: 137, signal: 9, oom: true, cause: 'oom' },
};
/** The same signal and the same limit, but not the kernel's doing. */
const killedWithinLimit: Kind = { ...killedBy(9), memoryBytes: MEMORY_BYTES };

const KINDS: readonly Kind[] = [
  exits(0),
  exits(7),
  exits(255),
  killedBy(9),
  killedBy(11),
  killedBy(15),
  greedy,
  killedWithinLimit,
];

const APPS = 200;
const AT_ONCE = 20;

/** Runs them all, some at a time; each in its turn is waited for until it has ended. */
async function runAll(client: Client, ids: readonly string[], kindOf: (index: number) => Kind): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let index = next++; index < ids.length; index = next++) {
      const { args, memoryBytes } = kindOf(index);
      const limits = memoryBytes === undefined ? {} : { memoryBytes };
      await client.run(hostApp(ids[index] ?? '', args, { limits }));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
}

async function history(client: Client): Promise<readonly AppEvent[]> {
  return (await client.getEvents({ since: 0, limit: 10_000 })).events;
}

test('the exits of two hundred short-lived apps all arrive, each once and with the right record', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const kindOf = (index: number): Kind => KINDS[index % KINDS.length] ?? exits(0);
  const ids = Array.from({ length: APPS }, (_, index) => uniqueId(`short-${index}`));
  await runAll(client, ids, kindOf);
  await until(async () => (await client.list()).length === 0, { what: 'all have ended', timeoutMs: 60_000 });

  const events = await history(client);
  checkHistory(events);
  ids.forEach((id, index) => {
    const runs = runsOf(events, id);
    assert.equal(runs.length, 1);
    const { at: _at, ...exit } = runs[0]?.exit ?? assert.fail(`${id} has no end`);
    assert.deepEqual(exit, kindOf(index).expected, `${id}: ${JSON.stringify(kindOf(index).args)}`);
  });
  await until(() => groupsBelow(daemon.group()).length === 0, { what: 'no control group is left' });
});

test('fifty apps live side by side, each its own, and end together', async () => {
  await using daemon = await startDaemon();
  const { client } = daemon;
  const ids = Array.from({ length: 50 }, (_, index) => uniqueId(`side-${index}`));
  await Promise.all(ids.map((id) => client.run(hostApp(id, SLEEP))));
  const living = await client.list();
  assert.deepEqual(living.map((one) => one.appInstanceId).sort(), [...ids].sort());
  assert(living.every(({ state, pid }) => state === 'RUNNING' && pid !== null && isAlive(pid)));
  assert.equal(new Set(living.map(({ uid }) => uid)).size, 50, 'a user id each');
  assert.equal(new Set(living.map(({ pid }) => pid)).size, 50);

  await Promise.all(ids.map((appInstanceId) => client.terminate({ appInstanceId })));
  assert.deepEqual(await client.list(), []);
  checkHistory(await history(client));
  for (const { pid, uid } of living) {
    assert(pid !== null && !isAlive(pid));
    assert.deepEqual(processesOfUser(uid), []);
  }
});
