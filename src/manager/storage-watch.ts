/** Notices that an app's limited storage is full: the kernel tells the app only (ENOSPC). */
import type { AppId } from '../domain/ids.ts';
import type { StorageUse } from '../domain/info.ts';
import { tokenBucket, type TokenBucket } from '../domain/token-bucket.ts';
import type { Instance } from './instance.ts';
import type { World } from './world.ts';

/** A file system keeps some blocks back for itself, and a write that does not fit fails before the last one is taken. */
const FULL = 0.99;
/** Below it there is room again, and being full is news. */
const ROOM = 0.95;

/** An app can fill and empty its storage as often as it likes; that it is full is told later then, if it still is. */
const RATE = { perSecond: 1 / 600, burst: 5, now: () => performance.now() };

const share = ({ usedBytes, limitBytes }: StorageUse): number => usedBytes / (limitBytes ?? Infinity);

export class StorageWatch {
  readonly #world: World;
  readonly #told = new Set<AppId>();
  readonly #allowances = new Map<AppId, TokenBucket>();

  constructor(world: World) {
    this.#world = world;
  }

  /** One round over the living. */
  look(instances: Iterable<Instance>): void {
    const limited = [...instances].filter(
      ({ record }) => record.live !== null && record.app.storage.sizeBytes !== undefined,
    );
    const apps = new Set(limited.map(({ record }) => record.appId));
    for (const known of this.#allowances.keys()) if (!apps.has(known)) this.#allowances.delete(known);
    for (const appId of apps) {
      const use = this.#world.storage.useOf(appId);
      if (use === null || share(use) < ROOM) this.#told.delete(appId);
      if (use === null || use.limitBytes === null || share(use) < FULL || this.#told.has(appId)) continue;
      if (!this.#isAllowed(appId)) continue;
      this.#told.add(appId);
      const { usedBytes, limitBytes } = use;
      for (const instance of limited.filter(({ record }) => record.appId === appId)) {
        this.#tell(instance, { usedBytes, limitBytes });
      }
    }
  }

  #isAllowed(appId: AppId): boolean {
    const allowance = this.#allowances.get(appId) ?? tokenBucket(RATE);
    this.#allowances.set(appId, allowance);
    if (allowance.debtMs() > 0) return false;
    allowance.take();
    return true;
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
