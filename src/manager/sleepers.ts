/**
 * Looks after images of sleeping apps, in the background: flushes them to the disk, so that they survive a power cut, and
 * compresses those of long sleepers. A wake does not wait for it: it tells it to stop.
 */
import { once } from 'node:events';
import type { ImageInfo } from '../domain/hibernation.ts';
import type { Instance } from './instance.ts';
import type { World } from './world.ts';

type Work = {
  readonly controller: AbortController;
  /** Flushed, or given up. */
  readonly hardened: Promise<void>;
  readonly done: Promise<void>;
};

/** Who is woken again at once has no use for a flush, and it would slow down the next dump. */
const FLUSH_AFTER_MS = 1000;
const LAST_FLUSH_MS = 20_000;

export class Sleepers {
  readonly #world: World;
  readonly #working = new Map<Instance, Work>();

  constructor(world: World) {
    this.#world = world;
  }

  /** For an instance that has fallen asleep, or was found asleep; who sleeps in place has no image. */
  tend(instance: Instance): void {
    if (this.#working.has(instance) || this.#world.engine.inPlace !== undefined) return;
    const controller = new AbortController();
    const hardened = this.#harden(instance, controller.signal);
    const done = this.#compress(instance, hardened, controller.signal)
      .catch((error: unknown) => {
        if (controller.signal.aborted) return;
        this.#world.log.warn({ err: error, appInstanceId: instance.record.appInstanceId }, 'an image was not tended');
      })
      .finally(() => this.#working.delete(instance));
    this.#working.set(instance, { controller, hardened: hardened.catch(() => undefined), done });
  }

  /** When it returns nobody works on the image any more. */
  async leave(instance: Instance): Promise<void> {
    const working = this.#working.get(instance);
    working?.controller.abort();
    await working?.done;
  }

  async #harden(instance: Instance, signal: AbortSignal): Promise<void> {
    await this.#world.clock.sleep(FLUSH_AFTER_MS, signal);
    this.#note(instance, await this.#world.images.harden(instance.record.containerId, signal));
  }

  async #compress(instance: Instance, hardened: Promise<void>, signal: AbortSignal): Promise<void> {
    const { images, clock, settings } = this.#world;
    const { containerId } = instance.record;
    await hardened;
    const { compressAfterMs } = settings.hibernation;
    if (compressAfterMs === 0) return;
    await clock.sleep(compressAfterMs, signal);
    this.#note(instance, await images.compress(containerId, signal));
  }

  /** In the queue like everything that writes the record; not waited for, as the operation at work may wait for us. */
  #note(instance: Instance, image: ImageInfo): void {
    instance.queue
      .push(async () => {
        const { hibernation, state } = instance.record;
        if (state === 'HIBERNATED' && hibernation !== null) {
          await instance.note({ hibernation: { ...hibernation, image } });
        }
      })
      .catch((error: unknown) => {
        this.#world.log.warn({ err: error }, 'the state of an image was not written');
      });
  }

  /** An image that was never flushed does not survive a reboot, not even an orderly one: there is time for that. */
  async [Symbol.asyncDispose](): Promise<void> {
    const flushing = [...this.#working].filter(([{ record }]) => record.hibernation?.image?.durable === false);
    const late = AbortSignal.timeout(LAST_FLUSH_MS);
    await Promise.race([Promise.all(flushing.map(([, { hardened }]) => hardened)), once(late, 'abort')]);
    await Promise.all([...this.#working.keys()].map((instance) => this.leave(instance)));
  }
}
