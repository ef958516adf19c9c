/**
 * The way to Dobby's daemon: connects, connects again, knows who owns the name, and lets nobody call before it serves. A life is
 * that of one owner of the name on one bus: descriptors belong to it, and calls go to this owner and never to its successor, for
 * whom the same numbers mean other containers (facts/dobby.md §3).
 */
import { setMaxListeners } from 'node:events';
import type { Wait } from '../../ports/wait.ts';
import { BUS, processOf, type Bus, type BusSignal } from './bus.ts';
import { answerOrLate, Change } from './change.ts';
import { aborted, inPlainWords, timedOut, unavailable } from './link-errors.ts';
import type { Answers, LinkOptions, Question } from './link-options.ts';
import { CONTROL } from './signals.ts';
import { Slots } from './slots.ts';
import type { Way } from './ways.ts';

/** Somebody who owns the name; `life` as handles name it. */
type Owner = {
  readonly life: string;
  readonly name: string;
  readonly bus: Bus;
  readonly slots: Slots;
  serves: boolean;
  /** Times that it did not know what every Dobby knows. */
  refusals: number;
};

const ADMIN = 'org.rdk.dobby.admin1';

/** Of 49 that Dobby has; others call it, too. */
const MOST_CALLS = 32;
/** How long a call waits for a Dobby that is not there: it may be starting again. */
export const PATIENCE_MS = 2000;
const RETRY_MS = { first: 100, last: 5000 };
/** A Dobby of this age serves. */
const YOUNG_MS = 3000;
const EVERYBODYS = new Set(['List', 'GetState', 'GetInfo', 'Stop', 'Pause', 'Resume']);
const MOST_REFUSALS = 4;
const AFTER_REFUSAL_MS = 3000;

export class Link implements Way {
  readonly #options: LinkOptions;
  readonly #answers: Answers;
  readonly #closing = new AbortController();
  readonly #unknown = new Set<string>();
  readonly #change = new Change();
  readonly #done: Promise<void>;
  #bus: Bus | undefined;
  #owner: Owner | undefined;
  /** Who has said `Ready`, in case it says so before its name is known. */
  #readySender = '';
  #why = 'the bus was not reached yet';

  constructor(options: LinkOptions, answers: Answers) {
    this.#options = options;
    this.#answers = answers;
    // every wait for a call listens to it
    setMaxListeners(0, this.#closing.signal);
    this.#done = this.#stayConnected();
  }

  get at(): string {
    const { service, address } = this.#options;
    return `${service} on ${address}`;
  }

  /** Of who owns the name now; null when nobody does; undefined when that cannot be known, because the bus is away. */
  get life(): string | null | undefined {
    return this.#bus === undefined ? undefined : (this.#owner?.life ?? null);
  }

  async serving({ signal, timeoutMs }: Wait): Promise<string> {
    return (await this.#serving({ signal, timeoutMs })).life;
  }

  /** As the bus knows it. */
  async pidOf(life: string): Promise<number> {
    const owner = this.#owner;
    if (owner?.life !== life) throw unavailable(this.#options, this.#why);
    return processOf(owner.bus, owner.name).catch((error: unknown) => {
      throw unavailable(this.#options, error);
    });
  }

  /** Who owns the name tells it. */
  lostWithOthers(): boolean {
    return false;
  }

  /**
   * The values of Dobby's reply. Throws ENGINE_UNAVAILABLE (also when the life is over), NOT_SUPPORTED for a method that this
   * Dobby was built without, TIMED_OUT, ABORTED.
   */
  async call(question: Question, wait: Wait): Promise<readonly unknown[]> {
    const { method, life, late } = question;
    // of a time limit that grows with the memory; it must be a whole number
    const limit = AbortSignal.timeout(Math.ceil(Math.min(wait.timeoutMs, this.#options.callTimeoutMs)));
    const signal = AbortSignal.any([wait.signal, limit, this.#closing.signal]);
    const owner = await this.#serving({ signal: wait.signal, timeoutMs: Math.min(PATIENCE_MS, wait.timeoutMs) });
    if (life !== undefined && owner.life !== life) throw unavailable(this.#options, 'the Dobby that ran it has ended');
    if (this.#unknown.has(`${owner.life} ${method}`)) throw inPlainWords(this.#options, method, undefined);
    if (!(await owner.slots.take(signal))) throw this.#stopped(method, wait);
    return answerOrLate(this.#ask(owner, question), { signal, stopped: () => this.#stopped(method, wait), late });
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#bus?.close();
    await this.#done;
  }

  async #ask(owner: Owner, { method, signature, body }: Question): Promise<readonly unknown[]> {
    try {
      const { object: path } = this.#options;
      const call = { destination: owner.name, path, interface: CONTROL, member: method, signature, body };
      return await owner.bus.call(call);
    } catch (error) {
      const plain = inPlainWords(this.#options, method, error);
      if (plain.code === 'NOT_SUPPORTED') this.#costSlot(owner, method);
      throw plain;
    } finally {
      owner.slots.giveBack();
    }
  }

  /** Dobby did not know a method, and each further try costs it a slot: what every Dobby knows is tried again, a few times. */
  #costSlot(owner: Owner, method: string): void {
    if (!EVERYBODYS.has(method)) {
      this.#unknown.add(`${owner.life} ${method}`);
      return;
    }
    if (owner !== this.#owner) return;
    owner.serves = false;
    this.#why =
      'it does not know its own methods: it is not up yet, or strange calls have used up its reply slots for good';
    this.#options.log.warn({ life: owner.life, method }, this.#why);
    if (++owner.refusals <= MOST_REFUSALS) this.#serveIn(owner, AFTER_REFUSAL_MS);
  }

  #stopped(method: string, { signal, timeoutMs }: Wait): Error {
    if (signal.aborted) return aborted(signal);
    if (this.#closing.signal.aborted) return unavailable(this.#options, 'the daemon is ending');
    return timedOut(method, Math.min(timeoutMs, this.#options.callTimeoutMs));
  }

  async #serving({ signal, timeoutMs }: Wait): Promise<Owner> {
    // nothing is made for those that need not wait, and they are nearly all
    if (this.#owner?.serves === true) return this.#owner;
    const limit = AbortSignal.any([AbortSignal.timeout(Math.ceil(timeoutMs)), signal, this.#closing.signal]);
    const owner = await this.#change.until(() => (this.#owner?.serves === true ? this.#owner : undefined), limit);
    if (owner !== undefined) return owner;
    throw signal.aborted ? aborted(signal) : unavailable(this.#options, this.#why);
  }

  async #stayConnected(): Promise<void> {
    const { connect, clock, address, log } = this.#options;
    let pauseMs = RETRY_MS.first;
    while (!this.#isClosing()) {
      try {
        const bus = await connect();
        pauseMs = RETRY_MS.first;
        await this.#stayOn(bus);
        this.#why = 'the bus has ended the connection';
      } catch (error) {
        this.#why = error instanceof Error ? error.message : String(error);
      }
      if (this.#isClosing()) return;
      log.warn({ address, why: this.#why }, 'the bus to Dobby is away; trying again');
      await clock.sleep(pauseMs, this.#closing.signal).catch(() => undefined);
      pauseMs = Math.min(2 * pauseMs, RETRY_MS.last);
    }
  }

  async #stayOn(bus: Bus): Promise<void> {
    const { service } = this.#options;
    try {
      if (this.#isClosing()) return;
      bus.listen((signal) => {
        this.#hear(bus, signal);
      });
      // before anything is asked: whatever changes from here on is heard
      const rules = [
        `sender='${BUS.destination}',interface='${BUS.interface}',member='NameOwnerChanged',arg0='${service}'`,
        `sender='${service}'`,
      ];
      for (const rule of rules) {
        await bus.call({ ...BUS, member: 'AddMatch', signature: 's', body: [`type='signal',${rule}`] });
      }
      const found = await bus.call({ ...BUS, member: 'GetNameOwner', signature: 's', body: [service] }).catch(() => []);
      this.#bus = bus;
      const [name] = found;
      if (typeof name === 'string') this.#appear(bus, name, await this.#settleMs(bus, name));
      else this.#disappear(`nobody owns the name ${service}`);
      await bus.closed;
    } finally {
      this.#bus = undefined;
      if (this.#owner !== undefined) this.#owner.serves = false;
      bus.close();
    }
  }

  #isClosing(): boolean {
    return this.#closing.signal.aborted;
  }

  #hear(bus: Bus, signal: BusSignal): void {
    const { service, readyMs } = this.#options;
    if (signal.member === 'NameOwnerChanged' && signal.interface === BUS.interface) {
      const [, , name] = signal.body;
      if (typeof name === 'string' && name !== '') this.#appear(bus, name, readyMs);
      else this.#disappear(`nobody owns the name ${service}`);
      return;
    }
    if (signal.interface === ADMIN && signal.member === 'Ready') {
      this.#readySender = signal.sender;
      if (this.#owner?.name === signal.sender) this.#serve(this.#owner);
    }
    const owner = this.#owner;
    if (owner?.name === signal.sender) this.#answers.heard({ ...signal, life: owner.life });
  }

  #appear(bus: Bus, name: string, waitMs: number): void {
    const life = `${bus.guid} ${name}`;
    if (this.#owner?.life === life && this.#owner.bus === bus) return;
    if (this.#owner?.life !== life) this.#disappear('another one has come');
    const owner: Owner = { life, name, bus, slots: new Slots(MOST_CALLS), serves: false, refusals: 0 };
    this.#owner = owner;
    this.#why = 'it is there and does not serve yet';
    if (this.#readySender === name) {
      this.#serve(owner);
      return;
    }
    this.#serveIn(owner, waitMs);
  }

  #serveIn(owner: Owner, ms: number): void {
    const serve = (): void => {
      this.#serve(owner);
    };
    this.#options.clock.sleep(ms, this.#closing.signal).then(serve, () => undefined);
  }

  /** One that was there before us serves, unless it has only just been started. */
  async #settleMs(bus: Bus, name: string): Promise<number> {
    const { settleMs, ageOf } = this.#options;
    const pid = await processOf(bus, name).catch(() => 0);
    return Math.max(settleMs, YOUNG_MS - (ageOf(pid) ?? YOUNG_MS));
  }

  #serve(owner: Owner): void {
    if (owner !== this.#owner || owner.serves || this.#bus !== owner.bus) return;
    owner.serves = true;
    this.#change.tell();
    this.#answers.serves(owner.life);
  }

  #disappear(why: string): void {
    const owner = this.#owner;
    this.#owner = undefined;
    this.#readySender = '';
    this.#why = why;
    this.#unknown.clear();
    this.#change.tell();
    if (owner !== undefined) this.#answers.lost(owner.life);
  }
}
