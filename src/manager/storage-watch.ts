/** Notices that an app's limited storage is full: the kernel tells the app only (ENOSPC). */
import type { AppId } from '../domain/ids.ts';
import type { StorageUse } from '../domain/info.ts';
import type { Instance } from './instance.ts';
import type { World } from './world.ts';

/** A file system keeps some blocks back for itself, and a write that does not fit fails before the last one is taken. */
const FULL = 0.99;
/** Below it there is room again, and being full is news. */
const ROOM = 0.95;

const share = ({ usedBytes, limitBytes }: StorageUse): number => usedBytes / (limitBytes ?? Infinity);

export class StorageWatch {
  readonly #world: World;
  readonly #told = new Set<AppId>();

  constructor(world: World) {
    this.#world = world;
  }

  /** One round over the living. */
  look(instances: Iterable<Instance>): void {
    const limited = [...instances].filter(
      ({ record }) => record.live !== null && record.app.storage.sizeBytes !== undefined,
    );
    for (const appId of new Set(limited.map(({ record }) => record.appId))) {
      const use = this.#world.storage.useOf(appId);
      if (use === null || share(use) < ROOM) this.#told.delete(appId);
      if (use === null || use.limitBytes === null || share(use) < FULL || this.#told.has(appId)) continue;
      this.#told.add(appId);
      const { usedBytes, limitBytes } = use;
      for (const instance of limited.filter(({ record }) => record.appId === appId)) {
        this.#tell(instance, { usedBytes, limitBytes });
      }
    }
  }

  #tell(instance: Instance, use: { readonly usedBytes: number; readonly limitBytes: number }): void {
    // in its queue: nobody else writes the record meanwhile
    instance.queue
      .push(() => instance.enter(instance.state, '', { before: [{ type: 'storageFull', ...use }] }))
      .catch((error: unknown) => {
        this.#told.delete(instance.record.appId);
        this.#world.log.warn({ err: error }, 'that the storage of an app is full could not be told yet');
      });
  }
}
