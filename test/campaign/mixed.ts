/**
 * The mixed campaign: apps of every role live through random operations, tools die and hang, other services copy the mounts, and
 * the daemon is killed again and again. What holds at the end is compared with what the apps wrote themselves and with the kernel.
 */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RuntimeError } from '../../src/domain/errors.ts';
import type { Client, MethodInput } from '../../src/client/node.ts';
import { uniqueId } from '../lib/apps.ts';
import { randomNumbers, type Random } from '../lib/random-numbers.ts';
import type { TestDaemon } from '../lib/daemon.ts';
import { allEvents, checkHistory } from '../lib/history.ts';
import { until } from '../lib/until.ts';
import { checkLedger, openDiary, type Deeds } from './ledger.ts';
import { checkNothingLeft, checkVolumes } from './machine-checks.ts';
import { programOf, type Role, type Surroundings } from './programs.ts';
import { followEverything, type Follower } from './subscribers.ts';
import { pickTrouble } from './troubles.ts';

export type MixedCampaign = Surroundings & {
  readonly daemon: TestDaemon;
  readonly seed: number;
  /** No new round begins after so many rounds, or after this time. */
  readonly rounds: number;
  readonly deadlineMs: number;
  /** Apps that live at once. */
  readonly roles: readonly Role[];
  readonly subscribers: number;
  /** Directory of the test for the apps' diaries. */
  readonly diaries: string;
  /** Mounts of the test itself below the daemon's directory. */
  readonly ownMounts?: readonly string[];
  readonly tell: (line: string) => void;
};

type App = {
  readonly id: string;
  readonly order: MethodInput<'run'>;
  readonly hibernates: boolean;
  readonly diary: string;
  readonly deeds: Deeds;
  /** A `run` of it was answered with success, so that it is known. */
  ran: boolean;
};

/** Rounds until all apps end, everything is checked, and new apps take their place. */
const ROUNDS_A_SEASON = 12;

/** Never an answer, whatever goes wrong around the daemon: a fault of its own, and data that was lost. */
const FAULTS = new Set([
  'INTERNAL',
  'CORRUPT_FILE',
  'IMAGE_UNUSABLE',
  'UNKNOWN_METHOD',
  'INVALID_ARGUMENT',
  'NOT_FOUND',
]);

type Operation = readonly [weight: number, call: (client: Client, app: App) => Promise<unknown>];

const LASTING: readonly Operation[] = [
  [4, (client, { id }) => client.hibernate({ appInstanceId: id })],
  [4, (client, { id }) => client.wake({ appInstanceId: id })],
];
const ORDINARY: readonly Operation[] = [
  [2, (client, { id }) => client.suspend({ appInstanceId: id })],
  [2, (client, { id }) => client.resume({ appInstanceId: id })],
  [2, (client, app) => ended(app, () => client.terminate({ appInstanceId: app.id }))],
  [1, (client, app) => ended(app, () => client.kill({ appInstanceId: app.id }))],
  [2, (client, { id }) => client.getInfo({ appInstanceId: id })],
  [1, (client, { id }) => client.getLogs({ appInstanceId: id, limit: 100 })],
  [1, (client) => client.prunePackages()],
  [3, run],
];

async function run(client: Client, app: App): Promise<void> {
  await client.run(app.order);
  app.ran = true;
}

function ended<Answer>(app: App, call: () => Promise<Answer>): Promise<Answer> {
  app.deeds.add('ended');
  return call();
}

function pick(random: Random, from: readonly Operation[]): Operation[1] {
  let at = random(from.reduce((sum, [weight]) => sum + weight, 0));
  const found = from.find(([weight]) => (at -= weight) < 0) ?? assert.fail();
  return found[1];
}

class Mixed {
  readonly #campaign: MixedCampaign;
  readonly #random: Random;
  readonly #tally = new Map<string, number>();
  readonly #foreign: ChildProcess[] = [];
  #apps: readonly App[] = [];
  kills = 0;

  constructor(campaign: MixedCampaign) {
    this.#campaign = campaign;
    this.#random = randomNumbers(campaign.seed);
  }

  count(word: string): void {
    this.#tally.set(word, (this.#tally.get(word) ?? 0) + 1);
  }

  tally(): ReadonlyMap<string, number> {
    return this.#tally;
  }

  newSeason(): void {
    const { diaries, roles } = this.#campaign;
    this.#apps = roles.map((role) => {
      const id = uniqueId(role);
      const diary = openDiary(join(diaries, id));
      const { app, hibernates } = programOf(role, this.#random, this.#campaign);
      const mounts = [{ source: diary, destination: '/diary' }];
      const order = {
        appId: id,
        appInstanceId: id,
        app: { rootfs: { host: true } as const, mounts, terminateGraceMs: 300, ...app },
      };
      return { id, order, hibernates, diary, deeds: new Set(), ran: false };
    });
  }

  /** Callers and troubles work until the daemon is killed. */
  async round(): Promise<void> {
    const { daemon } = this.#campaign;
    const { client } = daemon;
    let over = false;
    const isOver = (): boolean => over;
    const work = Promise.all([...this.#apps.map((app) => this.#caller(client, app, isOver)), this.#troubles(isOver)]);
    work.catch(() => undefined);
    await sleep(50 + this.#random(this.#random(4) === 0 ? 4000 : 1000));
    over = true;
    await daemon.kill9();
    this.kills++;
    await work;
    for (let more = this.#random(3); more > 0; more--) {
      await daemon.startBriefly(this.#random(400));
      this.kills++;
    }
    await daemon.restart();
  }

  async #caller(client: Client, app: App, isOver: () => boolean): Promise<void> {
    const random = randomNumbers(this.#random(2 ** 30));
    const operations = app.hibernates ? [...LASTING, ...ORDINARY] : ORDINARY;
    await this.#attempt(() => run(client, app), app);
    while (!isOver()) {
      await sleep(random(80));
      const call = pick(random, operations);
      await this.#attempt(() => call(client, app), app);
    }
  }

  async #attempt(work: () => Promise<unknown>, app: App): Promise<void> {
    try {
      await work();
      this.count('done');
    } catch (error) {
      if (!(error instanceof RuntimeError)) throw error;
      this.count(error.code);
      if (!FAULTS.has(error.code) || (error.code === 'NOT_FOUND' && !app.ran)) return;
      throw new Error(`${app.id}: ${error.code} ${error.message} ${JSON.stringify(error.details)}`, { cause: error });
    }
  }

  async #troubles(isOver: () => boolean): Promise<void> {
    const random = randomNumbers(this.#random(2 ** 30));
    const { daemon } = this.#campaign;
    const { pid } = daemon;
    while (!isOver()) {
      await sleep(random(400));
      if (isOver()) return;
      await pickTrouble(random)({
        daemon,
        pid,
        random,
        foreign: this.#foreign,
        tell: (word, argv) => this.#note(word, argv),
      });
    }
  }

  /** Which app it concerns is in the arguments of a tool; where it is not, it may be any. */
  #note(word: string, argv: readonly string[]): void {
    this.count(word);
    if (word !== 'helper-killed' && word !== 'monitor-killed') return;
    const text = argv.join(' ');
    const named = this.#apps.filter(({ id }) => text.includes(id));
    for (const { deeds } of named.length > 0 ? named : this.#apps) deeds.add(word);
  }

  /** All apps end, and then: the event log, the diaries and the kernel agree. */
  async endSeason(follower: readonly Follower[]): Promise<void> {
    const { daemon, ownMounts = [] } = this.#campaign;
    const known = await daemon.client.list({ all: true });
    for (const { id, deeds } of this.#apps) {
      if (known.some(({ appInstanceId }) => appInstanceId === id)) deeds.add('ended');
    }
    await Promise.all(known.map(({ appInstanceId }) => daemon.client.kill({ appInstanceId }, { timeoutMs: 60_000 })));
    await until(async () => (await daemon.client.list()).length === 0, { what: 'all have ended', timeoutMs: 60_000 });
    await daemon.client.prunePackages();
    const events = await allEvents(daemon.client);
    checkHistory(events);
    for (const app of this.#apps) checkLedger(events, app);
    for (const one of follower) await one.check(events);
    await checkNothingLeft(daemon, ownMounts);
    this.endForeign();
    this.#tally.set('volumes whole', await checkVolumes(daemon));
  }

  endForeign(): void {
    for (const child of this.#foreign.splice(0)) child.kill('SIGKILL');
  }
}

/** Throws at the first thing that is lost, damaged or left. What happened, as words and how often. */
export async function runMixedCampaign(campaign: MixedCampaign): Promise<ReadonlyMap<string, number>> {
  const { daemon, rounds, deadlineMs, subscribers, tell } = campaign;
  const mixed = new Mixed(campaign);
  await using followers = await followEverything(daemon.places.socket, subscribers);
  const begun = performance.now();
  try {
    for (let round = 0; round < rounds && performance.now() - begun < deadlineMs; round++) {
      if (round % ROUNDS_A_SEASON === 0) mixed.newSeason();
      await mixed.round();
      const last = round === rounds - 1 || performance.now() - begun >= deadlineMs;
      if (!last && (round + 1) % ROUNDS_A_SEASON !== 0) continue;
      await mixed.endSeason(followers.all);
      tell(`${mixed.kills} kills in ${((performance.now() - begun) / 60_000).toFixed(1)} min, all well`);
    }
  } catch (cause) {
    // said at once: the end of the scope may fail, too, and hide it
    tell(`after ${mixed.kills} kills: ${cause instanceof Error ? cause.message : String(cause)}`);
    throw cause;
  } finally {
    mixed.endForeign();
  }
  mixed.count(`kills ${mixed.kills}`);
  return mixed.tally();
}
