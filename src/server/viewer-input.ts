/**
 * What a viewer sends to a display, message by message: only what is known goes on, whole, and input only of who may control. The
 * handshake is narrowed to the one that our wayvnc offers. Source: RFC 6143 §7; the types from 150 on: rfbproto, "Community Version".
 */
import { RuntimeError } from '../domain/errors.ts';
import type { Role } from './methods.ts';

type Message = {
  readonly isInput: boolean;
  /** How many bytes must be there before `size` can tell. */
  readonly head: number;
  /** Of the whole message, in bytes. */
  readonly size: (head: Buffer) => number;
};

const fixed = (size: number, isInput = false): Message => ({ isInput, head: 1, size: () => size });

/** By their first byte. A pointer with more than seven buttons has the high bit of its mask set, and a byte more. */
const MESSAGES: ReadonlyMap<number, Message> = new Map([
  [0, fixed(20)], // SetPixelFormat
  [2, { isInput: false, head: 4, size: (head) => 4 + 4 * head.readUInt16BE(2) }], // SetEncodings
  [3, fixed(10)], // FramebufferUpdateRequest
  [4, fixed(8, true)], // KeyEvent
  [5, { isInput: true, head: 2, size: (head) => (head.readUInt8(1) >= 0x80 ? 7 : 6) }], // PointerEvent
  [6, { isInput: true, head: 8, size: (head) => 8 + Math.abs(head.readInt32BE(4)) }], // ClientCutText
  [150, fixed(10)], // EnableContinuousUpdates
  [248, { isInput: false, head: 9, size: (head) => 9 + head.readUInt8(8) }], // ClientFence
  [255, { isInput: true, head: 2, size: (head) => (head.readUInt8(1) === 0 ? 12 : NaN) }], // QEMU's key event
]);

/** A text for the app's clipboard. */
const MAX_MESSAGE_BYTES = 256 * 1024;
const VERSION = Buffer.from('RFB 003.008\n');
/** Security type None: the daemon has looked at the token. */
const NO_SECURITY = 1;

export class ViewerInput {
  readonly #mayControl: boolean;
  #waiting: Buffer = Buffer.alloc(0);
  /** What is read next. */
  #step: (bytes: Buffer) => Step | undefined = (bytes) => this.#version(bytes);

  constructor(role: Role) {
    this.#mayControl = role === 'control';
  }

  /** What of it goes on to the display. Throws INVALID_ARGUMENT; then nothing more of this viewer must be read. */
  take(chunk: Buffer): Buffer {
    let rest = this.#waiting.length === 0 ? chunk : Buffer.concat([this.#waiting, chunk]);
    const passed: Buffer[] = [];
    for (let step = this.#step(rest); step !== undefined; step = this.#step(rest)) {
      if (step.passes !== undefined) passed.push(step.passes);
      rest = rest.subarray(step.size);
    }
    this.#waiting = rest;
    return Buffer.concat(passed);
  }

  #version(bytes: Buffer): Step | undefined {
    if (bytes.length < VERSION.length) return undefined;
    if (!bytes.subarray(0, VERSION.length).equals(VERSION)) throw refusal('another version of RFB than 3.8');
    this.#step = (rest) => this.#security(rest);
    return { size: VERSION.length, passes: VERSION };
  }

  #security(bytes: Buffer): Step | undefined {
    const [type] = bytes;
    if (type === undefined) return undefined;
    if (type !== NO_SECURITY) throw refusal(`security type ${type}`);
    this.#step = (rest) => this.#clientInit(rest);
    return { size: 1, passes: bytes.subarray(0, 1) };
  }

  /** Whoever looks already is not sent away. */
  #clientInit(bytes: Buffer): Step | undefined {
    if (bytes.length === 0) return undefined;
    this.#step = (rest) => this.#message(rest);
    return { size: 1, passes: Buffer.from([1]) };
  }

  #message(bytes: Buffer): Step | undefined {
    const [type] = bytes;
    if (type === undefined) return undefined;
    const message = MESSAGES.get(type);
    if (message === undefined) throw refusal(`a message of type ${type}`);
    if (bytes.length < message.head) return undefined;
    const size = message.size(bytes);
    if (!(size <= MAX_MESSAGE_BYTES)) throw refusal(`a message of type ${type} that is too long or of no known kind`);
    if (bytes.length < size) return undefined;
    const mayPass = this.#mayControl || !message.isInput;
    return { size, passes: mayPass ? bytes.subarray(0, size) : undefined };
  }
}

type Step = { readonly size: number; readonly passes: Buffer | undefined };

const refusal = (what: string): RuntimeError =>
  new RuntimeError('INVALID_ARGUMENT', {
    what: `the viewer sent ${what}`,
    next: 'use noVNC, or another viewer that speaks RFB 3.8',
  });
