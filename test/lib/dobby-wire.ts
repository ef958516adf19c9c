/**
 * The D-Bus side of the Dobby for tests: its reply slots, which leak with every call that it does not know, and its one worker, that
 * does one thing after the other (facts/dobby.md §0.2, §0.4).
 */
import { createConnection, type DBusConnection, type Message } from 'dbus-native';
import { once } from 'node:events';

export const SERVICE = 'org.rdk.dobby';
const OBJECT = '/org/rdk/dobby';
const CONTROL = 'org.rdk.dobby.ctrl1';
const ADMIN = 'org.rdk.dobby.admin1';
const BUS = 'org.freedesktop.DBus';
const [CALL, RETURN, FAILURE, SIGNAL] = [1, 2, 3, 4];
const SLOTS = 49;

export type Answer = { readonly signature: string; readonly body: readonly unknown[] };
/** Undefined: there is nobody any more to answer. */
export type Method = (body: readonly unknown[]) => Promise<Answer | undefined> | Answer | undefined;

export class DobbyWire {
  /** Every call that it did not know, of any of its lives. */
  readonly strange: string[] = [];
  /** Every call that it did know. */
  readonly called: string[] = [];
  /** The worker stands still: nothing but `Ping` is answered. */
  hangs = false;
  readonly #address: string;
  readonly #methods: Readonly<Record<string, Method>>;
  readonly #replies = new Map<number, () => void>();
  #connection: DBusConnection | undefined;
  #serial = 0;
  #worker: Promise<unknown> = Promise.resolve();
  #released = Promise.withResolvers<null>();
  #isReady = false;
  #leaked = 0;
  #busy = 0;
  #most = 0;

  constructor(address: string, methods: Readonly<Record<string, Method>>) {
    this.#address = address;
    this.#methods = methods;
  }

  /** Slots that are lost until it is started again. */
  get leaked(): number {
    return this.#leaked;
  }

  /** The most calls that were in flight at once. */
  get mostAtOnce(): number {
    return this.#most;
  }

  async connect(readyMs: number): Promise<void> {
    const connection = createConnection({ busAddress: this.#address });
    connection.on('error', () => undefined);
    connection.on('message', (message: Message) => {
      this.#hear(connection, message);
    });
    this.#connection = connection;
    [this.#leaked, this.#busy, this.#isReady] = [0, 0, false];
    await this.#askBus('Hello', '', []);
    await this.#askBus('RequestName', 'su', [SERVICE, 0]);
    const serve = (): void => {
      if (this.#connection !== connection) return;
      this.#isReady = true;
      this.#send({ type: SIGNAL, path: OBJECT, interface: ADMIN, member: 'Ready' });
    };
    if (readyMs === 0) serve();
    else setTimeout(serve, readyMs);
  }

  /** Gone at once; nobody is answered. */
  async disconnect(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    this.release();
    this.#worker = Promise.resolve();
    if (connection === undefined || connection.stream.destroyed) return;
    const closed = once(connection, 'close');
    connection.stream.destroy();
    await closed;
  }

  get isConnected(): boolean {
    return this.#connection !== undefined;
  }

  /** Until {@link release}. */
  async standStill(): Promise<void> {
    await this.#released.promise;
  }

  /** What a hanging worker was given is done. */
  release(): void {
    this.hangs = false;
    this.#released.resolve(null);
    this.#released = Promise.withResolvers<null>();
  }

  signal(member: string, signature: string, body: readonly unknown[]): void {
    this.#send({ type: SIGNAL, path: OBJECT, interface: CONTROL, member, signature, body: [...body] });
  }

  async #askBus(member: string, signature: string, body: readonly unknown[]): Promise<void> {
    const serial = ++this.#serial;
    const { promise, resolve } = Promise.withResolvers<null>();
    this.#replies.set(serial, () => {
      resolve(null);
    });
    const call = { type: CALL, serial, destination: BUS, path: '/org/freedesktop/DBus', interface: BUS, member };
    this.#connection?.message({ ...call, ...(signature !== '' && { signature, body: [...body] }) });
    await promise;
  }

  #send(message: Message): void {
    if (this.#connection?.stream.destroyed !== false) return;
    this.#connection.message({ serial: ++this.#serial, ...message });
  }

  #hear(connection: DBusConnection, message: Message): void {
    if (connection !== this.#connection) return;
    const { type, interface: name = '', member = '', path } = message;
    if (type === RETURN || type === FAILURE) this.#replies.get(message.replySerial ?? 0)?.();
    if (type !== CALL) return;
    if (name === `${BUS}.Peer`) {
      this.#reply(message, { signature: '', body: [] });
      return;
    }
    const method = path === OBJECT && name === CONTROL ? this.#methods[member] : undefined;
    const isFull = this.#leaked + this.#busy >= SLOTS;
    if (isFull || method === undefined || !this.#isReady) {
      this.strange.push(`${name}.${member}`);
      if (!isFull) this.#leaked++;
      this.#refuse(message, `Unknown method ${member} or interface ${name}.`);
      return;
    }
    this.called.push(member);
    this.#busy++;
    this.#most = Math.max(this.#most, this.#busy);
    void this.#work(connection, message, method);
  }

  async #work(connection: DBusConnection, message: Message, method: Method): Promise<void> {
    const done = this.#worker.then(async () => {
      while (this.hangs && connection === this.#connection) await this.#released.promise;
      return connection === this.#connection ? method(message.body ?? []) : undefined;
    });
    this.#worker = done.catch(() => undefined);
    const answer = await done;
    if (connection !== this.#connection || answer === undefined) return;
    this.#busy--;
    this.#reply(message, answer);
  }

  #reply({ serial = 0, sender = '' }: Message, { signature, body }: Answer): void {
    const values = signature === '' ? {} : { signature, body: [...body] };
    this.#send({ type: RETURN, replySerial: serial, destination: sender, ...values });
  }

  #refuse({ serial = 0, sender = '' }: Message, words: string): void {
    const errorName = `${BUS}.Error.UnknownMethod`;
    this.#send({ type: FAILURE, replySerial: serial, destination: sender, errorName, signature: 's', body: [words] });
  }
}
