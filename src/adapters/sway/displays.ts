/**
 * The embedded displays: one headless sway for each app, under the app's user id. On the host it is nobody's child, so it lives on
 * when the daemon does not, and its socket is all that the app gets. In the container it is hibernated and woken with the app.
 */
import { rm } from 'node:fs/promises';
import type { Duplex } from 'node:stream';
import { RuntimeError } from '../../domain/errors.ts';
import { plainName, type AppInstanceId, type ContainerId } from '../../domain/ids.ts';
import type {
  DisplayControls,
  DisplayEvent,
  DisplayListener,
  DisplayOrder,
  DisplayOwner,
  DisplayPlace,
  Displays,
  DisplaySize,
  Placement,
} from '../../ports/displays.ts';
import type { Wait } from '../../ports/wait.ts';
import { listDirectory } from '../files/list-directory.ts';
import { bringUp, isInUse, noCompositor, taken } from './bring-up.ts';
import { CompositorLink } from './compositor-link.ts';
import { endSway } from './end-sway.ts';
import type { LiveViews } from './live-views.ts';
import type { SwayParts } from './parts.ts';
import { insidePlaces, makeInsidePlaces, placesIn, SOCKET, type DisplayPlaces, type OwnPlaces } from './places.ts';
import { takePicture } from './screenshot.ts';
import { HIDDEN, resizing, SHOWN, swayConfig } from './sway-config.ts';

const PREFIX = 'wst-';
const nameOf = (id: AppInstanceId): string => `${PREFIX}${plainName(id)}`;

type Known = { readonly link: CompositorLink; readonly places: OwnPlaces; readonly opened: Promise<void> };

/** {@link SwayDisplays.close} lets go of all displays and leaves them as they are. */
export class SwayDisplays implements Displays, DisplayControls {
  readonly controls = this;
  readonly #parts: SwayParts;
  readonly #known = new Map<AppInstanceId, Known>();
  readonly #listeners = new Set<DisplayListener>();
  /** Their names were in use when they were last asked for: what is there belongs to others. */
  readonly #foreign = new Set<AppInstanceId>();

  /** Their compositors come up in their containers, and windows may be there before we are. */
  readonly #untold = new Set<AppInstanceId>();

  /** Undefined until somebody looks. */
  #views: Promise<LiveViews> | undefined;

  constructor(parts: SwayParts) {
    this.#parts = parts;
  }

  get offered(): boolean {
    return this.#parts.compositor !== undefined;
  }

  get canBeInside(): boolean {
    return this.#parts.compositor?.bundle !== undefined;
  }

  get canBeViewed(): boolean {
    return this.#parts.viewer !== undefined;
  }

  placeOf(id: AppInstanceId, placement: Placement): DisplayPlace {
    const bundle = this.#parts.compositor?.bundle;
    if (!this.offered || (placement === 'container' && bundle === undefined)) throw noCompositor();
    const { own, socket } = this.#placesOf(id, placement);
    const inside = placement === 'host' || bundle === undefined ? null : { directory: own, ...bundle };
    return { displayName: nameOf(id), socket, inside };
  }

  async createDisplay(order: DisplayOrder, wait: Wait): Promise<DisplayPlace> {
    const { appInstanceId: id, placement } = order;
    const place = this.placeOf(id, placement);
    if (placement === 'host') await this.#createOnHost(order, wait);
    else {
      const places = insidePlaces(this.#insideOf(id));
      const isNew = await makeInsidePlaces(places, swayConfig(order.size ?? this.#parts.size), order);
      if (isNew) this.#untold.add(id);
    }
    return place;
  }

  async destroyDisplay(id: AppInstanceId, wait: Wait): Promise<void> {
    if (this.#foreign.has(id)) return;
    await this.endView(id);
    this.letGo(id);
    this.#untold.delete(id);
    await this.#end(nameOf(id), wait);
  }

  async adopt(owner: DisplayOwner, wait: Wait): Promise<boolean> {
    const { appInstanceId: id, placement } = owner;
    const known = this.#known.get(id);
    if (known !== undefined) {
      await known.opened;
      return true;
    }
    if (placement === 'host' && !(await isInUse(this.#parts, this.#hostPlacesOf(id)))) return false;
    await this.#open(owner, wait);
    return true;
  }

  async setVisible(id: AppInstanceId, visible: boolean, wait: Wait): Promise<void> {
    const { link } = await this.#linkedTo(id);
    await link.command(`workspace ${visible ? SHOWN : HIDDEN}`, wait);
  }

  async resize(id: AppInstanceId, size: DisplaySize, wait: Wait): Promise<void> {
    const { link } = await this.#linkedTo(id);
    await link.command(resizing(size), wait);
  }

  async screenshot(id: AppInstanceId, wait: Wait): Promise<Buffer> {
    const { link, places } = await this.#linkedTo(id);
    return takePicture(this.#parts, { directory: places.own, socketName: SOCKET, user: link.user }, wait);
  }

  async openView(id: AppInstanceId, wait: Wait): Promise<Duplex> {
    const { link, places } = await this.#linkedTo(id);
    this.#views ??= import('./live-views.ts').then(({ LiveViews: Views }) => new Views(this.#parts));
    return (await this.#views).open({ id, displayName: nameOf(id), user: link.user, directory: places.own }, wait);
  }

  async endView(id: AppInstanceId): Promise<void> {
    await (await this.#views)?.end(id);
  }

  letGo(id: AppInstanceId): void {
    this.#known.get(id)?.link.close();
    this.#known.delete(id);
  }

  async sweep(owned: readonly AppInstanceId[], wait: Wait): Promise<readonly string[]> {
    const { directory, insideDirectory, groups } = this.#parts;
    const kept = new Set(owned.map(nameOf));
    const there = [...(await listDirectory(directory)), ...(await listDirectory(insideDirectory)), ...groups.known()];
    const strays = [...new Set(there)].filter((name) => !kept.has(name));
    await Promise.all(strays.map((name) => this.#end(name, wait)));
    return strays;
  }

  watch(listener: DisplayListener): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  async close(): Promise<void> {
    await (await this.#views)?.close();
    for (const id of this.#known.keys()) this.letGo(id);
  }

  async #createOnHost(order: DisplayOrder, wait: Wait): Promise<void> {
    const { appInstanceId: id } = order;
    const places = this.#hostPlacesOf(id);
    this.#foreign.delete(id);
    if (await isInUse(this.#parts, places)) {
      this.#foreign.add(id);
      throw taken(id);
    }
    await bringUp(this.#parts, { places, group: nameOf(id) as ContainerId, order }, wait);
    try {
      await this.#open(order, wait);
    } catch (error) {
      await this.destroyDisplay(id, wait);
      throw error;
    }
  }

  /** Who wants something of the display meanwhile waits for it. */
  async #open({ appInstanceId: id, placement, uid, gid }: DisplayOwner, wait: Wait): Promise<void> {
    this.letGo(id);
    const places = this.#placesOf(id, placement);
    const link = new CompositorLink({ uid, gid }, (event: DisplayEvent) => {
      for (const listener of this.#listeners) listener(id, event);
    });
    const opened = link.open(places.ipc, this.#untold.delete(id), { clock: this.#parts.clock, ...wait });
    this.#known.set(id, { link, places, opened });
    try {
      await opened;
    } catch (error) {
      if (this.#known.get(id)?.link === link) this.letGo(id);
      throw error;
    }
  }

  async #linkedTo(id: AppInstanceId): Promise<Known> {
    const known = this.#known.get(id);
    if (known === undefined) throw new RuntimeError('DISPLAY_FAILED', { what: `${id} has no display that answers` });
    await known.opened;
    return known;
  }

  #placesOf(id: AppInstanceId, placement: Placement): OwnPlaces {
    return placement === 'host' ? this.#hostPlacesOf(id) : insidePlaces(this.#insideOf(id));
  }

  #hostPlacesOf(id: AppInstanceId): DisplayPlaces {
    return placesIn(`${this.#parts.directory}/${nameOf(id)}`);
  }

  #insideOf(id: AppInstanceId): string {
    return `${this.#parts.insideDirectory}/${nameOf(id)}`;
  }

  async #end(name: string, wait: Wait): Promise<void> {
    const places = placesIn(`${this.#parts.directory}/${name}`);
    await endSway(this.#parts, { places, group: name as ContainerId }, wait);
    await rm(`${this.#parts.insideDirectory}/${name}`, { recursive: true, force: true });
  }
}
