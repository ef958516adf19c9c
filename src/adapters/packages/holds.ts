/** Who holds which package: a small file each, so that it is known after a crash and after a reboot. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import type { ContainerId } from '../../domain/ids.ts';
import { listDirectory } from '../files/list-directory.ts';
import { readRecord, writeRecord } from './files.ts';
import { unpackedSchema } from './library.ts';

/** `key`: names the mount; the same for all who hold the same. */
const holdSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('image'), key: z.string(), path: z.string(), unpacked: unpackedSchema }),
  z.object({ kind: z.enum(['squashfs', 'erofs']), key: z.string(), path: z.string(), stamp: z.string() }),
  z.object({ kind: z.literal('layers'), key: z.string(), paths: z.array(z.string()) }),
]);
export type Hold = z.output<typeof holdSchema>;
type MountedHold = Exclude<Hold, { readonly kind: 'image' }>;

const SUFFIX = '.json';

export class Holds {
  readonly #directory: string;
  readonly #held = new Map<ContainerId, Hold>();
  #loading: Promise<void> | undefined;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async of(holder: ContainerId): Promise<Hold | undefined> {
    await this.load();
    return this.#held.get(holder);
  }

  isHeld(key: string): boolean {
    return [...this.#held.values()].some((hold) => hold.key === key);
  }

  /** Of the unpacked images that are in use. */
  chains(): ReadonlySet<string> {
    return new Set([...this.#held.values()].flatMap((hold) => (hold.kind === 'image' ? [hold.unpacked.chain] : [])));
  }

  /** An image's key is its chain. */
  holdersOf(key: string): readonly ContainerId[] {
    return [...this.#held].flatMap(([holder, hold]) => (hold.key === key ? [holder] : []));
  }

  /** What is held and was not unpacked, once each. */
  mounted(): readonly MountedHold[] {
    const holds = [...this.#held.values()].filter((hold) => hold.kind !== 'image');
    return [...new Map(holds.map((hold) => [hold.key, hold])).values()];
  }

  /** Counts from the call on; survives a crash when it returns. */
  async add(holder: ContainerId, hold: Hold): Promise<void> {
    this.#held.set(holder, hold);
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    await writeRecord(this.#fileOf(holder), hold);
  }

  /** The file is removed after `meanwhile`, so that what fails in it is tried again after a restart. */
  async remove(holder: ContainerId, meanwhile: (hold: Hold) => Promise<void>): Promise<void> {
    const hold = await this.of(holder);
    this.#held.delete(holder);
    if (hold !== undefined) {
      await meanwhile(hold).catch((error: unknown) => {
        this.#held.set(holder, hold);
        throw error;
      });
    }
    await rm(this.#fileOf(holder), { force: true });
  }

  /** Forgets all others, and files that cannot be read: those were lost in a power cut before anything ran from the package. */
  async keepOnly(living: ReadonlySet<ContainerId>): Promise<void> {
    await this.load();
    for (const name of await listDirectory(this.#directory)) {
      const holder = holderOf(name);
      if (name.endsWith(SUFFIX) && living.has(holder) && this.#held.has(holder)) continue;
      this.#held.delete(holder);
      await rm(join(this.#directory, name), { force: true });
    }
  }

  load(): Promise<void> {
    return (this.#loading ??= this.#load());
  }

  async #load(): Promise<void> {
    for (const name of await listDirectory(this.#directory)) {
      const read = holdSchema.safeParse(await readRecord(join(this.#directory, name)));
      if (read.success && name.endsWith(SUFFIX)) this.#held.set(holderOf(name), read.data);
    }
  }

  #fileOf(holder: ContainerId): string {
    return join(this.#directory, `${holder}${SUFFIX}`);
  }
}

const holderOf = (name: string): ContainerId => name.replace(/\.json$/, '') as ContainerId;
