/** A Wayland client for a moment: it looks at what a compositor offers, binds what it is told to, and leaves. It draws nothing. */
import type { Socket } from 'node:net';
import { RuntimeError } from '../../domain/errors.ts';
import type { Wait } from '../../ports/wait.ts';
import { decode, DISPLAY, encode, readText, type Message } from './wire.ts';

/** Requests of wl_display and wl_registry, by their numbers in wayland.xml. */
const REQUESTS = { sync: 0, getRegistry: 1, bind: 0 } as const;
const REGISTRY = 2;

/** Something that a compositor offers: its number in the registry, its interface and the highest version of it. */
export type Global = { readonly name: number; readonly interface: string; readonly version: number };

/** Fifty globals are 2 KB. Whoever says more than this is not taken for a compositor. */
const MAX_ANSWER_BYTES = 16_384;

export type WaylandClient = {
  /** Answers after a round trip. */
  readonly globals: () => Promise<readonly Global[]>;
  /** The compositor has made the object when it returns. */
  readonly bind: (global: Global) => Promise<void>;
};

/**
 * Does some work as a client of the compositor at this socket and closes the connection, whatever became of it. `wait` is for all
 * of it. Throws TOOL_FAILED for a compositor that closes the connection, answers an error or nonsense; TIMED_OUT, ABORTED.
 */
export async function asClient<Result>(
  socket: Socket,
  { signal, timeoutMs }: Wait,
  work: (client: WaylandClient) => Promise<Result>,
): Promise<Result> {
  const ended = Promise.withResolvers<never>();
  const fail = (code: 'TOOL_FAILED' | 'TIMED_OUT' | 'ABORTED', what: string): void => {
    ended.reject(new RuntimeError(code, { what }));
  };
  const timer = setTimeout(() => {
    fail('TIMED_OUT', `the display did not answer within ${timeoutMs} ms`);
  }, timeoutMs);
  const onAbort = (): void => {
    fail('ABORTED', 'the display was not waited for');
  };
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  const onClose = (): void => {
    fail('TOOL_FAILED', 'the display closed the connection');
  };
  socket.on('error', () => undefined).on('close', onClose);
  if (socket.destroyed) onClose();
  const conversation = converse(socket, (what) => {
    fail('TOOL_FAILED', what);
  });
  try {
    return await Promise.race([ended.promise, work(conversation)]);
  } finally {
    ended.promise.catch(() => undefined);
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
    socket.destroy();
  }
}

function converse(socket: Socket, refuse: (what: string) => void): WaylandClient {
  const globals: Global[] = [];
  const callbacks = new Map<number, () => void>();
  let lastId = REGISTRY;
  let unread: Buffer = Buffer.alloc(0);
  let received = 0;

  function take({ object, opcode, body }: Message): void {
    if (object === DISPLAY && opcode === 0) refuse(`the display refused a request: ${readText(body, 8).value}`);
    if (object === REGISTRY && opcode === 0) globals.push(globalIn(body));
    callbacks.get(object)?.();
  }

  socket.on('data', (chunk: Buffer) => {
    received += chunk.length;
    try {
      const { messages, rest } = decode(Buffer.concat([unread, chunk]));
      unread = rest;
      for (const message of messages) take(message);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      refuse('the display answered nonsense');
    }
    if (received > MAX_ANSWER_BYTES) refuse('the display answered nonsense');
  });

  /** wl_display.sync: the event of its callback comes when everything before it has been answered. */
  async function roundTrip(...requests: readonly Buffer[]): Promise<void> {
    const id = ++lastId;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    callbacks.set(id, () => {
      resolve(undefined);
    });
    socket.write(Buffer.concat([...requests, encode(DISPLAY, REQUESTS.sync, id)]));
    await promise;
    callbacks.delete(id);
  }

  return {
    globals: async () => {
      await roundTrip(encode(DISPLAY, REQUESTS.getRegistry, REGISTRY));
      return globals;
    },
    bind: async ({ name, interface: kind, version }) => {
      await roundTrip(encode(REGISTRY, REQUESTS.bind, name, kind, version, ++lastId));
    },
  };
}

/** wl_registry.global: name, interface, version. */
function globalIn(body: Buffer): Global {
  const { value, next } = readText(body, 4);
  return { name: body.readUInt32LE(0), interface: value, version: body.readUInt32LE(next) };
}
