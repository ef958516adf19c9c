/** A campaign: apps fall asleep and wake while the daemon is killed again and again; none may be lost, nor anything of one. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { RuntimeError } from '../../src/domain/errors.ts';
import type { State } from '../../src/domain/states.ts';
import type { AppInfo, Client } from '../../src/client/node.ts';
import { eventsOf, hostApp, uniqueId } from './apps.ts';
import { randomNumbers, type Random } from './random-numbers.ts';
import { checkSame, counterArgs, goesOn, readCount, type Count, type CounterKind } from './counters.ts';
import type { TestDaemon } from './daemon.ts';
import { allEvents, checkHistory } from './history.ts';
import { checkHouse, isFrozen, loopbackIsUp } from './house.ts';
import { until } from './until.ts';

export type HibernationCampaign = {
  readonly daemon: TestDaemon;
  readonly seed: number;
  readonly rounds: number;
  readonly kinds: readonly CounterKind[];
  readonly largeBytes: number;
  readonly tell?: (line: string) => void;
};

type App = {
  readonly id: string;
  readonly kind: CounterKind;
  /** What it said last while everything stood still; undefined before this life's first word. */
  count: Count | undefined;
  /** Somebody asked for its end, and may have been heard. */
  endAsked: boolean;
  lives: number;
};

/** What happened, for the summary. */
export type Tally = Map<string, number>;
const add = (tally: Tally, word: string): unknown => tally.set(word, (tally.get(word) ?? 0) + 1);

const EXPECTED = new Set(['UNREACHABLE', 'ABORTED', 'ILLEGAL_STATE', 'BUSY']);

type Call = { readonly name: string; readonly make: (client: Client, id: string) => Promise<unknown> };
const wakeTo = (target: 'RUNNING' | 'SUSPENDED'): Call => ({
  name: target === 'RUNNING' ? 'wake' : 'wake suspended',
  make: (client, appInstanceId) => client.wake({ appInstanceId, target }),
});
const plain = (name: 'hibernate' | 'suspend' | 'resume' | 'terminate' | 'kill'): Call => ({
  name,
  make: (client, appInstanceId) => client[name]({ appInstanceId }),
});

const AWAKE: readonly Call[] = [plain('hibernate'), plain('hibernate'), plain('hibernate'), plain('suspend')];
const SUSPENDED: readonly Call[] = [plain('hibernate'), plain('hibernate'), plain('resume')];
const ASLEEP: readonly Call[] = [wakeTo('RUNNING'), wakeTo('RUNNING'), wakeTo('SUSPENDED')];
/** Mostly what the state allows, so that the kill meets work. */
const SENSIBLE: Readonly<Partial<Record<State, readonly Call[]>>> = {
  RUNNING: AWAKE,
  SUSPENDED,
  HIBERNATED: ASLEEP,
};
const ENDS = [plain('terminate'), plain('kill')];

const pick = <Value>(random: Random, from: readonly Value[]): Value => from[random(from.length)] ?? assert.fail();

class Stage {
  readonly tally: Tally = new Map();
  readonly apps: readonly App[];
  readonly #campaign: HibernationCampaign;
  readonly #random: Random;

  constructor(campaign: HibernationCampaign) {
    this.#campaign = campaign;
    this.#random = randomNumbers(campaign.seed);
    this.apps = campaign.kinds.map((kind) => ({
      id: uniqueId(kind),
      kind,
      count: undefined,
      endAsked: false,
      lives: 0,
    }));
  }

  get #client(): Client {
    return this.#campaign.daemon.client;
  }

  #info(app: App): Promise<AppInfo> {
    return this.#client.getInfo({ appInstanceId: app.id });
  }

  /** Whoever has ended lives anew. */
  async revive(): Promise<void> {
    await Promise.all(
      this.apps.map(async (app) => {
        const ended = app.lives === 0 || (await this.#info(app)).state === 'TERMINATED';
        if (!ended) return;
        const args = counterArgs(app.kind, this.#campaign.largeBytes);
        await this.#client.run(hostApp(app.id, args, { terminateGraceMs: 150 }));
        const { storage } = await this.#info(app);
        const old = app.count?.life;
        app.count = await until(
          () => {
            const now = readCount(storage);
            return now?.life === old ? undefined : now;
          },
          { what: `${app.id} counts` },
        );
        app.endAsked = false;
        app.lives++;
      }),
    );
  }

  /** Everybody works on the apps until the daemon is killed at a random moment. */
  async killAmidst(): Promise<void> {
    let over = false;
    const { daemon } = this.#campaign;
    const { client } = daemon;
    const callers = this.apps.map((app) =>
      this.#call(app, { client, random: randomNumbers(this.#random(2 ** 30)), isOver: () => over }),
    );
    const all = Promise.all(callers);
    all.catch(() => undefined);
    await sleep(this.#random(this.#random(3) === 0 ? 1200 : 400));
    over = true;
    await daemon.kill9();
    await all;
  }

  async #call(
    app: App,
    { client, random, isOver }: { client: Client; random: Random; isOver: () => boolean },
  ): Promise<void> {
    for (let state: State = 'RUNNING'; !isOver();) {
      const ending = random(40) === 0;
      const anything = [...AWAKE, ...SUSPENDED, ...ASLEEP];
      const call = ending ? pick(random, ENDS) : pick(random, (random(8) > 0 && SENSIBLE[state]) || anything);
      if (ending) app.endAsked = true;
      const outcome = await this.#attempt(() => call.make(client, app.id));
      add(this.tally, `${call.name}: ${outcome}`);
      if (random(3) === 0) await sleep(random(30));
      try {
        ({ state } = await client.getInfo({ appInstanceId: app.id }));
      } catch {
        return; // the daemon is gone
      }
    }
  }

  async #attempt(work: () => Promise<unknown>): Promise<string> {
    try {
      await work();
      return 'done';
    } catch (error) {
      if (!(error instanceof RuntimeError)) throw error;
      // a daemon of another version on this machine may close the setting that all share
      if (error.message.includes('vm.unprivileged_userfaultfd')) return 'userfaultfd was closed by somebody';
      if (!EXPECTED.has(error.code)) throw error;
      return error.code;
    }
  }

  async restart(): Promise<void> {
    const { daemon } = this.#campaign;
    await sleep(this.#random(60));
    if (this.#random(4) === 0) await daemon.startBriefly(this.#random(250));
    const from = daemon.log().length;
    await daemon.restart();
    for (const [, state, found, verdict] of daemon
      .log()
      .slice(from)
      .matchAll(/"state":"(\w+)","found":"(\w+)","verdict":\{"do":"([\w-]+)"/g)) {
      if (state?.endsWith('ING') === true && state !== 'RUNNING') {
        add(this.tally, `recovered ${state}, ${found ?? ''}: ${verdict ?? ''}`);
      }
    }
  }

  async checkApps(): Promise<void> {
    await Promise.all(
      this.apps.map(async (app) => {
        try {
          await this.#checkApp(app);
        } catch (cause) {
          const story = (await eventsOf(this.#client, app.id)).slice(-8).map((event) => JSON.stringify(event));
          throw new Error(`${app.id}: ${String(cause)}\n${story.join('\n')}`, { cause });
        }
      }),
    );
  }

  async #checkApp(app: App): Promise<void> {
    const { daemon } = this.#campaign;
    const info = await until(
      async () => {
        const now = await this.#info(app);
        return now.state !== 'TERMINATING' && now;
      },
      { what: `${app.id} is no longer ending` },
    );
    add(this.tally, `after a restart ${info.state}`);
    const before = app.count ?? assert.fail(`${app.id} never counted`);
    if (info.state === 'TERMINATED') {
      assert(app.endAsked, 'it ended, and nobody had asked for that');
      return;
    }
    if (info.state === 'RUNNING') {
      await until(() => !isFrozen(daemon, info.containerId), { what: `${app.id} is not frozen` });
      app.count = await goesOn(this.#client, app.id, before);
    } else {
      assert(info.state === 'SUSPENDED' || info.state === 'HIBERNATED', `it is ${info.state}`);
      app.count = readCount(info.storage) ?? before;
      checkSame(app.id, before, app.count);
    }
    if (info.state === 'SUSPENDED') assert(isFrozen(daemon, info.containerId), 'it is frozen');
    if (info.state === 'HIBERNATED') assert(info.hibernation.image !== null, 'it has an image');
    else assert(loopbackIsUp(info.pid ?? assert.fail('it has no process')), 'its loopback interface is up');
  }

  /** Everybody wakes, goes on and ends. */
  async finish(): Promise<void> {
    for (const app of this.apps) {
      const { state } = await this.#info(app);
      const appInstanceId = app.id;
      if (state === 'TERMINATED') continue;
      if (state === 'HIBERNATED') await this.#client.wake({ appInstanceId });
      if (state === 'SUSPENDED') await this.#client.resume({ appInstanceId });
      app.count = await goesOn(this.#client, app.id, app.count ?? assert.fail());
      app.endAsked = true;
      await this.#client.kill({ appInstanceId });
    }
  }
}

/** All rounds; throws at the first that leaves anything wrong. */
export async function runHibernationCampaign(campaign: HibernationCampaign): Promise<Tally> {
  const { daemon, rounds, tell } = campaign;
  const stage = new Stage(campaign);
  for (let round = 1; round <= rounds; round++) {
    await stage.revive();
    await stage.killAmidst();
    await stage.restart();
    try {
      await stage.checkApps();
      await checkHouse(daemon);
    } catch (cause) {
      // said at once: the end of the scope may fail, too, and hide it
      const story = `round ${round}: ${cause instanceof Error ? cause.message : String(cause)}`;
      tell?.(story);
      throw new Error(story, { cause });
    }
    if (round % 10 === 0) tell?.(`${round} of ${rounds} rounds`);
  }
  await stage.finish();
  await checkHouse(daemon);
  checkHistory(await allEvents(daemon.client));
  return stage.tally;
}
