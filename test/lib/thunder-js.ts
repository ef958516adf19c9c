/**
 * RDK's ThunderJS 1.2.5 as its users see it (facts/thunder.md §2): npm has no package of it, so its habits are made here anew, on the
 * `ws` that it uses too. What looks careless in it is so in the real one.
 */
import { once } from 'node:events';
import { WebSocket } from 'ws';

export type ThunderError = { readonly code: number; readonly message: string };

type Message = {
  readonly id?: number;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: ThunderError;
};
type Call = { readonly resolve: (result: unknown) => void; readonly reject: (reason: unknown) => void };
type Callback = (params: unknown) => void;
type Listener = { readonly dispose: () => void };
type ThunderOptions = { readonly host: string; readonly port: number; readonly token?: string };
type Plugin = Readonly<Record<string, (params?: object) => Promise<unknown>>>;

/** Of the `close` event that the real one rejects with. */
const closed = (code: number): Error => Object.assign(new Error('the socket is closed'), { type: 'close', code });

export class ThunderJs implements Disposable {
  /** What `register` and `unregister` were refused with; nobody else hears of it. */
  readonly complaints: string[] = [];
  readonly #socket: WebSocket;
  readonly #calls = new Map<number, Call>();
  readonly #listeners = new Map<string, Set<Callback>>();
  #lastId = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: Buffer) => {
      this.#hear(data.toString());
    });
    socket.on('error', () => undefined);
    // it does not connect again by itself, and who waits gets the event
    socket.on('close', (code) => {
      for (const { reject } of this.#calls.values()) reject(closed(code));
      this.#calls.clear();
    });
  }

  /** The real one's `ThunderJS(options)`: what is called before it is connected is sent then. */
  static at({ host, port, token }: ThunderOptions): ThunderJs {
    const query = token === undefined ? '' : `?token=${token}`;
    const socket = new WebSocket(`ws://${host}:${port}/jsonrpc${query}`, 'notification', { perMessageDeflate: true });
    return new ThunderJs(socket);
  }

  /** Rejects with what the real one gets for a refused upgrade. */
  static async open(options: ThunderOptions): Promise<ThunderJs> {
    const thunder = ThunderJs.at(options);
    await once(thunder.#socket, 'open');
    return thunder;
  }

  /** A version in the parameters is taken out of them and put into the name; without one it is 1. */
  call(plugin: string, method: string, params?: object): Promise<unknown> {
    const { version = 1, ...rest } = { ...params } as { readonly version?: number };
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const { readyState } = this.#socket;
      if (readyState !== WebSocket.OPEN && readyState !== WebSocket.CONNECTING) {
        reject(closed(1006));
        return;
      }
      this.#calls.set(id, { resolve, reject });
      const designator = `${plugin}.${version}.${method}`;
      const text = JSON.stringify({ jsonrpc: '2.0', id, method: designator, ...(params && { params: rest }) });
      if (readyState === WebSocket.OPEN) this.#socket.send(text);
      else this.#socket.once('open', () => this.#socket.send(text));
    });
  }

  /** Methods by their names, whatever they are. */
  plugin(callsign: string): Plugin {
    return new Proxy<Plugin>(
      {},
      { get: (_target, method) => (params?: object) => this.call(callsign, String(method), params) },
    );
  }

  /** Registers with the first listener, unregisters with the last. */
  on(plugin: string, event: string, callback: Callback): Listener {
    const id = `client.${plugin}.events`;
    const name = `${id}.${event}`;
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners);
    const tell = (method: string): void => {
      this.call(plugin, method, { event, id }).catch((reason: unknown) => {
        this.complaints.push(String((reason as Partial<ThunderError>).message));
      });
    };
    if (listeners.size === 0) tell('register');
    listeners.add(callback);
    return {
      dispose: () => {
        listeners.delete(callback);
        if (listeners.size === 0) tell('unregister');
      },
    };
  }

  #hear(text: string): void {
    const message = JSON.parse(text.replaceAll(/\\x[\dA-Fa-f]{2}/g, '')) as Message;
    const { id, method = '', params, result, error } = message;
    if (id === undefined) {
      for (const callback of this.#listeners.get(method) ?? []) callback(params);
      return;
    }
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    if ('result' in message) call?.resolve(result);
    else call?.reject(error);
  }

  [Symbol.dispose](): void {
    this.#socket.terminate();
  }
}
