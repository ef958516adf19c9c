/** A campaign: apps come and go at random while the daemon is killed again and again, and the whole history must hold. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { RuntimeError } from '../../src/domain/errors.ts';
import type { AppEvent, Client, MethodInput } from '../../src/client/node.ts';
import { hostApp, perl, shell, SLEEP, uniqueId } from './apps.ts';
import type { TestDaemon } from './daemon.ts';
import { checkHistory, runsOf } from './history.ts';
import { groupsBelow, processesWith } from './machine.ts';
import { randomNumbers, type Random } from './random-numbers.ts';
import { until } from './until.ts';

/** How an app ends when nobody ends it; undefined for one that does not. */
type Kind = { readonly args: readonly string[]; readonly ownCode?: number };

const kinds = (random: Random): Kind => {
  const code = random(200);
  const pauseSeconds = (random(300) / 1000).toFixed(3);
  const made: readonly Kind[] = [
    { args: SLEEP },
    { args: perl('$SIG{TERM} = sub { select undef, undef, undef, 0.05; exit 0 }; sleep 1 while 1') },
    { args: perl('$SIG{TERM} = "IGNORE"; sleep 1 while 1') },
    { args: shell(`exit ${code}`), ownCode: code },
    { args: shell(`sleep ${pauseSeconds}; exit ${code}`), ownCode: code },
    { args: shell(`sleep ${pauseSeconds}; kill -9 $$`), ownCode: 137 },
  ];
  return made[random(made.length)] ?? { args: SLEEP };
};

/** What may be answered while anything may happen at any moment. A fault of the daemon itself is not among it. */
const EXPECTED = new Set([
  'UNREACHABLE',
  'ABORTED',
  'ILLEGAL_STATE',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'BUSY',
  'SUSPEND_FAILED',
  'RESUME_FAILED',
]);

async function attempt(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof RuntimeError && EXPECTED.has(error.code))) throw error;
  }
}

export type Campaign = {
  readonly daemon: TestDaemon;
  readonly seed: number;
  readonly rounds: number;
  readonly apps: number;
};

/** The own code of each run of each instance that was asked for, as far as it is known to have been admitted. */
type Ledger = Map<string, Kind>;

/** One caller: takes an instance through its life in an order of its own, until the daemon is killed. */
async function caller(client: () => Client, { id, random, ledger, isOver }: Caller): Promise<void> {
  const operations = ['suspend', 'resume', 'suspend', 'resume', 'terminate', 'kill'] as const;
  const kind = ledger.get(id) ?? kinds(random);
  ledger.set(id, kind);
  const order: MethodInput<'run'> = hostApp(id, kind.args, { terminateGraceMs: 150 });
  await attempt(() => client().run(order));
  while (!isOver()) {
    await sleep(random(40));
    const operation = operations[random(operations.length)] ?? 'kill';
    const again = random(6) === 0;
    await attempt(() => (again ? client().run(order) : client()[operation]({ appInstanceId: id })));
  }
}

type Caller = { readonly id: string; readonly random: Random; readonly ledger: Ledger; readonly isOver: () => boolean };

/** In each round some apps live through random operations, and at a random moment the daemon is killed and started anew. */
export async function runCampaign({ daemon, seed, rounds, apps }: Campaign): Promise<void> {
  const random = randomNumbers(seed);
  const ledger: Ledger = new Map();
  const ids = Array.from({ length: apps }, (_, index) => uniqueId(`app-${index}`));
  for (let round = 0; round < rounds; round++) {
    let over = false;
    const { client } = daemon;
    const isOver = (): boolean => over;
    const callers = ids.map((id) =>
      caller(() => client, { id, random: randomNumbers(random(2 ** 30)), ledger, isOver }),
    );
    const all = Promise.all(callers);
    all.catch(() => undefined);
    await sleep(20 + random(400));
    over = true;
    await daemon.kill9();
    await all;
    await sleep(random(80));
    if (random(3) === 0) await daemon.startBriefly(random(250));
    await daemon.restart();
  }
  await endAll(daemon);
  await checkAll(daemon, ledger);
  checkMachine(daemon);
}

/** The answer to a kill also means that everything was given back. */
async function endAll({ client }: TestDaemon): Promise<void> {
  const known = await client.list({ all: true });
  await Promise.all(known.map(({ appInstanceId }) => client.kill({ appInstanceId })));
  await until(async () => (await client.list()).length === 0, { what: 'all have ended' });
}

/** The daemon lives on, and is all there is. */
function checkMachine(daemon: TestDaemon): void {
  assert.deepEqual(processesWith(daemon.root), [daemon.pid]);
  assert.deepEqual(groupsBelow(daemon.group()), []);
  for (const place of ['bundles', 'exits', 'persist', 'runtime']) {
    assert.deepEqual(readdirSync(`${daemon.places.run}/${place}`), [], place);
  }
}

async function checkAll(daemon: TestDaemon, ledger: Ledger): Promise<void> {
  const events: AppEvent[] = [];
  for (let since = 0; ;) {
    const page = await daemon.client.getEvents({ since, limit: 10_000 });
    events.push(...page.events);
    since = page.events.at(-1)?.seq ?? page.lastSeq;
    if (since >= page.lastSeq) break;
  }
  checkHistory(events);
  for (const [id, { ownCode }] of ledger) {
    for (const { exit } of runsOf(events, id)) {
      const story = `${id}: ${JSON.stringify(exit)}`;
      assert(exit !== null, story);
      // every end has a reason that fits: conmon lived all the time, so no code may be lost
      assert(
        ['exited', 'signalled', 'terminated', 'killed', 'start-failed', 'start-interrupted'].includes(exit.cause),
        story,
      );
      if (exit.cause === 'exited' || exit.cause === 'signalled') assert.equal(exit.code, ownCode, story);
    }
  }
}
