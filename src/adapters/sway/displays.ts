/**
 * The embedded displays: one headless sway for each app, under the app's user id. On the host it is nobody's child, so it lives on
 * when the daemon does not, and its socket is all that the app gets. In the container it is hibernated and woken with the app.
 */
import { rm } from 'node:fs/promises';
import type { Duplex } from 'node:stream';
import { RuntimeError } from '../../domain/errors.ts';
import type { AppInstanceId, ContainerId } from '../../domain/ids.ts';
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
  Screen,
} from '../../ports/displays.ts';
import type { Wait } from '../../ports/wait.ts';
import { listDirectory } from '../files/list-directory.ts';
import { answers, bringUp, isInUse, noCompositor, taken } from './bring-up.ts';
import { CompositorLink } from './compositor-link.ts';
import { endSway } from './end-sway.ts';
import { compositorInside } from './find-inside.ts';
import type { LiveViews } from './live-views.ts';
import { nameOf, shotGroupOf } from './names.ts';
import { SCREEN, type ParentScreen } from './parent-screen.ts';
import type { SwayParts } from './parts.ts';
import { NO_SCREEN } from './stage.ts';
import {
  insidePlaces,
  makeInsidePlaces,
  placesIn,
  readRecord,
  SOCKET,
  type DisplayPlaces,
  type OwnPlaces,
} from './places.ts';
import { frameBytes, LARGEST_VIEW, takePicture } from './screenshot.ts';
import { Shots } from './shots.ts';
import { HIDDEN, resizing, SHOWN, swayConfig, type Backend } from './sway-config.ts';

/** For the end of a screen that nobody needs. */
const CLOSE_MS = 3000;

type Known = {
  readonly link: CompositorLink;
  readonly places: OwnPlaces;
  readonly backend: Promise<Backend>;
  readonly opened: Promise<void>;
  /** The one that it was given last, and the one before. */
  readonly sizes: { given: readonly DisplaySize[] };
};

/** {@link SwayDisplays.close} lets go of all displays and leaves them as they are. */
export class SwayDisplays implements Displays, DisplayControls {
  readonly controls = this;
  readonly #parts: SwayParts;
  readonly #known = new Map<AppInstanceId, Known>();
  readonly #listeners = new Set<DisplayListener>();
  /** Their names were in use when they were last asked for: what is there belongs to others. */
  readonly #foreign = new Set<AppInstanceId>();
  /** Nobody has told of their windows and clients; in a container these may be there before we are. */
  readonly #untold = new Set<AppInstanceId>();
  /** Undefined until somebody looks. */
  #views: Promise<LiveViews> | undefined;
  /** Of those that this daemon has made on the host. */
  readonly #answering = new Map<AppInstanceId, Promise<void>>();
  readonly #parent: ParentScreen | undefined;
  readonly #shots: Shots;
  constructor(parts: SwayParts, parent?: ParentScreen) {
    this.#parts = parts;
    this.#shots = new Shots(parts.clock);
    this.#parent = parent;
    // what cannot be ended shows nothing any more, and its app is ended as soon as that is seen
    parent?.watch(() => void this.#endWithScreen().catch(() => undefined));
  }

  get screen(): Screen | null {
    const parent = this.#parent;
    if (parent === undefined) return null;
    return {
      arrange: async ({ stack, above }, wait) => {
        const records = await Promise.all(stack.map((id) => readRecord(this.#hostPlacesOf(id)).catch(() => undefined)));
        await parent.arrange({ pids: records.flatMap((record) => record?.process.pid ?? []), above }, wait);
      },
    };
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
      const isNew = await makeInsidePlaces(places, swayConfig(order.size ?? this.#parts.size, 'headless'), order);
      if (isNew) this.#untold.add(id);
    }
    return place;
  }

  async destroyDisplay(id: AppInstanceId, wait: Wait): Promise<void> {
    if (this.#foreign.has(id)) return;
    await this.endView(id);
    this.letGo(id);
    this.#untold.delete(id);
    this.#answering.delete(id);
    this.#shots.forget(id);
    await Promise.all([this.#end(nameOf(id), wait), this.#end(shotGroupOf(id), wait)]);
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
    const { link } = await this.#linkedTo(id);
    return placement === 'container' || link.hasOutput(wait);
  }

  async setVisible(id: AppInstanceId, visible: boolean, wait: Wait): Promise<void> {
    const { link } = await this.#linkedTo(id);
    await link.command(`workspace ${visible ? SHOWN : HIDDEN}`, wait);
  }

  async resize(id: AppInstanceId, size: DisplaySize, wait: Wait): Promise<void> {
    const { link, backend, sizes } = await this.#linkedTo(id);
    const drawnOn = await backend;
    sizes.given = [size, ...sizes.given.slice(0, 1)];
    await link.command(resizing(size, drawnOn).join('; '), wait);
    if (drawnOn !== 'wayland') return;
    const pid = (await readRecord(this.#hostPlacesOf(id)))?.process.pid ?? 0;
    await this.#parent?.follows(pid, size, this.#parts.clock);
  }

  async screenshot(id: AppInstanceId, { signal, timeoutMs }: Wait): Promise<Buffer> {
    const { link, places, backend, sizes } = await this.#linkedTo(id);
    const isOnScreen = (await backend) === 'wayland';
    const subject = { directory: places.own, socketName: SOCKET, user: link.user, group: shotGroupOf(id) };
    const take = async (): Promise<Buffer> => {
      await using _revealed = isOnScreen ? await this.#parent?.reveal() : undefined;
      // shared by callers: none of them ends it for the others
      const wait = { signal: new AbortController().signal, timeoutMs };
      return await takePicture(this.#parts, { ...subject, sizes: isOnScreen ? undefined : sizes.given }, wait);
    };
    return this.#shots.shoot(id, take, signal);
  }

  async openView(id: AppInstanceId, wait: Wait): Promise<Duplex> {
    const { link, places, backend, sizes } = await this.#linkedTo(id);
    const largest = frameBytes((await backend) === 'wayland' ? undefined : [LARGEST_VIEW, ...sizes.given]);
    this.#views ??= import('./live-views.ts').then(({ LiveViews: Views }) => new Views(this.#parts));
    const subject = { id, displayName: nameOf(id), user: link.user, directory: places.own, frameBytes: largest };
    return (await this.#views).open(subject, wait);
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
    const kept = new Set([...owned.map(nameOf), ...(this.#parent === undefined ? [] : [SCREEN])]);
    const there = [...(await listDirectory(directory)), ...(await listDirectory(insideDirectory)), ...groups.known()];
    const strays = [...new Set(there)].filter((name) => !kept.has(name));
    await Promise.all(strays.map((name) => this.#end(name, wait)));
    return strays;
  }

  watch(listener: DisplayListener): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** Of a screen nothing is left when no display is. */
  async close(): Promise<void> {
    await (await this.#views)?.close();
    for (const id of this.#known.keys()) this.letGo(id);
    const others = (await listDirectory(this.#parts.directory)).filter((name) => name !== SCREEN);
    await this.#parent?.close(others.length > 0, { signal: new AbortController().signal, timeoutMs: CLOSE_MS });
  }

  async #createOnHost(order: DisplayOrder, wait: Wait): Promise<void> {
    const { appInstanceId: id } = order;
    const places = this.#hostPlacesOf(id);
    this.#foreign.delete(id);
    if (await isInUse(this.#parts, places)) {
      this.#foreign.add(id);
      throw taken(id);
    }
    const on = (await this.#parent?.stage(wait)) ?? { stage: NO_SCREEN, size: this.#parts.size };
    await bringUp(this.#parts, { places, group: nameOf(id) as ContainerId, order, on }, wait);
    this.#untold.add(id);
    // on while the container is made; who asks for its answer hears of a failure
    const opened = this.#open(order, wait, () => answers({ places, order }, wait));
    opened.catch(() => undefined);
    this.#answering.set(id, opened);
  }

  async answers(id: AppInstanceId): Promise<void> {
    await this.#answering.get(id);
  }

  /** Who wants something of the display meanwhile waits for it. */
  async #open(owner: DisplayOwner, wait: Wait, before = (): Promise<void> => Promise.resolve()): Promise<void> {
    const { appInstanceId: id, placement, uid, gid } = owner;
    this.letGo(id);
    const places = this.#placesOf(id, placement);
    const link = new CompositorLink({ uid, gid }, (event: DisplayEvent) => {
      for (const listener of this.#listeners) listener(id, event);
    });
    const isNew = this.#untold.delete(id);
    const opened = before().then(() => link.open(places.ipc, isNew, { clock: this.#parts.clock, ...wait }));
    const sizes = { given: [owner.size ?? this.#parts.size] };
    this.#known.set(id, { link, places, backend: this.#backendOf(owner), opened, sizes });
    try {
      await opened;
      // whoever cannot be found out about is told of with its first picture
      if (isNew) link.awaitClient(() => this.#compositorOf(owner), this.#parts.clock).catch(() => undefined);
    } catch (error) {
      if (this.#known.get(id)?.link === link) this.letGo(id);
      throw error;
    }
  }

  /** They would go on without a screen, and their apps with them. */
  async #endWithScreen(): Promise<void> {
    for (const [id, { backend }] of this.#known) {
      if ((await backend) !== 'wayland') continue;
      const record = await readRecord(this.#hostPlacesOf(id)).catch(() => undefined);
      if (record !== undefined) this.#parts.processes.signal(record.process, 'SIGKILL');
    }
  }

  async #backendOf({ appInstanceId: id, placement }: DisplayOwner): Promise<Backend> {
    const record = placement === 'host' ? await readRecord(this.#hostPlacesOf(id)).catch(() => undefined) : undefined;
    return record?.backend ?? 'headless';
  }

  async #compositorOf({ appInstanceId: id, placement, uid }: DisplayOwner): Promise<number | undefined> {
    if (placement === 'container') return compositorInside(this.#parts.processes, uid);
    return (await readRecord(this.#hostPlacesOf(id)))?.process.pid;
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
