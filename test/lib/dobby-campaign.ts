/**
 * A campaign: apps live and end through a Dobby that crashes, hangs and loses its bus, under a daemon that is killed; no event is
 * lost or doubled, nobody is stuck, and nothing is left.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { RuntimeError } from '../../src/domain/errors.ts';
import type { Client } from '../../src/client/node.ts';
import { hostApp, perl, shell, SLEEP, stateOf, uniqueId } from './apps.ts';
import { randomNumbers, type Random } from './random-numbers.ts';
import type { TestDaemon } from './daemon.ts';
import { allEvents, checkHistory } from './history.ts';
import { processesWith } from './machine.ts';
import { until } from './until.ts';

/** What can happen to Dobby, and what it has. */
export type Troubled = {
  readonly daemon: TestDaemon;
  /** Dies, and comes back. */
  readonly crash: (awayMs: number) => Promise<unknown>;
  /** Answers nobody for a while. */
  readonly hang: (ms: number) => Promise<unknown>;
  /** The bus ends and comes back, and Dobby with it; absent where that cannot be. */
  readonly loseBus?: () => Promise<unknown>;
  readonly containers: () => Promise<readonly string[]> | readonly string[];
};

export type DobbyCampaign = {
  readonly house: Troubled;
  readonly seed: number;
  readonly lives: number;
  readonly tell: (line: string) => void;
};

const WORKERS = 8;
const TROUBLES = ['crash', 'daemon', 'hang', 'bus', 'hang', 'crash'] as const;
/** An app that is at work on something for longer is stuck. */
const STUCK_MS = 120_000;

/** What may be answered while anything may happen at any moment. A fault of the daemon itself is not among it. */
const EXPECTED = new Set([
  ...[
    'UNREACHABLE',
    'ABORTED',
    'ILLEGAL_STATE',
    'NOT_FOUND',
    'ALREADY_EXISTS',
    'BUSY',
    'ENGINE_UNAVAILABLE',
    'TIMED_OUT',
  ],
  ...['SUSPEND_FAILED', 'RESUME_FAILED', 'CHECKPOINT_FAILED', 'RESTORE_FAILED', 'START_FAILED', 'KILL_FAILED'],
]);
const CAUSES = new Set([
  ...[
    'exited',
    'signalled',
    'terminated',
    'killed',
    'engine-lost',
    'monitor-lost',
    'start-failed',
    'start-interrupted',
  ],
]);
const STEPS = ['suspend', 'resume', 'hibernate', 'wake'] as const;
const KINDS = [
  SLEEP,
  perl('$SIG{TERM} = sub { exit 0 }; sleep 1 while 1'),
  perl('$SIG{TERM} = "IGNORE"; sleep 1 while 1'),
  shell('exit 3'),
  shell('sleep 0.2; exit 4'),
  shell('sleep 0.1; kill -9 $$'),
] as const;

class Stage {
  readonly tally = new Map<string, number>();
  readonly #campaign: DobbyCampaign;
  readonly #random: Random;
  #begun = 0;
  #ended = 0;
  #troubled = 0;
  #isUp = true;
  #isOver = false;

  constructor(campaign: DobbyCampaign) {
    this.#campaign = campaign;
    this.#random = randomNumbers(campaign.seed);
  }

  async play(): Promise<void> {
    const workers = Array.from({ length: WORKERS }, () =>
      this.#work(uniqueId('life'), randomNumbers(this.#random(2 ** 30))),
    );
    const done = Promise.all(workers);
    done.catch(() => undefined);
    const troubles = this.#trouble();
    try {
      await Promise.race([done, troubles.then(() => done)]);
    } finally {
      // what is at work on Dobby is finished before it is looked at, or ended
      this.#isOver = true;
      await troubles;
    }
  }

  /** Between the lives, in turn. In the second half the daemon is not killed, so that it can be seen whether it grows. */
  async #trouble(): Promise<void> {
    const { lives, tell, house } = this.#campaign;
    const every = Math.max(8, Math.min(25, Math.floor(lives / TROUBLES.length)));
    let next = every;
    while (!this.#isOver && this.#ended < lives) {
      await sleep(10);
      if (this.#isOver || this.#ended < next || this.#ended >= lives) continue;
      const trouble = TROUBLES[this.#troubled++ % TROUBLES.length] ?? 'hang';
      await this.#make(trouble === 'daemon' && 2 * this.#ended > lives ? 'hang' : trouble);
      if (this.#troubled % 4 === 0) tell(`${this.#ended} lives, the daemon has ${residentMb(house.daemon)} MB`);
      next = this.#ended + every;
    }
  }

  async #make(trouble: (typeof TROUBLES)[number]): Promise<void> {
    const { house } = this.#campaign;
    this.#count(`trouble: ${trouble}`);
    if (trouble === 'crash') await house.crash(this.#random(600));
    if (trouble === 'hang') await house.hang(200 + this.#random(2500));
    if (trouble === 'bus') await (house.loseBus ?? (() => house.crash(0)))();
    if (trouble !== 'daemon') return;
    this.#isUp = false;
    await house.daemon.kill9();
    if (this.#random(2) === 0) await house.crash(this.#random(200));
    await house.daemon.start();
    this.#isUp = true;
  }

  #count(word: string): void {
    this.tally.set(word, (this.tally.get(word) ?? 0) + 1);
  }

  async #client(): Promise<Client> {
    await until(() => this.#isUp, { what: 'the daemon is back', timeoutMs: STUCK_MS });
    return this.#campaign.house.daemon.client;
  }

  /** One instance, run again and again. */
  async #work(id: string, random: Random): Promise<void> {
    while (this.#begun < this.#campaign.lives) {
      this.#begun++;
      const args = KINDS[random(KINDS.length)] ?? SLEEP;
      await this.#insist(id, 'run', (client) =>
        client.run(hostApp(id, args, { limits: { memoryBytes: 2 ** 26 }, terminateGraceMs: 100 })),
      );
      for (let steps = random(5); steps > 0; steps--) {
        const step = STEPS[random(STEPS.length)] ?? 'suspend';
        await this.#try(step, (client) => client[step]({ appInstanceId: id }));
      }
      const end = random(2) === 0 ? 'kill' : 'terminate';
      await this.#insist(id, end, (client) => client[end]({ appInstanceId: id }));
      await this.#untilEnded(id);
      this.#ended++;
    }
  }

  async #try(word: string, deed: (client: Client) => Promise<unknown>): Promise<boolean> {
    try {
      await deed(await this.#client());
      this.#count(`${word}: done`);
      return true;
    } catch (error) {
      if (!(error instanceof RuntimeError && EXPECTED.has(error.code))) {
        // the daemon was killed under it
        if (this.#isUp && !(error instanceof assert.AssertionError)) throw error;
      } else this.#count(`${word}: ${error.code}`);
      return false;
    }
  }

  async #insist(id: string, word: string, deed: (client: Client) => Promise<unknown>): Promise<void> {
    const what = `${id}: ${word}`;
    await until(async () => (await this.#try(word, deed)) || (word === 'run' && (await this.#isAlive(id))), {
      what,
      timeoutMs: STUCK_MS,
      pollMs: 100,
    });
  }

  /** It may have been begun although its caller did not hear of it. */
  async #isAlive(id: string): Promise<boolean> {
    const state = await stateOf(await this.#client(), id).catch(() => 'TERMINATED');
    return !['TERMINATED', 'STARTING'].includes(state);
  }

  async #untilEnded(id: string): Promise<void> {
    const isOver = async (): Promise<boolean> =>
      (await stateOf(await this.#client(), id).catch(() => '')) === 'TERMINATED';
    await until(isOver, { what: `${id} has ended`, timeoutMs: STUCK_MS, pollMs: 50 });
  }
}

const residentMb = ({ pid }: TestDaemon): number =>
  Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024);

/** What happened, for the summary. */
export async function runDobbyCampaign(campaign: DobbyCampaign): Promise<ReadonlyMap<string, number>> {
  const { house, tell } = campaign;
  const { daemon } = house;
  const stage = new Stage(campaign);
  await stage.play();
  await until(async () => (await house.containers()).length === 0, { what: 'Dobby has none', timeoutMs: STUCK_MS });
  const bundles = `/run/runtime-manager-${daemon.tag}/bundles`;
  await until(() => readdirSync(bundles).length === 0, { what: `${bundles} is empty`, timeoutMs: STUCK_MS });
  assert.deepEqual(processesWith(daemon.root), [daemon.pid]);
  const events = await allEvents(daemon.client);
  checkHistory(events);
  const runs = events.filter((event) => event.type === 'stateChanged' && event.new === 'STARTING').length;
  for (const event of events) {
    if (event.type !== 'terminated') continue;
    assert(CAUSES.has(event.exit.cause), JSON.stringify(event));
    stage.tally.set(`end: ${event.exit.cause}`, (stage.tally.get(`end: ${event.exit.cause}`) ?? 0) + 1);
  }
  tell(`${runs} runs, ${events.length} events, the daemon has ${residentMb(daemon)} MB`);
  return stage.tally;
}
