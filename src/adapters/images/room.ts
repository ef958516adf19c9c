/** Room for images: what all of them may take together, and what the disk has. */
import { readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { RuntimeError } from '../../domain/errors.ts';
import type { Resources } from '../../domain/health.ts';
import type { AppInstanceId, ContainerId } from '../../domain/ids.ts';
import { formatSize } from '../../domain/size.ts';
import type { Image } from '../../ports/images.ts';
import { freeBytes, orAbsent, sizeOfDirectory } from './disk.ts';
import { isDraft, ownerOf, type Places } from './places.ts';

/** An image that could make room. */
export type Occupant = {
  readonly containerId: ContainerId;
  readonly appInstanceId: AppInstanceId;
  readonly sizeBytes: number;
  readonly hibernatedAt: string;
};

type Options = {
  readonly places: Places;
  readonly budgetBytes: number;
  readonly find: (id: ContainerId) => Promise<Image | undefined>;
};

type Shortage = {
  readonly neededBytes: number;
  readonly freeBytes: number;
  readonly why: string;
  readonly otherwise: string;
  readonly cause?: unknown;
};

/** An image grows a little while it is made: the app's page tables, sockets and logs are not counted beforehand. */
const MARGIN = 1.1;
const NAMED = 3;

export class Room {
  readonly #options: Options;
  /** Everything below the images' directory that is no draft of ours. Undefined until somebody asks. */
  #occupants: Map<string, Occupant | number> | undefined;
  readonly #drafts = new Map<ContainerId, number>();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: Options) {
    this.#options = options;
  }

  /** Keeps room for a draft until it is released. Throws NO_SPACE. One after the other, so that two do not get the same room. */
  reserve(id: ContainerId, expectedBytes: number): Promise<void> {
    const turn = this.#turn.then(() => this.#reserve(id, expectedBytes));
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #reserve(id: ContainerId, expectedBytes: number): Promise<void> {
    const neededBytes = Math.ceil(expectedBytes * MARGIN);
    this.#drafts.delete(id);
    this.#occupants ??= await this.#survey();
    if (this.#usedBytes() + neededBytes > this.#options.budgetBytes) {
      // somebody may have made room by hand
      this.#occupants = await this.#survey();
      this.#refuseBudget(id, neededBytes);
    }
    await this.refuseFullDisk(id, neededBytes);
    this.#drafts.set(id, neededBytes);
  }

  async use(): Promise<Resources['images']> {
    const { places, budgetBytes } = this.#options;
    // not kept: an image that is put in its place meanwhile would be missing in it
    const occupants = this.#occupants ?? (await this.#survey());
    // made by the first hibernation
    const free = await freeBytes(places.root).catch(() => freeBytes(dirname(places.root)));
    return { count: occupants.size, sizeBytes: this.#usedBytes(occupants), budgetBytes, freeBytes: free };
  }

  release(id: ContainerId): void {
    this.#drafts.delete(id);
  }

  /** What the budget has for the image that this draft becomes. */
  leftFor(id: ContainerId): number {
    return this.#options.budgetBytes - this.#usedBytes() + (this.#drafts.get(id) ?? 0);
  }

  /** For a draft that has become larger than that. */
  tooLarge(id: ContainerId, sizeBytes: number, cause: unknown): RuntimeError {
    const freeBytes = Math.max(0, this.leftFor(id));
    return this.#noSpace(id, { neededBytes: sizeBytes, freeBytes, ...this.#ofBudget(freeBytes), cause });
  }

  /** Throws NO_SPACE when the disk has less than that besides what the drafts still need. */
  async refuseFullDisk(id: ContainerId, neededBytes: number): Promise<void> {
    const { places } = this.#options;
    const pending = await Promise.all(
      [...this.#drafts].map(async ([draft, needed]) =>
        Math.max(0, needed - (await sizeOfDirectory(places.draft(draft)))),
      ),
    );
    const free = (await freeBytes(places.root)) - total(pending);
    if (neededBytes <= free) return;
    throw this.#noSpace(id, {
      neededBytes,
      freeBytes: free,
      why: `the disk of ${places.root} has ${formatSize(Math.max(0, free))} free`,
      otherwise: 'make room on that disk',
    });
  }

  /** Is known without a look at the disk from now on. */
  note({ subject, info }: Image): void {
    const { containerId, appInstanceId, hibernatedAt } = subject;
    this.#occupants?.set(containerId, { containerId, appInstanceId, hibernatedAt, sizeBytes: info.sizeBytes });
  }

  forget(id: ContainerId): void {
    this.#occupants?.delete(id);
  }

  #refuseBudget(id: ContainerId, neededBytes: number): void {
    const { budgetBytes } = this.#options;
    const usedBytes = this.#usedBytes();
    if (usedBytes + neededBytes <= budgetBytes) return;
    const free = Math.max(0, budgetBytes - usedBytes);
    throw this.#noSpace(id, { neededBytes, freeBytes: free, ...this.#ofBudget(free) });
  }

  #ofBudget(left: number): Pick<Shortage, 'why' | 'otherwise'> {
    const budget = formatSize(this.#options.budgetBytes);
    return {
      why: `of the ${budget} for all images ${formatSize(left)} are left`,
      otherwise: 'raise the budget for images in the configuration',
    };
  }

  #usedBytes(occupants = this.#occupants): number {
    const occupied = [...(occupants ?? new Map<string, number>()).values()].map((one) =>
      typeof one === 'number' ? one : one.sizeBytes,
    );
    return total(occupied) + total([...this.#drafts.values()]);
  }

  #noSpace(id: ContainerId, { neededBytes, freeBytes: free, why, otherwise, cause }: Shortage): RuntimeError {
    const images = [...(this.#occupants ?? new Map<string, Occupant>()).values()]
      .filter((one): one is Occupant => typeof one !== 'number' && one.containerId !== id)
      .sort((one, other) => other.sizeBytes - one.sizeBytes || (one.hibernatedAt < other.hibernatedAt ? -1 : 1));
    const named = images
      .slice(0, NAMED)
      .map((one) => `${one.appInstanceId} (${formatSize(one.sizeBytes)}, since ${one.hibernatedAt})`);
    return new RuntimeError('NO_SPACE', {
      what: `the image of ${id} needs ${formatSize(neededBytes)}, and ${why}`,
      next: named.length === 0 ? otherwise : `wake or terminate ${named.join(' or ')}; or ${otherwise}`,
      details: {
        neededBytes,
        freeBytes: free,
        budgetBytes: this.#options.budgetBytes,
        usedBytes: this.#usedBytes(),
        images,
      },
      cause,
    });
  }

  async #survey(): Promise<Map<string, Occupant | number>> {
    const { places, find } = this.#options;
    const names = (await orAbsent(readdir(places.root))) ?? [];
    const found = await Promise.all(
      names.map(async (name): Promise<[string, Occupant | number] | undefined> => {
        const id = ownerOf(name);
        if (id !== undefined && isDraft(name) && this.#drafts.has(id)) return undefined;
        const image = id === name ? await find(id).catch(() => undefined) : undefined;
        if (image === undefined) return [name, await sizeOfDirectory(`${places.root}/${name}`)];
        const { containerId, appInstanceId, hibernatedAt } = image.subject;
        return [name, { containerId, appInstanceId, hibernatedAt, sizeBytes: image.info.sizeBytes }];
      }),
    );
    return new Map(found.filter((one) => one !== undefined));
  }
}

const total = (numbers: readonly number[]): number => numbers.reduce((sum, one) => sum + one, 0);
