/**
 * Which app with a display has the focus, and which is in front of which. What decides it is kept with the instances; who gets the
 * focus is told, and a screen, where there is one, is made to show it.
 */
import { viewOf } from '../domain/view.ts';
import { unhurried } from '../domain/unhurried.ts';
import type { Instance } from './instance.ts';
import type { Instances } from './instances.ts';
import { placementOf } from './operations/displays.ts';
import { hasScreen } from './operations/screen.ts';
import type { World } from './world.ts';

const ARRANGE_MS = 5000;

export class ScreenStack implements Disposable {
  readonly #world: World;
  readonly #instances: Instances;
  readonly #leave: () => void;
  #told: Instance | undefined;
  #telling: Promise<void> = Promise.resolve();

  constructor(world: World, instances: Instances) {
    this.#world = world;
    this.#instances = instances;
    this.#told = this.focused;
    this.#leave = world.announcer.subscribe(({ type }) => {
      if (type === 'stateChanged' || type === 'displayChanged') this.#look();
    });
    this.#arrange();
  }

  /** Of those that can be seen, whoever was given it last; whoever came first, as long as it was given to nobody. */
  get focused(): Instance | undefined {
    return this.#seen().sort(byFocus).at(-1);
  }

  /** What it needs to have the focus as soon as it can be seen. */
  focusFor(instance: Instance): number {
    const own = viewOf(instance.record).focus;
    const others = [...this.#instances].filter((one) => one !== instance).map(({ record }) => viewOf(record).focus);
    const highest = Math.max(0, ...others);
    return own > highest ? own : highest + 1;
  }

  /** After a change: everybody has been told. */
  async settled(): Promise<void> {
    this.#look();
    await this.#telling;
  }

  [Symbol.dispose](): void {
    this.#leave();
  }

  #seen(): Instance[] {
    const screen = this.#world.displays.controls?.screen ?? null;
    return [...this.#instances].filter(({ record, state }) => {
      const canBeSeen = screen === null || placementOf(record.app) === 'host';
      return canBeSeen && state === 'RUNNING' && viewOf(record).visible && hasScreen(this.#world, record);
    });
  }

  /** The screen shows what is so when its turn comes. */
  #arrange(): void {
    const screen = this.#world.displays.controls?.screen ?? null;
    if (screen === null) return;
    this.#telling = this.#telling.then(async () => {
      const stack = this.#seen().sort(byFocus);
      const { focused } = this;
      stack.sort((one, other) => viewOf(one.record).zOrder - viewOf(other.record).zOrder);
      const above = focused === undefined ? 0 : stack.length - 1 - stack.indexOf(focused);
      const ids = stack.map(({ record }) => record.appInstanceId);
      await screen.arrange({ stack: ids, above }, unhurried(ARRANGE_MS)).catch((error: unknown) => {
        this.#world.log.warn({ err: error }, 'the screen does not show the apps as it should');
      });
    });
  }

  #look(): void {
    const { focused } = this;
    this.#arrange();
    if (focused === this.#told) return;
    this.#told = focused;
    if (focused === undefined) return;
    const { appId, appInstanceId } = focused.record;
    const { announcer, log } = this.#world;
    const told = announcer
      .commit({ events: [{ appId, appInstanceId, type: 'displayFocused' }] })
      .catch((error: unknown) => {
        log.error({ err: error, appInstanceId }, 'who has the focus could not be written');
      });
    this.#telling = this.#telling.then(() => told);
  }
}

/** The last one has it. */
function byFocus({ record: one }: Instance, { record: other }: Instance): number {
  const difference = viewOf(one).focus - viewOf(other).focus;
  return difference === 0 ? Date.parse(other.createdAt) - Date.parse(one.createdAt) : difference;
}
