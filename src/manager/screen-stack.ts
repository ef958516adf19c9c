/** Which app with a display has the focus. What decides it is kept with the instances; who gets it is told. */
import { viewOf } from '../domain/view.ts';
import type { Instance } from './instance.ts';
import type { Instances } from './instances.ts';
import { hasScreen } from './operations/screen.ts';
import type { World } from './world.ts';

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
  }

  /** Of those that can be seen, whoever was given it last; whoever came first, as long as it was given to nobody. */
  get focused(): Instance | undefined {
    return this.#seen().reduce<Instance | undefined>(
      (best, one) => (best === undefined || comesBefore(one, best) ? one : best),
      undefined,
    );
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

  #seen(): readonly Instance[] {
    return [...this.#instances].filter(
      ({ record, state }) => state === 'RUNNING' && viewOf(record).visible && hasScreen(this.#world, record),
    );
  }

  #look(): void {
    const { focused } = this;
    if (focused === this.#told) return;
    this.#told = focused;
    if (focused === undefined) return;
    const { appId, appInstanceId } = focused.record;
    const { announcer, log } = this.#world;
    this.#telling = announcer
      .commit({ events: [{ appId, appInstanceId, type: 'displayFocused' }] })
      .catch((error: unknown) => {
        log.error({ err: error, appInstanceId }, 'who has the focus could not be written');
      });
  }
}

function comesBefore({ record: one }: Instance, { record: other }: Instance): boolean {
  const [focus, otherFocus] = [viewOf(one).focus, viewOf(other).focus];
  return focus === otherFocus ? one.createdAt < other.createdAt : focus > otherFocus;
}
