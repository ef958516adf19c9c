/**
 * One connection to a D-Bus daemon, and only what is used of it here. Raw messages: nobody is introspected, because a service may
 * pay for every call that it does not know (facts/dobby.md §0.2). Source: dbus.freedesktop.org/doc/dbus-specification.html.
 */
import { createConnection, type DBusConnection, type Message } from 'dbus-native';

export type BusCall = {
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly signature: string;
  readonly body: readonly unknown[];
};

export type BusSignal = {
  /** Unique name. */
  readonly sender: string;
  readonly interface: string;
  readonly member: string;
  readonly body: readonly unknown[];
};

export type Bus = {
  /** Of the bus daemon: it has another one each time it is started. */
  readonly guid: string;
  /** The values of the reply. Throws {@link BusError}; waits as long as the connection lives. */
  readonly call: (call: BusCall) => Promise<readonly unknown[]>;
  /** Called in the order in which replies and signals have arrived. Never throws. */
  readonly listen: (listener: (signal: BusSignal) => void) => void;
  /** Comes true when the connection has ended, whoever ended it. */
  readonly closed: Promise<unknown>;
  readonly close: () => void;
};

/** What a service or the bus answers in place of a reply; `org.freedesktop.DBus.Error.Disconnected`: the connection has ended. */
export class BusError extends Error {
  readonly errorName: string;

  constructor(errorName: string, message: string) {
    super(message === '' ? errorName : message);
    this.name = 'BusError';
    this.errorName = errorName;
  }
}

const ERROR = 'org.freedesktop.DBus.Error';
/** Kinds of messages (specification, "Message Format"). */
const [CALL, RETURN, FAILURE, SIGNAL] = [1, 2, 3, 4];
const LAST_SERIAL = 0xffff_ffff;

/** The bus itself, as a service. */
export const BUS = {
  destination: 'org.freedesktop.DBus',
  path: '/org/freedesktop/DBus',
  interface: 'org.freedesktop.DBus',
};

type Waiting = {
  readonly resolve: (values: readonly unknown[]) => void;
  readonly reject: (error: Error) => void;
};

/** Throws {@link BusError} when nobody answers at the address in time, or the bus does not let us in. */
export async function connectBus(address: string, timeoutMs: number): Promise<Bus> {
  const link = new Connection(dial(address));
  const timer = setTimeout(() => {
    link.end(new Error(`no answer within ${timeoutMs} ms`));
  }, timeoutMs);
  try {
    await link.call({ ...BUS, member: 'Hello', signature: '', body: [] });
    return link;
  } catch (error) {
    link.close();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

class Connection implements Bus {
  readonly closed: Promise<null>;
  readonly #connection: DBusConnection;
  readonly #waiting = new Map<number, Waiting>();
  readonly #listeners: ((signal: BusSignal) => void)[] = [];
  readonly #hasClosed: (nothing: null) => void;
  #serial = 0;
  #end: BusError | undefined;

  constructor(connection: DBusConnection) {
    this.#connection = connection;
    const { promise, resolve } = Promise.withResolvers<null>();
    this.closed = promise;
    this.#hasClosed = resolve;
    connection.on('error', (error: Error) => {
      this.end(error);
    });
    for (const event of ['end', 'close']) {
      connection.on(event, () => {
        this.end();
      });
    }
    connection.on('message', (message: Message) => {
      this.#hear(message);
    });
  }

  get guid(): string {
    return this.#connection.guid ?? '';
  }

  call({ signature, body, ...rest }: BusCall): Promise<readonly unknown[]> {
    if (this.#end !== undefined) return Promise.reject(this.#end);
    this.#serial = this.#serial >= LAST_SERIAL ? 1 : this.#serial + 1;
    const serial = this.#serial;
    return new Promise((resolve, reject) => {
      this.#waiting.set(serial, { resolve, reject });
      try {
        const values = signature === '' ? {} : { signature, body: [...body] };
        this.#connection.message({ type: CALL, serial, ...rest, ...values });
      } catch (error) {
        this.#waiting.delete(serial);
        reject(new BusError(`${ERROR}.InvalidArgs`, wordsOf(error)));
      }
    });
  }

  listen(listener: (signal: BusSignal) => void): void {
    this.#listeners.push(listener);
  }

  close(): void {
    this.end();
    this.#connection.end();
    this.#connection.stream.destroy();
  }

  /** Who waits for a reply hears of it. */
  end(cause?: Error): void {
    this.#end ??= new BusError(`${ERROR}.Disconnected`, cause?.message ?? 'the connection to the bus has ended');
    for (const { reject } of this.#waiting.values()) reject(this.#end);
    this.#waiting.clear();
    this.#hasClosed(null);
  }

  #hear({ type, replySerial = 0, errorName, body = [], ...message }: Message): void {
    if (type === SIGNAL) {
      const { sender = '', interface: name = '', member = '' } = message;
      for (const listener of this.#listeners) listener({ sender, interface: name, member, body });
      return;
    }
    const one = this.#waiting.get(replySerial);
    this.#waiting.delete(replySerial);
    if (type === RETURN) one?.resolve(body);
    if (type === FAILURE) {
      one?.reject(new BusError(errorName ?? `${ERROR}.Failed`, typeof body[0] === 'string' ? body[0] : ''));
    }
  }
}

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function dial(address: string): ReturnType<typeof createConnection> {
  try {
    const connection = createConnection({ busAddress: address });
    // its end is heard in `end` and `close` too
    connection.on('error', () => undefined);
    return connection;
  } catch (error) {
    throw new BusError(`${ERROR}.BadAddress`, wordsOf(error));
  }
}

/** Pid of who owns a name, as the bus knows it. Throws as {@link Bus.call}. */
export async function processOf(bus: Bus, name: string): Promise<number> {
  const [pid] = await bus.call({ ...BUS, member: 'GetConnectionUnixProcessID', signature: 's', body: [name] });
  return typeof pid === 'number' ? pid : 0;
}
