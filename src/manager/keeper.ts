/**
 * Watches over the instances: notices every end, whoever caused it, and finishes what could not be finished at once.
 * The monitor's exit file wakes it; the clock does too, for a monitor that was killed or a notice that was lost.
 */
import type { ContainerId } from '../domain/ids.ts';
import { RuntimeError } from '../domain/errors.ts';
import type { State } from '../domain/states.ts';
import type { Instance } from './instance.ts';
import type { Instances } from './instances.ts';
import { dropImage, pagesOf, sleepAgain } from './operations/pages.ts';
import { restart } from './operations/restart.ts';
import { release, settle } from './operations/settle.ts';
import { endForMemory } from './operations/terminate-kill.ts';
import { recoverOne } from './recovery.ts';
import { isDue } from './restarts.ts';
import { StorageWatch } from './storage-watch.ts';
import { workingFor } from './subject.ts';
import type { World } from './world.ts';

const ROUND_MS = 1000;
/** What could not be removed is tried again, but not in every round. */
const RETRY_EVERY_ROUNDS = 10;

/** States that only last while an operation is at work. */
const STATES_BETWEEN: ReadonlySet<State> = new Set<State>(['STARTING', 'HIBERNATING', 'WAKING']);

export class Keeper implements AsyncDisposable {
  readonly #world: World;
  readonly #instances: Instances;
  /** Somebody looks after its image from then on. */
  readonly #asleep: (instance: Instance) => void;
  readonly #checking = new Set<ContainerId>();
  readonly #watch: AsyncDisposable;
  readonly #timer: NodeJS.Timeout;
  readonly #restarts = new Set<Promise<void>>();
  readonly #storageWatch: StorageWatch;
  #round = 0;
  #complainedIn = -1;

  constructor(world: World, instances: Instances, asleep: (instance: Instance) => void) {
    this.#asleep = asleep;
    this.#world = world;
    this.#instances = instances;
    this.#storageWatch = new StorageWatch(world);
    this.#watch = world.engine.watch((id) => {
      const instance = instances.ofContainer(id);
      if (instance === undefined) return;
      this.check(instance);
      // the engine may be able again to remove what it could not
      this.#retryRelease(instance);
    });
    this.#timer = setInterval(() => {
      this.#walk();
    }, ROUND_MS);
  }

  /** Looks whether this one has ended, and settles it then. */
  check(instance: Instance): void {
    const { containerId } = instance.record;
    if (this.#checking.has(containerId)) return;
    this.#checking.add(containerId);
    workingFor(instance.record.appInstanceId, () => this.#settleIfEnded(instance))
      .catch((error: unknown) => {
        this.#complain(instance, error);
      })
      .finally(() => this.#checking.delete(containerId));
  }

  async #settleIfEnded(instance: Instance): Promise<void> {
    const { live, containerId, state, appInstanceId } = instance.record;
    // CRIU ends what it has dumped: that end is the hibernation's to judge
    if (live === null || state === 'TERMINATED' || state === 'HIBERNATING') return;
    const ended = await this.#world.engine.ended(containerId, live);
    if (ended === undefined || instance.record.live !== live) return;
    const reason = new RuntimeError('ABORTED', { what: `${appInstanceId} has ended` });
    if (pagesOf(this.#world, instance) === 'lost' && state !== 'TERMINATING') {
      await instance.queue.overtake(reason, () => sleepAgain(this.#world, instance));
      this.#asleep(instance);
      return;
    }
    instance.noticeEnd(ended);
    // an operation that ends the app waits for this end and settles it itself; it is not told to stop
    if (state === 'TERMINATING' && instance.queue.busy) return;
    await instance.queue.overtake(reason, async () => {
      // what was at work may have known better: it sleeps by now, or lives another life
      if (instance.record.live === live) await settle(this.#world, instance, ended);
    });
  }

  /** What cannot be read of one (no descriptor is left, for instance) keeps nobody from looking at the others. */
  #walk(): void {
    this.#round++;
    try {
      this.#storageWatch.look(this.#instances);
      this.#attendLogs();
    } catch (error) {
      this.#complain(undefined, error);
    }
    for (const instance of this.#instances) {
      try {
        workingFor(instance.record.appInstanceId, () => {
          this.#lookAt(instance);
        });
      } catch (error) {
        this.#complain(instance, error);
      }
    }
  }

  #lookAt(instance: Instance): void {
    this.check(instance);
    this.#endIfOutOfMemory(instance);
    this.#dropImage(instance);
    this.#restartIfDue(instance);
    if (this.#round % RETRY_EVERY_ROUNDS !== 0) return;
    this.#retryRelease(instance);
    this.#recoverStuck(instance);
    // its flush failed: once more
    if (instance.state === 'HIBERNATED' && instance.record.hibernation?.image?.durable === false) {
      this.#asleep(instance);
    }
  }

  /** One line a round: what fails for one often fails for all. */
  #complain(instance: Instance | undefined, error: unknown): void {
    if (this.#complainedIn === this.#round) return;
    this.#complainedIn = this.#round;
    const appInstanceId = instance?.record.appInstanceId;
    this.#world.log.error({ err: error, appInstanceId }, 'an app could not be looked at; it is tried again');
  }

  #attendLogs(): void {
    const running = [...this.#instances].filter(({ state }) => state === 'RUNNING' || state === 'SUSPENDED');
    this.#world.logs.attend(new Set(running.map(({ record }) => record.containerId))).catch((error: unknown) => {
      this.#world.log.warn({ err: error }, 'the logs of apps could not be looked at; lines may be lost');
    });
  }

  /** No file of the kernel's tells of it by a notice that we could hear; with v2 it has ended by itself by now. */
  #endIfOutOfMemory(instance: Instance): void {
    const { state, containerId } = instance.record;
    if ((state !== 'RUNNING' && state !== 'SUSPENDED') || instance.queue.busy) return;
    if (this.#world.engine.oomKills(containerId) === 0) return;
    instance.queue
      .push(() => endForMemory(this.#world, instance))
      .catch((error: unknown) => {
        this.#world.log.error({ err: error }, 'an app that ran out of memory could not be ended yet');
      });
  }

  #restartIfDue(instance: Instance): void {
    const { record, taken, queue } = instance;
    if (taken || queue.busy || !record.released || !isDue(record, this.#world.clock.now())) return;
    // as a caller's run: a second one is refused
    instance.claimed = true;
    const work = queue
      .push((signal) => restart(this.#world, instance, signal))
      .catch((error: unknown) => {
        this.#world.log.warn({ err: error, appInstanceId: record.appInstanceId }, 'an app was not started again');
      })
      .finally(() => {
        instance.claimed = false;
        this.#restarts.delete(work);
        this.check(instance);
      });
    this.#restarts.add(work);
  }

  #dropImage(instance: Instance): void {
    const { state, hibernation } = instance.record;
    if (state === 'HIBERNATED' || (hibernation?.image ?? null) === null || instance.queue.busy) return;
    instance.queue
      .push(() => dropImage(this.#world, instance))
      .then(() => {
        if (instance.state === 'HIBERNATED') this.#asleep(instance);
      })
      .catch((error: unknown) => {
        this.#world.log.warn({ err: error }, 'the image of a woken app could not be removed yet');
      });
  }

  /** An operation came to its end and could not write it (a full disk), or the recovery could not be done: the truth decides. */
  #recoverStuck(instance: Instance): void {
    const { state, live } = instance.record;
    const between = STATES_BETWEEN.has(state) || (state === 'TERMINATING' && live === null);
    if (!between || instance.queue.busy || instance.claimed) return;
    recoverOne(this.#world, instance)
      .then(() => {
        if (instance.state === 'HIBERNATED') this.#asleep(instance);
      })
      .catch((error: unknown) => {
        this.#complain(instance, error);
      });
  }

  #retryRelease(instance: Instance): void {
    const { state, released } = instance.record;
    if (state !== 'TERMINATED' || released || instance.queue.busy) return;
    instance.queue
      .push(() => release(this.#world, instance))
      .catch((error: unknown) => {
        this.#world.log.error({ err: error }, 'giving back failed');
      });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#restarts);
    await this.#watch[Symbol.asyncDispose]();
  }
}
