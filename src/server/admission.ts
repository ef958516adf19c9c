/**
 * Which connections a listener keeps when there are too many. Those that have not shown who they are (half a request, half a TLS
 * handshake, nothing at all) have places of their own, so they never take the place of a caller: beyond a number of them, in all
 * and of one address, the oldest are closed as soon as they have had time to speak. Of the callers the one that has been silent
 * longest makes room for a new one, and an observer for one who may control; a caller that waits for an answer or listens to events
 * is not silent.
 */
import type { Server as HttpServer } from 'node:http';
import type { Socket } from 'node:net';
import type { Log } from '../ports/log.ts';
import type { Role } from './methods.ts';
import type { Gate, Guest, RefusalLog } from './visitor.ts';

export type AdmissionOptions = {
  /** Callers at one time, and as many that have not shown who they are. */
  readonly maxConnections: number;
  readonly refused: RefusalLog;
  readonly now: () => number;
};

type Stranger = { readonly address: string; readonly socket: Socket; readonly arrivedAt: number };
type Key = string | Socket;

/** Time for the first words, over a bad network too. */
const FIRST_WORDS_MS = 250;
/** A caller that was heard within this time is not silent. */
const SILENT_MS = 5000;

export class Admission implements Disposable {
  readonly #options: AdmissionOptions;
  /** In the order in which they came. */
  readonly #strangers = new Map<Key, Stranger>();
  readonly #guests = new Map<Key, Guest>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  get maxConnections(): number {
    return this.#options.maxConnections;
  }

  /** For every accepted connection, before anything is read from it. */
  arrive(socket: Socket): void {
    const { maxConnections, now } = this.#options;
    const key = keyOf(socket);
    const stranger = { address: socket.remoteAddress ?? '', socket, arrivedAt: now() };
    const ofAddress = this.#countOf(stranger.address);
    if (this.#strangers.size >= maxConnections || ofAddress >= Math.max(1, partOf(maxConnections, 3 / 4))) {
      this.#close(stranger, 'too many have not said anything yet');
      return;
    }
    this.#strangers.set(key, stranger);
    socket.on('close', () => {
      this.#strangers.delete(key);
      this.#guests.delete(key);
    });
    if (this.#strangers.size > this.#calm) this.#timer ??= setTimeout(() => this.#trim(), FIRST_WORDS_MS).unref();
  }

  /** It has shown who it is. Undefined when there is no place for it. */
  admit(socket: Socket, role: Role): Guest | undefined {
    const key = keyOf(socket);
    const usedAt = this.#options.now();
    const known = this.#guests.get(key);
    if (known !== undefined) {
      // who has shown both tokens is counted as the better one
      if (role === 'control') known.role = role;
      known.usedAt = usedAt;
      return known;
    }
    const stranger = this.#strangers.get(key);
    if (stranger === undefined) return undefined;
    if (!this.#makeRoom(role)) return undefined;
    this.#strangers.delete(key);
    const { address } = stranger;
    const guest: Guest = { address, socket: stranger.socket, role, usedAt, busy: 0, listens: () => false };
    this.#guests.set(key, guest);
    return guest;
  }

  #makeRoom(role: Role): boolean {
    const { maxConnections, now } = this.#options;
    if (this.#guests.size < maxConnections) return true;
    const guests = [...this.#guests.values()];
    const silent = guests
      .filter(({ busy, listens, usedAt }) => busy === 0 && !listens() && now() - usedAt >= SILENT_MS)
      .toSorted((one, other) => one.usedAt - other.usedAt)[0];
    const leaving = silent ?? (role === 'control' ? guests.find((one) => one.role === 'observe') : undefined);
    if (leaving === undefined) return false;
    this.#guests.delete(keyOf(leaving.socket));
    this.#close(leaving, 'it makes room for another');
    return true;
  }

  /** The oldest first; the young ones later. */
  #trim(): void {
    const { maxConnections, now } = this.#options;
    const most = Math.max(4, partOf(maxConnections, 1 / 4));
    const counts = new Map<string, number>();
    for (const { address } of this.#strangers.values()) counts.set(address, (counts.get(address) ?? 0) + 1);
    for (const [key, stranger] of this.#strangers) {
      const ofAddress = counts.get(stranger.address) ?? 0;
      if (now() - stranger.arrivedAt < FIRST_WORDS_MS) break;
      if (this.#strangers.size <= most && ofAddress <= this.#calm) continue;
      this.#strangers.delete(key);
      counts.set(stranger.address, ofAddress - 1);
      this.#close(stranger, 'it has not said anything, and makes room for others');
    }
    this.#timer =
      this.#strangers.size > this.#calm ? setTimeout(() => this.#trim(), FIRST_WORDS_MS).unref() : undefined;
  }

  /** So many that say nothing are nothing unusual, also of one address. */
  get #calm(): number {
    return Math.max(4, partOf(this.#options.maxConnections, 1 / 16));
  }

  #countOf(address: string): number {
    let count = 0;
    for (const stranger of this.#strangers.values()) if (stranger.address === address) count++;
    return count;
  }

  #close({ address, socket }: { readonly address: string; readonly socket: Socket }, why: string): void {
    this.#options.refused(address === '' ? 'the unix socket' : address, 'a connection', why);
    socket.destroy();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}

/** For a listener: its connections, and errors of accept(2), of which there is one for each connection when no descriptor is left. */
export function guardServer(server: HttpServer, admission: Admission, log: Log): void {
  server.on('connection', (socket) => {
    admission.arrive(socket);
  });
  server.on('close', () => {
    admission[Symbol.dispose]();
  });
  server.on('error', (error) => {
    if (server.listening) log.warn({ err: error }, 'a connection could not be accepted');
  });
}

/** Who is let in by the gate has a place among the callers, if there is one. */
export const admitting =
  (gate: Gate, admission: Admission): Gate =>
  (request) => {
    const visitor = gate(request);
    // a browser asks without a token first
    if ('why' in visitor || request.method === 'OPTIONS') return visitor;
    const guest = admission.admit(request.socket, visitor.role);
    if (guest !== undefined) return { ...visitor, guest };
    request.socket.destroy();
    return { who: visitor.who, status: 403, why: `there are ${admission.maxConnections} already` };
  };

const partOf = (count: number, part: number): number => Math.ceil(count * part);

/** By TLS requests come on another object than the accepted one, from the same port. */
const keyOf = (socket: Socket): Key =>
  socket.remotePort === undefined ? socket : `${socket.remoteAddress ?? ''} ${socket.remotePort}`;
