/** Sway's own socket: orders, and what becomes of windows. Source: sway-ipc(7). Its words are an app's words: read, never trusted. */
import type { Socket } from 'node:net';
import * as z from 'zod';
import { RuntimeError } from '../../domain/errors.ts';
import { isDeeperThan } from '../../domain/json-depth.ts';
import type { Wait } from '../../ports/wait.ts';
import { frameOf, FrameReader } from './ipc-frames.ts';

const RUN_COMMAND = 0;
const SUBSCRIBE = 2;
const GET_OUTPUTS = 3;
const GET_TREE = 4;
const WINDOW_EVENT = 0x80000003;
/** Workspaces, outputs and containers of containers: sway nests some five levels. */
const MAX_DEPTH = 64;
const MAX_NODES = 4096;
/** Orders under way; the one that asks waits for its answer or its time limit, so few are. */
const MAX_WAITING = 64;

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
  readonly onWindow?: (change: string, id: number) => void;
  /** An event was too long to be read. */
  readonly onLoss?: () => void;
  /** So much has come. */
  readonly onBytes?: (bytes: number) => void;
  /** The compositor has ended, or talks nonsense. Not called after {@link SwayIpc.close}. */
  readonly onClose: () => void;
};

type Waiting = {
  readonly type: number;
  readonly answer: (text: string | undefined) => void;
  readonly reject: (error: unknown) => void;
};
type Question = { readonly type: number; readonly payload: string };

export class SwayIpc {
  readonly #socket: Socket;
  readonly #listener: Listener;
  readonly #frames = new FrameReader();
  /** Sway answers in order. */
  readonly #waiting: Waiting[] = [];
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

  /** Throws TOOL_FAILED with sway's words, TIMED_OUT, ABORTED, BUSY. */
  async command(text: string, wait: Wait): Promise<void> {
    const results = answers.safeParse(await this.#ask({ type: RUN_COMMAND, payload: text }, wait, parse));
    const failed = results.success ? results.data.find(({ success }) => !success) : { error: 'nonsense' };
    if (failed === undefined) return;
    throw new RuntimeError('TOOL_FAILED', { what: `the display did not do ${text}`, cause: failed.error });
  }

  async watchWindows(wait: Wait): Promise<void> {
    await this.#ask({ type: SUBSCRIBE, payload: '["window"]' }, wait, parse);
  }

  /** Of the first one; undefined while there is none. */
  async outputSize(wait: Wait): Promise<{ readonly width: number; readonly height: number } | undefined> {
    const read = outputs.safeParse(await this.#ask({ type: GET_OUTPUTS, payload: '' }, wait, parse));
    return read.data?.[0]?.rect;
  }

  /** All there are. `seen` is called before any event that comes after the answer. Throws TOOL_FAILED when they are too many to read. */
  windows(wait: Wait, seen: (windows: readonly Window[]) => void = () => undefined): Promise<readonly Window[]> {
    return this.#ask({ type: GET_TREE, payload: '' }, wait, (text) => {
      const found = windowsBelow(parse(text));
      seen(found);
      return found;
    });
  }

  close(): void {
    this.#end(() => undefined);
    this.#socket.destroy();
  }

  /** `read` is called in the order of what comes. */
  async #ask<Result>({ type, payload }: Question, wait: Wait, read: (text: string) => Result): Promise<Result> {
    const { signal, timeoutMs } = wait;
    if (this.#closed) throw gone();
    if (this.#waiting.length >= MAX_WAITING) {
      throw new RuntimeError('BUSY', { what: `the display has not answered ${MAX_WAITING} orders` });
    }
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    this.#waiting.push({
      type,
      reject,
      answer: (text) => {
        if (text === undefined) reject(new RuntimeError('TOOL_FAILED', { what: 'the display says too much' }));
        else resolve(read(text));
      },
    });
    this.#socket.write(frameOf(type, payload));
    const give = (code: 'TIMED_OUT' | 'ABORTED'): void => {
      reject(new RuntimeError(code, { what: `the display did not answer within ${timeoutMs} ms` }));
    };
    const timer = setTimeout(give, timeoutMs, 'TIMED_OUT');
    const onAbort = (): void => {
      give('ABORTED');
    };
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    }
  }

  #read(chunk: Buffer): void {
    this.#listener.onBytes?.(chunk.length);
    try {
      for (const { type, text } of this.#frames.take(chunk)) {
        // a listener may have closed it
        if (this.#closed) return;
        this.#take(type, text);
      }
    } catch {
      // not sway's protocol: what waits for an answer is told by the end of the connection
      this.#socket.destroy();
    }
  }

  #take(type: number, text: string | undefined): void {
    if (type === WINDOW_EVENT && this.#listener.onWindow !== undefined) {
      const event = windowEvent.safeParse(text === undefined ? undefined : parse(text));
      if (event.success) this.#listener.onWindow(event.data.change, event.data.container.id);
      else this.#listener.onLoss?.();
      return;
    }
    const waiting = this.#waiting.shift();
    if (waiting?.type === type) waiting.answer(text);
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
  if (isDeeperThan(text, MAX_DEPTH)) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function windowsBelow(root: unknown): readonly Window[] {
  const windows: Window[] = [];
  const nodes = [root];
  for (let at = 0; at < nodes.length && at < MAX_NODES; at++) {
    const read = treeNode.safeParse(nodes[at]);
    if (!read.success) continue;
    const window = windowNode.safeParse(nodes[at]);
    if (window.success) windows.push(window.data);
    nodes.push(...read.data.nodes.slice(0, MAX_NODES), ...read.data.floating_nodes.slice(0, MAX_NODES));
  }
  return windows;
}
