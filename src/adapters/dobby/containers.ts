/** What Dobby has said of our containers: who they are in which of its lives, and how they have ended. */
import { constants } from 'node:os';
import type { ContainerId } from '../../domain/ids.ts';
import type { Ended, EngineHandle } from '../../ports/engine.ts';
import { dobbyId } from './ids.ts';

/** That a container has ended. */
export type Word = {
  readonly life: string;
  /** Dobby's id. */
  readonly name: string;
  /** Null where it is not told: of whoever has the name now. */
  readonly descriptor: number | null;
  /** As {@link Ended.code}; null when the word says none. */
  readonly code: number | null;
  /** By a signal, and it is not told by which. */
  readonly bySignal?: true;
};

type Known = { handle: EngineHandle | null; ends: Word[]; oom: boolean; turn: number; sent: Deadly | null };
type Deadly = 'SIGTERM' | 'SIGKILL';
const NOTHING = { handle: null, oom: false, turn: 0, sent: null };

export class Containers {
  /** By Dobby's id. */
  readonly #known = new Map<string, Known>();
  readonly #ids = new Map<string, ContainerId>();
  readonly #listeners = new Set<(id: ContainerId) => void>();

  /** From here on what Dobby says of it is kept; for a new life of it nothing that was said before counts. */
  expect(id: ContainerId): void {
    this.#ids.set(dobbyId(id), id);
    this.#known.set(dobbyId(id), { ...NOTHING, ends: [] });
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
    const end = known?.ends.find((one) => isOf(one, handle));
    return end && known && endedBy(end, known);
  }

  /** It lives, whatever was said. */
  dropEnd(id: ContainerId, handle: EngineHandle): void {
    const known = this.#of(id);
    known.ends = known.ends.filter((one) => !isOf(one, handle));
  }

  /** Of what was asked for last: a late answer to something older is not to be acted upon. */
  turnOf(id: ContainerId): number {
    return this.#known.get(dobbyId(id))?.turn ?? 0;
  }

  nextTurn(id: ContainerId): number {
    return ++this.#of(id).turn;
  }

  /** What it may end by. */
  noteSignal(id: ContainerId, signal: Deadly): void {
    const known = this.#known.get(dobbyId(id));
    if (known !== undefined) known.sent = signal;
  }

  noteOom(id: ContainerId): void {
    const known = this.#known.get(dobbyId(id));
    if (known !== undefined) known.oom = true;
  }

  hadOom(id: ContainerId): boolean {
    return this.#known.get(dobbyId(id))?.oom === true;
  }

  /** The first word of an end counts; others' containers are not ours to remember. */
  hear(word: Word): void {
    const known = this.#known.get(word.name);
    const id = this.#ids.get(word.name);
    if (known === undefined || id === undefined) return;
    const { life, descriptor } = word;
    if (!known.ends.some((one) => one.life === life && one.descriptor === descriptor)) known.ends.push(word);
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
    const known = this.#known.get(dobbyId(id)) ?? { ...NOTHING, ends: [] };
    this.#known.set(dobbyId(id), known);
    return known;
  }
}

/** An end by some signal is taken for one by ours, or the kernel's, if one was sent. */
function endedBy({ code, bySignal }: Word, { oom, sent }: Known): Ended {
  if (bySignal === undefined) return { code, oom };
  const signal = sent ?? (oom ? 'SIGKILL' : null);
  return { code: signal === null ? null : 128 + constants.signals[signal], oom, signalled: true };
}

const isOf = ({ life, descriptor }: Word, handle: EngineHandle): boolean =>
  life === handle.life && (descriptor === null || descriptor === handle.descriptor);
