/**
 * Events of a connection's own calls, kept until it has the answers. LifecycleManager begins to wait for RUNNING, and for an end,
 * when `run`, `terminate` or `kill` has returned, and takes what comes earlier for something else. Source: entservices-appmanagers,
 * LifecycleManager/State.cpp, InitializingState::handle and TerminatingState::handle; LifecycleManagerImplementation.cpp,
 * handleRuntimeManagerEvent and addStateTransitionRequest.
 *
 * INVARIANTS
 * - the events of one instance keep their order: what follows a held one waits behind it;
 * - events of instances that no open call has changed are never held;
 * - what waits is bounded: beyond the bound the events of that instance go out before the answer.
 */
import type { Origin } from '../domain/events.ts';

/**
 * From the answer to its events. A client that reads both at once, or whose caller is another thread than its reader, would else
 * hear the events first.
 */
const AFTER_ANSWER_MS = 1;
const MAX_HELD = 1000;

/** What an event is about, which message it follows from, and whether it tells that the instance has ended. */
export type Cause = { readonly instance: string; readonly origin: Origin | undefined; readonly isEnd: boolean };

type Entry<Message> = { readonly origin: Origin | undefined; readonly messages: readonly Message[] };

export class HeldEvents<Message> implements Disposable {
  readonly #send: (messages: readonly Message[]) => void;
  /** Messages of the caller that have no answer yet. */
  readonly #open = new Set<Origin>();
  /** Which of them asks for the end of this instance. */
  readonly #ending = new Map<string, Origin>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #byInstance = new Map<string, Entry<Message>[]>();
  #count = 0;

  constructor(send: (messages: readonly Message[]) => void) {
    this.#send = send;
  }

  /** Call it before a message of the caller is carried out. */
  expect(): Origin {
    const origin: Origin = {};
    this.#open.add(origin);
    return origin;
  }

  /** The message asks for the end of an instance: whatever ends it meanwhile is told after the answer, as its own doing. */
  expectEnd(origin: Origin, instance: string): void {
    this.#ending.set(instance, origin);
  }

  /** Call it when the answer is on its way, or when there is none to come. */
  answered(origin: Origin): void {
    for (const [instance, one] of this.#ending) if (one === origin) this.#ending.delete(instance);
    const entries = this.#count === 0 ? [] : [...this.#byInstance.values()].flat();
    if (!entries.some((one) => one.origin === origin)) {
      this.#open.delete(origin);
      return;
    }
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#open.delete(origin);
      for (const instance of [...this.#byInstance.keys()]) this.#release(instance);
    }, AFTER_ANSWER_MS);
    this.#timers.add(timer);
  }

  /** Sends the messages now, or when their turn comes. */
  take({ instance, origin: own, isEnd }: Cause, messages: readonly Message[]): void {
    const origin = isEnd && !this.#isOpen(own) ? this.#ending.get(instance) : own;
    const entries = this.#byInstance.get(instance);
    if (entries === undefined && !this.#isOpen(origin)) {
      this.#send(messages);
      return;
    }
    if (entries === undefined) this.#byInstance.set(instance, [{ origin, messages }]);
    else entries.push({ origin, messages });
    this.#count += messages.length;
    if (this.#count > MAX_HELD) this.#release(instance, true);
  }

  /** Sends all that is held, answered or not. */
  flush(): void {
    for (const instance of [...this.#byInstance.keys()]) this.#release(instance, true);
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#byInstance.clear();
    this.#open.clear();
    this.#ending.clear();
    this.#count = 0;
  }

  #isOpen(origin: Origin | undefined): boolean {
    return origin !== undefined && this.#open.has(origin);
  }

  /** What stands before the first event that still waits for its answer; `all`: everything. */
  #release(instance: string, all = false): void {
    const entries = this.#byInstance.get(instance) ?? [];
    const first = all ? -1 : entries.findIndex(({ origin }) => this.#isOpen(origin));
    const freed = first === -1 ? entries : entries.slice(0, first);
    if (first === -1) this.#byInstance.delete(instance);
    else this.#byInstance.set(instance, entries.slice(first));
    const messages = freed.flatMap((one) => one.messages);
    this.#count -= messages.length;
    if (messages.length > 0) this.#send(messages);
  }
}
