/** What Dobby has said of our containers: who they are in which of its lives, and how they have ended. */
import type { ContainerId } from '../../domain/ids.ts';
import type { Ended, EngineHandle } from '../../ports/engine.ts';
import type { BusSignal } from './bus.ts';
import { dobbyId } from './ids.ts';
import { CONTROL } from './link.ts';
import { exitCode } from './status.ts';

type Heard = BusSignal & { readonly life: string };
/** `code`: null while only `Stopped` has come, which says none. */
type End = { readonly handle: EngineHandle; readonly code: number | null };
type Known = { handle: EngineHandle | null; ends: End[]; oom: boolean; turn: number };

export class Containers {
  /** By Dobby's id. */
  readonly #known = new Map<string, Known>();
  readonly #ids = new Map<string, ContainerId>();
  readonly #listeners = new Set<(id: ContainerId) => void>();

  /** From here on what Dobby says of it is kept; for a new life of it nothing that was said before counts. */
  expect(id: ContainerId): void {
    this.#ids.set(dobbyId(id), id);
    this.#known.set(dobbyId(id), { handle: null, ends: [], oom: false, turn: 0 });
  }

  hold(id: ContainerId, handle: EngineHandle): void {
    if (!this.#known.has(dobbyId(id))) this.expect(id);
    this.#of(id).handle = handle;
  }

  forget(id: ContainerId): void {
    this.#known.delete(dobbyId(id));
    this.#ids.delete(dobbyId(id));
  }

  handleOf(id: ContainerId): EngineHandle | null {
    return this.#known.get(dobbyId(id))?.handle ?? null;
  }

  /** Undefined: nothing was said. A container may come and go before Dobby answers the call that started it. */
  endOf(id: ContainerId, handle: EngineHandle): Ended | undefined {
    const known = this.#known.get(dobbyId(id));
    const end = known?.ends.find((one) => isSame(one.handle, handle));
    return end && { code: end.code, oom: known?.oom === true };
  }

  /** It lives, whatever was said. */
  dropEnd(id: ContainerId, handle: EngineHandle): void {
    const known = this.#of(id);
    known.ends = known.ends.filter((one) => !isSame(one.handle, handle));
  }

  /** Of what was asked for last: a late answer to something older is not to be acted upon. */
  turnOf(id: ContainerId): number {
    return this.#known.get(dobbyId(id))?.turn ?? 0;
  }

  nextTurn(id: ContainerId): number {
    return ++this.#of(id).turn;
  }

  noteOom(id: ContainerId): void {
    const known = this.#known.get(dobbyId(id));
    if (known !== undefined) known.oom = true;
  }

  hadOom(id: ContainerId): boolean {
    return this.#known.get(dobbyId(id))?.oom === true;
  }

  /** `StoppedWithStatus` comes first, `Stopped` right after it; others' containers are not ours to remember. */
  hear({ interface: name, member, body: [descriptor, dobbysId, status], life }: Heard): void {
    if (name !== CONTROL || typeof descriptor !== 'number' || typeof dobbysId !== 'string') return;
    const known = this.#known.get(dobbysId);
    const id = this.#ids.get(dobbysId);
    if (known === undefined || id === undefined || !(member === 'StoppedWithStatus' || member === 'Stopped')) return;
    const handle = { life, descriptor };
    if (!known.ends.some((one) => isSame(one.handle, handle))) {
      known.ends.push({ handle, code: typeof status === 'number' ? exitCode(status) : null });
    }
    this.tell(id);
  }

  /** All of a life have ended with it. */
  lose(life: string): void {
    for (const [dobbysId, { handle }] of this.#known) {
      const id = this.#ids.get(dobbysId);
      if (id !== undefined && (handle === null || handle.life === life)) this.tell(id);
    }
  }

  watch(mayHaveEnded: (id: ContainerId) => void): AsyncDisposable {
    this.#listeners.add(mayHaveEnded);
    return {
      [Symbol.asyncDispose]: () => {
        this.#listeners.delete(mayHaveEnded);
        return Promise.resolve();
      },
    };
  }

  /** Somebody should look at all of them. */
  tellAll(): void {
    for (const id of this.#ids.values()) this.tell(id);
  }

  /** Somebody should look at it. */
  tell(id: ContainerId): void {
    for (const listener of this.#listeners) listener(id);
  }

  #of(id: ContainerId): Known {
    const known = this.#known.get(dobbyId(id)) ?? { handle: null, ends: [], oom: false, turn: 0 };
    this.#known.set(dobbyId(id), known);
    return known;
  }
}

const isSame = (one: EngineHandle, other: EngineHandle): boolean =>
  one.life === other.life && one.descriptor === other.descriptor;
