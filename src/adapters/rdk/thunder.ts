/**
 * Thunder, as a client of its plugins: one connection that comes back by itself, with the registrations for events and the state
 * of each plugin followed. Its faults stay here: who asks gets an error in time, nobody else notices.
 */
import { readFile } from 'node:fs/promises';
import { RuntimeError } from '../../domain/errors.ts';
import type { Log } from '../../ports/log.ts';
import type { Wait } from '../../ports/wait.ts';
import { isRefusal, membersOf } from './answers.ts';
import { within } from './calls.ts';
import { openChannel, type Channel } from './channel.ts';

export type ThunderOptions = {
  /** ws:// or wss://, with the path: `ws://127.0.0.1:9998/jsonrpc`. */
  readonly url: string;
  /** File with a token; read at each connection, as tokens change. */
  readonly tokenFile?: string | undefined;
  /** Of one call, with the connection that it may need. */
  readonly callTimeoutMs: number;
  /** For connecting, and for what is said before the first call; as {@link callTimeoutMs} when absent. */
  readonly greetTimeoutMs?: number;
  /** Between attempts to connect: at first, and at most. */
  readonly pauseMs?: Pause;
  readonly log: Log;
};

type Pause = { readonly first: number; readonly most: number };

/** What is done for somebody who uses a plugin. */
export type Follower = {
  /** By name, with the parameters as they came. */
  readonly events?: Readonly<Record<string, (params: unknown) => void>>;
  /**
   * The plugin is there and its events come from now on: at first, after a lost connection, after a restart of it. What
   * happened meanwhile was missed. It may be told twice for one return.
   */
  readonly onBack?: () => void;
  readonly onGone?: () => void;
};

export type Neighbour = {
  /** Throws NEIGHBOUR_FAILED, TIMED_OUT, ABORTED; a call that timed out or was aborted may have been carried out. */
  readonly call: (method: string, params: object, wait: Wait) => Promise<unknown>;
};

const CONTROLLER = 'Controller';
const STATE_CHANGE = 'statechange';
const PAUSE_MS: Pause = { first: 200, most: 15_000 };
/** Doublings of the first pause; beyond it the numbers say nothing any more. */
const MAX_DOUBLINGS = 20;

/** Ours among the ids of all clients; an event comes back as `<id>.<event>`. */
const clientIdOf = (callsign: string): string => `client.${callsign}.events`;

export class Thunder {
  readonly #options: ThunderOptions;
  readonly #pauseMs: Pause;
  readonly #followers = new Map<string, Follower>();
  readonly #present = new Set<string>();
  readonly #closing = new AbortController();
  #current: Channel | undefined;
  #opening: Promise<Channel> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;

  readonly #fault = (error: unknown): void => {
    this.#options.log.error({ err: error }, 'the connection to Thunder has a fault of ours');
  };

  constructor(options: ThunderOptions) {
    this.#options = options;
    this.#pauseMs = options.pauseMs ?? PAUSE_MS;
  }

  /** A plugin; it is followed until the end. Each callsign once. */
  neighbour(callsign: string, follower: Follower = {}): Neighbour {
    this.#followers.set(callsign, follower);
    if (this.#current !== undefined) this.#join(this.#current, callsign).catch(this.#fault);
    else this.#connected().catch(() => undefined);
    return { call: (method, params, wait) => this.#call(`${callsign}.${method}`, params, wait) };
  }

  /** Ends the connection and every wait. */
  close(): void {
    this.#closing.abort(new RuntimeError('ABORTED', { what: 'the daemon ends' }));
    clearTimeout(this.#timer);
    this.#current?.close();
  }

  async #call(designator: string, params: object, { signal, timeoutMs }: Wait): Promise<unknown> {
    const limitMs = Math.min(timeoutMs, this.#options.callTimeoutMs);
    const deadline = performance.now() + limitMs;
    const both = AbortSignal.any([signal, this.#closing.signal]);
    const channel = await within('Thunder', this.#connected(), { signal: both, timeoutMs: limitMs });
    const left = { signal: both, timeoutMs: Math.max(1, Math.ceil(deadline - performance.now())) };
    if (channel.isIdle()) return channel.call(designator, params, left);
    // answers come in the order of the calls on a channel: one app's call that hangs must not hold up another's
    const own = await this.#openSilent(left);
    try {
      return await own.call(designator, params, left);
    } finally {
      own.close();
    }
  }

  /** A channel without events. */
  async #openSilent(wait: Wait): Promise<Channel> {
    const { url, tokenFile } = this.#options;
    const ignore = (): void => undefined;
    const token = await readToken(tokenFile);
    return openChannel({ url, token, onEvent: ignore, onStuck: ignore, onLost: ignore }, wait);
  }

  /** Who asks needs it now: the pause before the next attempt is cut short. */
  #connected(): Promise<Channel> {
    if (this.#current !== undefined) return Promise.resolve(this.#current);
    clearTimeout(this.#timer);
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #open(): Promise<Channel> {
    const { url, tokenFile } = this.#options;
    try {
      const token = await readToken(tokenFile);
      const channel: { made?: Channel } = {};
      const leave = (why: unknown): void => {
        if (channel.made !== undefined) this.#leave(channel.made, why);
      };
      const onEvent = (method: string, params: unknown): void => {
        this.#dispatch(method, params);
      };
      const stuck = 'a call had no answer in time';
      const events = { onEvent, onLost: leave, onStuck: () => leave(stuck) };
      channel.made = await openChannel({ url, token, ...events }, this.#wait());
      this.#current = channel.made;
      this.#greet(channel.made).catch(this.#fault);
      return channel.made;
    } catch (error) {
      this.#again(error);
      throw error;
    }
  }

  /** Waits that are our own. */
  #wait(): Wait {
    const { greetTimeoutMs, callTimeoutMs } = this.#options;
    return { signal: this.#closing.signal, timeoutMs: greetTimeoutMs ?? callTimeoutMs };
  }

  #leave(channel: Channel, why: unknown): void {
    if (this.#current !== channel) return;
    this.#current = undefined;
    // whoever waits on it for something else may still get an answer
    channel.retire();
    for (const callsign of this.#present) this.#gone(callsign);
    this.#again(why);
  }

  /** After a pause that grows; the jitter keeps Thunder's clients from all coming back at one moment. */
  #again(why: unknown): void {
    if (this.#closing.signal.aborted) return;
    const { log, url } = this.#options;
    if (this.#failures === 0) log.warn({ err: why, url }, 'no connection to Thunder; it is tried again');
    const { first, most } = this.#pauseMs;
    const longest = Math.min(most, first * 2 ** this.#failures);
    this.#failures = Math.min(this.#failures + 1, MAX_DOUBLINGS);
    clearTimeout(this.#timer);
    const attempt = (): void => {
      this.#connected().catch(() => undefined);
    };
    this.#timer = setTimeout(attempt, longest * (0.5 + Math.random() / 2));
  }

  /** After each connection: Thunder has forgotten who we were. */
  async #greet(channel: Channel): Promise<void> {
    try {
      await this.#register(channel, CONTROLLER, STATE_CHANGE);
      // only now: who takes connections and answers nothing is not there
      this.#failures = 0;
      this.#options.log.info({ url: this.#options.url }, 'connected to Thunder');
      await Promise.all([...this.#followers.keys()].map((callsign) => this.#join(channel, callsign)));
    } catch (error) {
      this.#leave(channel, error);
    }
  }

  /** Takes part in a plugin's events, if it runs; else its `statechange` is waited for. Never throws. */
  async #join(channel: Channel, callsign: string): Promise<void> {
    const { events = {}, onBack } = this.#followers.get(callsign) ?? {};
    try {
      const status = await channel.call(`${CONTROLLER}.status@${callsign}`, undefined, this.#wait());
      if (!isActive(status)) return;
      await Promise.all(Object.keys(events).map((event) => this.#register(channel, callsign, event)));
      if (this.#current !== channel) return;
      this.#present.add(callsign);
      this.#tell(callsign, onBack);
    } catch (error) {
      if (this.#current !== channel) return;
      this.#options.log.warn({ err: error, callsign }, 'a plugin of Thunder cannot be followed');
    }
  }

  async #register(channel: Channel, callsign: string, event: string): Promise<void> {
    try {
      await channel.call(`${callsign}.register`, { event, id: clientIdOf(callsign) }, this.#wait());
    } catch (error) {
      if (!isRefusal(error, 'duplicate')) throw error;
    }
  }

  #gone(callsign: string): void {
    if (this.#present.delete(callsign)) this.#tell(callsign, this.#followers.get(callsign)?.onGone);
  }

  #dispatch(method: string, params: unknown): void {
    if (method === `${clientIdOf(CONTROLLER)}.${STATE_CHANGE}`) this.#stateChanged(params);
    for (const [callsign, { events = {} }] of this.#followers) {
      const prefix = `${clientIdOf(callsign)}.`;
      const listener = method.startsWith(prefix) ? events[method.slice(prefix.length)] : undefined;
      if (listener !== undefined) this.#tell(callsign, () => listener(params));
    }
  }

  #stateChanged(params: unknown): void {
    const { callsign, state } = membersOf(params);
    if (typeof callsign !== 'string' || !this.#followers.has(callsign)) return;
    this.#options.log.info({ callsign, state }, 'a plugin of Thunder has another state');
    this.#gone(callsign);
    if (isActivated(state) && this.#current !== undefined) this.#join(this.#current, callsign).catch(this.#fault);
  }

  #tell(callsign: string, listener: (() => void) | undefined): void {
    try {
      listener?.();
    } catch (error) {
      this.#options.log.error({ err: error, callsign }, 'a listener to Thunder failed');
    }
  }
}

async function readToken(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (cause) {
    throw new RuntimeError('NEIGHBOUR_FAILED', {
      what: `the token for Thunder in ${file} cannot be read`,
      next: 'put it there, or correct thunder.tokenFile in the configuration',
      cause,
    });
  }
}

/** Thunder 4 writes it small in `status` and large in `statechange`, Thunder 5 large in both. */
const isActivated = (state: unknown): boolean => typeof state === 'string' && state.toLowerCase() === 'activated';
const isActive = (status: unknown): boolean => Array.isArray(status) && isActivated(membersOf(status[0])['state']);
