/** All instances this daemon knows: the living ones, and the ended ones as far as they are remembered. */
import { RuntimeError } from '../domain/errors.ts';
import type { AppInstanceId, ContainerId } from '../domain/ids.ts';
import type { Instance } from './instance.ts';

export class Instances {
  readonly #byId = new Map<AppInstanceId, Instance>();
  readonly #byContainer = new Map<ContainerId, Instance>();

  add(instance: Instance): void {
    const { appInstanceId, containerId } = instance.record;
    this.#byId.set(appInstanceId, instance);
    this.#byContainer.set(containerId, instance);
  }

  drop(instance: Instance): void {
    this.#byId.delete(instance.record.appInstanceId);
    this.#byContainer.delete(instance.record.containerId);
  }

  find(id: AppInstanceId): Instance | undefined {
    return this.#byId.get(id);
  }

  ofContainer(id: ContainerId): Instance | undefined {
    return this.#byContainer.get(id);
  }

  /** Throws NOT_FOUND. */
  get(id: AppInstanceId): Instance {
    const found = this.#byId.get(id);
    if (found !== undefined) return found;
    throw new RuntimeError('NOT_FOUND', {
      what: `there is no app instance ${id}`,
      next: 'see the living ones with: runtimectl ps (--all shows the ended ones too)',
    });
  }

  [Symbol.iterator](): IterableIterator<Instance> {
    return this.#byId.values();
  }
}
