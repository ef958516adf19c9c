/**
 * The embedded displays: one headless sway for each app, on the host, under the app's user id. Its socket is all that the app gets.
 * It is nobody's child, so it lives on when the daemon does not, and is adopted by the next one.
 */
import { RuntimeError } from '../../domain/errors.ts';
import { plainName, type AppInstanceId, type ContainerId } from '../../domain/ids.ts';
import type {
  DisplayControls,
  DisplayEvent,
  DisplayListener,
  DisplayOrder,
  DisplayPlace,
  Displays,
} from '../../ports/displays.ts';
import type { Wait } from '../../ports/wait.ts';
import { listDirectory } from '../files/list-directory.ts';
import type { User } from './as-user.ts';
import { bringUp, isInUse, noCompositor, taken } from './bring-up.ts';
import { CompositorLink } from './compositor-link.ts';
import { endSway } from './end-sway.ts';
import type { SwayParts } from './parts.ts';
import { placesIn, readRecord, SOCKET, type DisplayPlaces } from './places.ts';
import { takePicture } from './screenshot.ts';
import { HIDDEN, resizing, SHOWN } from './sway-config.ts';

const PREFIX = 'wst-';
const nameOf = (id: AppInstanceId): string => `${PREFIX}${plainName(id)}`;

/** {@link SwayDisplays.close} lets go of all displays and leaves them as they are. */
export class SwayDisplays implements Displays, DisplayControls {
  readonly controls = this;
  readonly #parts: SwayParts;
  readonly #links = new Map<AppInstanceId, CompositorLink>();
  /** Their names were in use when they were asked for: what is there belongs to others. */
  readonly #foreign = new Set<AppInstanceId>();
  readonly #listeners = new Set<DisplayListener>();

  constructor(parts: SwayParts) {
    this.#parts = parts;
  }

  get offered(): boolean {
    return this.#parts.compositor !== undefined;
  }

  placeOf(id: AppInstanceId): DisplayPlace {
    if (!this.offered) throw noCompositor();
    return { displayName: nameOf(id), socket: this.#placesOf(id).socket };
  }

  async createDisplay(order: DisplayOrder, wait: Wait): Promise<DisplayPlace> {
    const { appInstanceId: id } = order;
    const places = this.#placesOf(id);
    this.#foreign.delete(id);
    if (await isInUse(this.#parts, places)) {
      this.#foreign.add(id);
      throw taken(id);
    }
    await bringUp(this.#parts, { places, group: nameOf(id) as ContainerId, order }, wait);
    try {
      await this.#linkTo(id, order).open(places.ipc, wait);
    } catch (error) {
      await this.destroyDisplay(id, wait);
      throw error;
    }
    return this.placeOf(id);
  }

  async destroyDisplay(id: AppInstanceId, wait: Wait): Promise<void> {
    if (this.#foreign.delete(id)) return;
    this.#unlink(id);
    await this.#end(nameOf(id), wait);
  }

  async adopt(id: AppInstanceId, wait: Wait): Promise<boolean> {
    const places = this.#placesOf(id);
    const record = await readRecord(places);
    if (record === undefined || !this.#parts.processes.isAlive(record.process)) return false;
    await this.#linkTo(id, record).open(places.ipc, wait);
    return true;
  }

  setVisible(id: AppInstanceId, visible: boolean, wait: Wait): Promise<void> {
    return this.#linkOf(id).command(`workspace ${visible ? SHOWN : HIDDEN}`, wait);
  }

  resize(id: AppInstanceId, size: DisplayOrder['size'] & object, wait: Wait): Promise<void> {
    return this.#linkOf(id).command(resizing(size), wait);
  }

  screenshot(id: AppInstanceId, wait: Wait): Promise<Buffer> {
    const { user } = this.#linkOf(id);
    return takePicture(this.#parts, { directory: this.#placesOf(id).own, socketName: SOCKET, user }, wait);
  }

  async sweep(owned: readonly AppInstanceId[], wait: Wait): Promise<readonly string[]> {
    const { directory, groups } = this.#parts;
    const kept = new Set(owned.map(nameOf));
    const there = [...(await listDirectory(directory)), ...groups.known()];
    const strays = [...new Set(there)].filter((name) => !kept.has(name));
    await Promise.all(strays.map((name) => this.#end(name, wait)));
    return strays;
  }

  watch(listener: DisplayListener): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  close(): void {
    for (const id of this.#links.keys()) this.#unlink(id);
  }

  #placesOf(id: AppInstanceId): DisplayPlaces {
    return placesIn(`${this.#parts.directory}/${nameOf(id)}`);
  }

  #linkTo(id: AppInstanceId, { uid, gid }: User): CompositorLink {
    this.#unlink(id);
    const link = new CompositorLink({ uid, gid }, (event: DisplayEvent) => {
      for (const listener of this.#listeners) listener(id, event);
    });
    this.#links.set(id, link);
    return link;
  }

  #linkOf(id: AppInstanceId): CompositorLink {
    const link = this.#links.get(id);
    if (link !== undefined) return link;
    throw new RuntimeError('DISPLAY_FAILED', { what: `${id} has no display that answers` });
  }

  #unlink(id: AppInstanceId): void {
    this.#links.get(id)?.close();
    this.#links.delete(id);
  }

  #end(name: string, wait: Wait): Promise<void> {
    const places = placesIn(`${this.#parts.directory}/${name}`);
    return endSway(this.#parts, { places, group: name as ContainerId }, wait);
  }
}
