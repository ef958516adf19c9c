/** Sway's own socket: orders, and what becomes of windows. Source: sway-ipc(7). Its words are an app's words: read, never trusted. */
import type { Socket } from 'node:net';
import * as z from 'zod';
import { RuntimeError } from '../../domain/errors.ts';
import type { Wait } from '../../ports/wait.ts';

const MAGIC = Buffer.from('i3-ipc');
const HEADER_BYTES = MAGIC.length + 8;
const RUN_COMMAND = 0;
const SUBSCRIBE = 2;
const GET_OUTPUTS = 3;
const GET_TREE = 4;
const WINDOW_EVENT = 0x80000003;
const MAX_MESSAGE_BYTES = 4 * 2 ** 20;

const windowEvent = z.object({ change: z.string(), container: z.object({ id: z.int() }) });
const answers = z.array(z.object({ success: z.boolean(), error: z.string().optional() }));

const rect = z.object({ width: z.int(), height: z.int() });
const windowNode = z.object({ id: z.int(), pid: z.int(), rect });
const outputs = z.array(z.object({ rect }));

/** A part of the tree; only windows have a process. */
const treeNode = z.object({
  nodes: z.array(z.unknown()).default([]),
  floating_nodes: z.array(z.unknown()).default([]),
});

export type Window = z.output<typeof windowNode>;

export type Listener = {
  readonly onWindow: (change: string, id: number) => void;
  /** The compositor has ended, or talks nonsense. Not called after {@link SwayIpc.close}. */
  readonly onClose: () => void;
};

type Waiting = PromiseWithResolvers<string> & { readonly type: number };

export class SwayIpc {
  readonly #socket: Socket;
  readonly #listener: Listener;
  /** Sway answers in order. */
  readonly #waiting: Waiting[] = [];
  #bytes = Buffer.alloc(0);
  #closed = false;

  constructor(socket: Socket, listener: Listener) {
    this.#socket = socket;
    this.#listener = listener;
    socket.on('data', (chunk: Buffer) => {
      this.#read(chunk);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#end(listener.onClose);
    });
  }

  /** Throws TOOL_FAILED with sway's words, TIMED_OUT, ABORTED. */
  async command(text: string, wait: Wait): Promise<void> {
    const results = answers.safeParse(parse(await this.#ask(RUN_COMMAND, text, wait)));
    const failed = results.success ? results.data.find(({ success }) => !success) : { error: 'nonsense' };
    if (failed === undefined) return;
    throw new RuntimeError('TOOL_FAILED', { what: `the display did not do ${text}`, cause: failed.error });
  }

  async watchWindows(wait: Wait): Promise<void> {
    await this.#ask(SUBSCRIBE, '["window"]', wait);
  }

  /** Of the first one; undefined while there is none. */
  async outputSize(wait: Wait): Promise<{ readonly width: number; readonly height: number } | undefined> {
    const read = outputs.safeParse(parse(await this.#ask(GET_OUTPUTS, '', wait)));
    return read.data?.[0]?.rect;
  }

  /** All there are. */
  async windows(wait: Wait): Promise<readonly Window[]> {
    return windowsBelow(parse(await this.#ask(GET_TREE, '', wait)));
  }

  close(): void {
    this.#end(() => undefined);
    this.#socket.destroy();
  }

  async #ask(type: number, payload: string, { signal, timeoutMs }: Wait): Promise<string> {
    const waiting = { ...Promise.withResolvers<string>(), type };
    const give = (code: 'TIMED_OUT' | 'ABORTED'): void => {
      waiting.reject(new RuntimeError(code, { what: `the display did not answer within ${timeoutMs} ms` }));
    };
    if (this.#closed) throw gone();
    this.#waiting.push(waiting);
    const body = Buffer.from(payload);
    const header = Buffer.alloc(HEADER_BYTES);
    MAGIC.copy(header);
    header.writeUInt32LE(body.length, MAGIC.length);
    header.writeUInt32LE(type, MAGIC.length + 4);
    this.#socket.write(Buffer.concat([header, body]));
    const timer = setTimeout(give, timeoutMs, 'TIMED_OUT');
    const onAbort = (): void => {
      give('ABORTED');
    };
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    try {
      return await waiting.promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    }
  }

  #read(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    while (this.#bytes.length >= HEADER_BYTES) {
      const size = this.#bytes.readUInt32LE(MAGIC.length);
      if (!this.#bytes.subarray(0, MAGIC.length).equals(MAGIC) || size > MAX_MESSAGE_BYTES) {
        this.#socket.destroy();
        return;
      }
      if (this.#bytes.length < HEADER_BYTES + size) return;
      const type = this.#bytes.readUInt32LE(MAGIC.length + 4);
      const text = this.#bytes.toString('utf8', HEADER_BYTES, HEADER_BYTES + size);
      this.#bytes = this.#bytes.subarray(HEADER_BYTES + size);
      this.#take(type, text);
    }
  }

  #take(type: number, text: string): void {
    if (type === WINDOW_EVENT) {
      const event = windowEvent.safeParse(parse(text));
      if (event.success) this.#listener.onWindow(event.data.change, event.data.container.id);
      return;
    }
    const waiting = this.#waiting.shift();
    if (waiting?.type === type) waiting.resolve(text);
    else this.#socket.destroy();
  }

  #end(tell: () => void): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const waiting of this.#waiting.splice(0)) waiting.reject(gone());
    tell();
  }
}

const gone = (): RuntimeError => new RuntimeError('TOOL_FAILED', { what: 'the display is gone' });

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function windowsBelow(value: unknown): readonly Window[] {
  const read = treeNode.safeParse(value);
  if (!read.success) return [];
  const { nodes, floating_nodes: floating } = read.data;
  const window = windowNode.safeParse(value);
  return [...(window.success ? [window.data] : []), ...[...nodes, ...floating].flatMap(windowsBelow)];
}
