/** One instance of an app: the only place that changes its state, always by the table, always on disk first. */
import { RuntimeError } from '../domain/errors.ts';
import type { NewEvent, Origin } from '../domain/events.ts';
import { allowedIn, isAlive, MOVES, type Move, type Operation, type State } from '../domain/states.ts';
import type { Ended } from '../ports/engine.ts';
import type { Change, InstanceRecord } from '../ports/journal.ts';
import type { Announcer } from './announcer.ts';
import { Queue } from './queue.ts';
import { workingFor } from './subject.ts';

/** What changes together with a state. */
export type Step = {
  readonly record?: Partial<Omit<InstanceRecord, 'state'>>;
  readonly change?: Omit<Change, 'instances' | 'events'>;
  /** Before and after the event of the change of state. */
  readonly before?: readonly EventBody[];
  readonly after?: readonly EventBody[];
  /** Who asked for it. */
  readonly by?: string | undefined;
  /** In which message. */
  readonly origin?: Origin | undefined;
  /** As {@link Change.essential}, for what changes no state. */
  readonly essential?: boolean;
};
/** Who asked for the operation at work, and in which message. */
export type Asker = Pick<Step, 'by' | 'origin'>;

type WithoutSubject<Body> = Body extends unknown ? Omit<Body, 'appId' | 'appInstanceId'> : never;
export type EventBody = WithoutSubject<NewEvent>;

/** States that only say what is going to be tried: on a full disk that is refused. Every other one is true already. */
const INTENTS: ReadonlySet<State> = new Set<State>(['STARTING', 'HIBERNATING', 'WAKING']);

export class Instance {
  readonly queue = new Queue((work) => workingFor(this.#record.appInstanceId, work));
  /** The operation at work. */
  operation: Operation | null = null;
  /** Its processes were started before this daemon was: who else may be at work on it is not known. */
  inherited: boolean;
  /** Its display has died in this run: it cannot go on without. */
  hasLostDisplay = false;
  /** A `run` was admitted and has not come back: a second one must not start. */
  claimed = false;
  /** Of the operation at work; its events say so. */
  asker: Asker | undefined;
  readonly #announcer: Announcer;
  #record: InstanceRecord;
  #end = Promise.withResolvers<Ended>();
  #written: Promise<unknown> = Promise.resolve();

  constructor(announcer: Announcer, record: InstanceRecord, inherited = false) {
    this.inherited = inherited;
    this.#announcer = announcer;
    this.#record = record;
  }

  get record(): InstanceRecord {
    return this.#record;
  }

  get state(): State {
    return this.#record.state;
  }

  /** Whether a `run` must be refused. */
  get taken(): boolean {
    return this.claimed || isAlive(this.state);
  }

  /** Comes true when the app has ended, by itself or not. */
  get ended(): Promise<Ended> {
    return this.#end.promise;
  }

  /** Says that the app has ended; later words do not count. */
  noticeEnd(ended: Ended): void {
    this.#end.resolve(ended);
  }

  /** The cell of the table. Throws ILLEGAL_STATE with what is allowed now. */
  moveFor(operation: Operation): Move {
    const move = MOVES[this.state][operation];
    if (move !== undefined) return move;
    const allowed = allowedIn(this.state);
    throw new RuntimeError('ILLEGAL_STATE', {
      what: `${operation} is not possible: ${this.#record.appInstanceId} is ${this.state}`,
      next: `possible now: ${allowed.join(', ')}`,
      details: { state: this.state, allowed },
    });
  }

  /** A new run of an instance whose last one has ended: another life, another end. Its record is made of the last one's. */
  begin(recordFrom: (last: InstanceRecord) => InstanceRecord, why: string, step: Step = {}): Promise<void> {
    const asked = { ...this.asker, ...step };
    return this.#inTurn(async () => {
      const previous = this.#record;
      this.#record = { ...recordFrom(previous), state: this.state };
      this.inherited = false;
      this.hasLostDisplay = false;
      this.#end = Promise.withResolvers<Ended>();
      try {
        await this.#write('STARTING', why, asked);
      } catch (error) {
        this.#record = previous;
        throw error;
      }
    });
  }

  /** Enters a state: on disk, with its event, then in memory, then to the listeners. Staying writes no `stateChanged`. */
  enter(state: State, why: string, step: Step = {}): Promise<void> {
    const asked = { ...this.asker, ...step };
    return this.#inTurn(() => this.#write(state, why, asked));
  }

  /** Writes other facts of the instance; the state stays. */
  async note(record: Step['record'], change: Step['change'] = {}): Promise<void> {
    await this.update(() => ({ ...(record !== undefined && { record }), change }));
  }

  /** Writes facts that follow from the present ones, if any, also while an operation is at work; the state stays. */
  update(stepFrom: (record: InstanceRecord) => Step | undefined): Promise<void> {
    return this.#inTurn(async () => {
      const step = stepFrom(this.#record);
      if (step !== undefined) await this.#write(this.state, '', step);
    });
  }

  /** Each change is made of the record that the one before it has left. */
  #inTurn(write: () => Promise<void>): Promise<void> {
    const turn = this.#written.then(write);
    this.#written = turn.catch(() => undefined);
    return turn;
  }

  async #write(
    state: State,
    why: string,
    { record = {}, change = {}, before = [], after = [], by, origin, essential }: Step,
  ): Promise<void> {
    const next: InstanceRecord = { ...this.#record, ...record, state };
    const { appId, appInstanceId } = next;
    const changed: readonly EventBody[] =
      state === this.state ? [] : [{ type: 'stateChanged', old: this.state, new: state, why }];
    const events = [...before, ...changed, ...after].map((body): NewEvent => ({
      appId,
      appInstanceId,
      ...(by !== undefined && { by }),
      ...body,
    }));
    const isEssential = essential ?? change.essential ?? (changed.length > 0 && !INTENTS.has(state));
    const written = (): void => {
      this.#record = next;
    };
    const whole = { ...change, instances: [next], events, essential: isEssential };
    await this.#announcer.commit(whole, { written, origin });
  }
}
