/** A small Thunder: what facts/thunder.md says of its wire, its errors, its Controller and its registrations, with plugins of a test's own. */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { frames, readFrame, readUpgrade, refusalAnswer, upgradeAnswer } from './thunder-wire.ts';

/** The number is Core::ERROR_x; each generation writes it in its own way. */
export class CoreError extends Error {
  readonly code: number;
  constructor(code: number, text: string) {
    super(text);
    this.code = code;
  }
}

type Params = Readonly<Record<string, unknown>>;
/** What it emits is sent before its answer. */
export type Plugin = {
  active: boolean;
  readonly methods: Readonly<Record<string, (params: Params) => unknown>>;
};

export type ThunderServerOptions = {
  readonly generation?: 'r4' | 'r5';
  /** Asked of who connects. */
  readonly token?: string;
};

type Registration = { readonly callsign: string; readonly event: string; readonly id: string };
type Peer = {
  readonly socket: Socket;
  readonly registrations: Registration[];
  /** One call after the other. */
  turn: Promise<void>;
};

/** How a message is dealt with: as it should be, not at all, with bytes that mean nothing, or with a result for nobody's question. */
export type Mood = 'well' | 'silent' | 'garbage' | 'empty';

type Request = { readonly id?: unknown; readonly method: string; readonly params?: Params };

const R4_CODES: Readonly<Record<number, number>> = { 43: -32_603, 53: -32_601, 54: -32_602, 24: -32_604 };

export class ThunderServer implements AsyncDisposable {
  readonly plugins = new Map<string, Plugin>();
  mood: Mood = 'well';
  /** Every designator that was called, in order. */
  readonly calls: string[] = [];
  readonly #options: ThunderServerOptions;
  readonly #peers = new Set<Peer>();
  #server: Server | undefined;
  #port = 0;

  constructor(options: ThunderServerOptions = {}) {
    this.#options = options;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.#port}/jsonrpc`;
  }

  get connections(): number {
    return this.#peers.size;
  }

  /** At the same port again, after a stop. */
  async start(): Promise<this> {
    this.#server = createServer((socket) => {
      this.#meet(socket);
    }).listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  /** As a Thunder that is killed: no word, no close frame. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = once(server, 'close');
    server.close();
    for (const { socket } of this.#peers) socket.destroy();
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** To whoever registered for it. */
  emit(callsign: string, event: string, params: object): void {
    for (const peer of this.#peers) {
      for (const registration of peer.registrations) {
        if (registration.callsign !== callsign || registration.event !== event) continue;
        this.#send(peer, { jsonrpc: '2.0', method: `${registration.id}.${event}`, params });
      }
    }
  }

  /** As a plugin that is stopped or started: its registrations are gone with it. */
  setActive(callsign: string, active: boolean): void {
    const plugin = this.plugins.get(callsign);
    if (plugin !== undefined) plugin.active = active;
    for (const { registrations } of this.#peers) {
      const kept = registrations.filter((one) => one.callsign !== callsign);
      registrations.splice(0, registrations.length, ...kept);
    }
    const state = active ? 'Activated' : 'Deactivated';
    this.emit('Controller', 'statechange', { callsign, state, reason: 'Requested' });
  }

  #meet(socket: Socket): void {
    const peer: Peer = { socket, registrations: [], turn: Promise.resolve() };
    let bytes: Buffer = Buffer.alloc(0);
    let upgraded = false;
    this.#peers.add(peer);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#peers.delete(peer));
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (!upgraded) {
        const found = readUpgrade(bytes);
        if (found === undefined) return;
        bytes = found.rest;
        upgraded = this.#upgrade(socket, found.upgrade);
      }
      for (let frame = readFrame(bytes); upgraded && frame !== undefined; frame = readFrame(bytes)) {
        bytes = frame.rest;
        if (frame.opcode === 8) socket.end();
        if (frame.opcode === 1) this.#receive(peer, frame.text);
      }
    });
  }

  #upgrade(
    socket: Socket,
    upgrade: Parameters<typeof upgradeAnswer>[0] & { path: string; token: string | null },
  ): boolean {
    const { token } = this.#options;
    if (token !== undefined && upgrade.token !== token) {
      socket.end(refusalAnswer('403 Forbidden', 'Security prohibites this connection.'));
      return false;
    }
    if (!/^\/jsonrpc(\/|$)/.test(upgrade.path)) {
      socket.end(refusalAnswer('503 Service Unavailable', 'Could not find a correct service for this socket.'));
      return false;
    }
    socket.write(upgradeAnswer(upgrade));
    return true;
  }

  #receive(peer: Peer, text: string): void {
    const request = JSON.parse(text) as Request;
    this.calls.push(request.method);
    if (this.mood === 'silent') return;
    if (this.mood === 'garbage') peer.socket.write(frames('this is not JSON'));
    else if (this.mood === 'empty') this.#send(peer, { jsonrpc: '2.0', id: request.id });
    else peer.turn = peer.turn.then(() => this.#answer(peer, request));
  }

  async #answer(peer: Peer, request: Request): Promise<void> {
    const { id, method, params = {} } = request;
    let outcome: object;
    try {
      outcome = { result: (await this.#perform(peer, method, params)) ?? null };
    } catch (error) {
      if (!(error instanceof CoreError)) throw error;
      outcome = { error: { code: this.#codeOf(error.code), message: error.message } };
    }
    // an id of another type gets no answer, as from a real one
    if (typeof id === 'number') this.#send(peer, { jsonrpc: '2.0', id, ...outcome });
  }

  async #perform(peer: Peer, designator: string, params: Params): Promise<unknown> {
    const [path = '', index] = designator.split('@', 2);
    const parts = path.split('.');
    const method = parts.pop() ?? '';
    if (/^\d+$/.test(parts.at(-1) ?? '')) parts.pop();
    const callsign = parts.join('.') || 'Controller';
    const plugin = this.plugins.get(callsign);
    if (plugin === undefined && callsign !== 'Controller') {
      throw new CoreError(43, 'Could not access requested service');
    }
    if (plugin?.active === false) throw new CoreError(2, 'Service is not active');
    if (method === 'register') return this.#register(peer, { callsign, ...(params as { event: string; id: string }) });
    if (callsign === 'Controller' && method === 'status') return this.#status(index);
    // a defect of its own: whatever is asked after is not there (facts/thunder.md §1.8)
    if (method === 'exists') throw new CoreError(22, 'ERROR_UNKNOWN_KEY');
    const perform = plugin?.methods[method];
    if (perform === undefined) throw new CoreError(53, 'Unknown method.');
    return perform(params);
  }

  #register({ registrations }: Peer, wanted: Registration): number | null {
    const isSame = (one: Registration): boolean => JSON.stringify(one) === JSON.stringify(wanted);
    if (registrations.some(isSame)) throw new CoreError(48, 'Registration already done!!!.');
    registrations.push(wanted);
    return this.#options.generation === 'r5' ? null : 0;
  }

  #status(index: string | undefined): readonly object[] {
    const entries = [...this.plugins].filter(([callsign]) => index === undefined || callsign === index);
    if (index !== undefined && entries.length === 0) throw new CoreError(22, 'ERROR_UNKNOWN_KEY');
    return entries.map(([callsign, { active }]) => {
      const state = active ? 'Activated' : 'Deactivated';
      return { callsign, state: this.#options.generation === 'r5' ? state : state.toLowerCase(), observers: 0 };
    });
  }

  #codeOf(code: number): number {
    if (this.#options.generation === 'r5') return code === 53 ? -32_601 : -31_000 - code;
    // R4.4 has another number for registrations
    return code === 48 ? 22 : (R4_CODES[code] ?? code);
  }

  /** Thunder's serialiser writes `/` as `\/`. */
  #send({ socket }: Peer, message: object): void {
    socket.write(frames(JSON.stringify(message).replaceAll('/', '\\/')));
  }
}
