/**
 * Looks after images of sleeping apps, in the background: flushes them to the disk, so that they survive a power cut, and
 * compresses those of long sleepers. A wake does not wait for it: it tells it to stop.
 */
import type { ImageInfo } from '../domain/hibernation.ts';
import type { Instance } from './instance.ts';
import type { World } from './world.ts';

export class Sleepers {
  readonly #world: World;
  readonly #working = new Map<Instance, { readonly controller: AbortController; readonly done: Promise<void> }>();

  constructor(world: World) {
    this.#world = world;
  }

  /** For an instance that has fallen asleep, or was found asleep. */
  tend(instance: Instance): void {
    if (this.#working.has(instance)) return;
    const controller = new AbortController();
    const done = this.#tend(instance, controller.signal)
      .catch((error: unknown) => {
        if (controller.signal.aborted) return;
        this.#world.log.warn({ err: error, appInstanceId: instance.record.appInstanceId }, 'an image was not tended');
      })
      .finally(() => this.#working.delete(instance));
    this.#working.set(instance, { controller, done });
  }

  /** When it returns nobody works on the image any more. */
  async leave(instance: Instance): Promise<void> {
    const working = this.#working.get(instance);
    working?.controller.abort();
    await working?.done;
  }

  async #tend(instance: Instance, signal: AbortSignal): Promise<void> {
    const { images, clock, settings } = this.#world;
    const { containerId } = instance.record;
    this.#note(instance, await images.harden(containerId, signal));
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

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#working.keys()].map((instance) => this.leave(instance)));
  }
}
