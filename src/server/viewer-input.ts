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
const MAX_MESSAGE_BYTES = 64 * 1024;
const NOTHING = Buffer.alloc(0);
const VERSION = Buffer.from('RFB 003.008\n');
/** Security type None: the daemon has looked at the token. */
const NO_SECURITY = 1;

/** How the beginning of some bytes is to be read; `size` may be more than there is. */
type Step = { readonly size: number; readonly take: (whole: Buffer) => Buffer | undefined };

export class ViewerInput {
  readonly #mayControl: boolean;
  /** Joined when there is enough: what comes byte by byte is not copied each time. */
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #wantedBytes = 1;
  #look: (bytes: Buffer) => Step = () => this.#version;

  constructor(role: Role) {
    this.#mayControl = role === 'control';
  }

  /** What of it goes on to the display. Throws INVALID_ARGUMENT; then nothing more of this viewer must be read. */
  take(chunk: Buffer): Buffer {
    this.#waiting.push(chunk);
    this.#waitingBytes += chunk.length;
    if (this.#waitingBytes < this.#wantedBytes) return NOTHING;
    let rest = Buffer.concat(this.#waiting);
    const passed: Buffer[] = [];
    let wanted = 1;
    while (rest.length >= wanted) {
      const { size, take } = this.#look(rest);
      if (rest.length < size) wanted = size;
      else {
        const taken = take(rest.subarray(0, size));
        if (taken !== undefined) passed.push(taken);
        rest = rest.subarray(size);
        wanted = 1;
      }
    }
    [this.#waiting, this.#waitingBytes, this.#wantedBytes] = [[rest], rest.length, wanted];
    return Buffer.concat(passed);
  }

  readonly #version: Step = {
    size: VERSION.length,
    take: (bytes) => {
      if (!bytes.equals(VERSION)) throw refusal('another version of RFB than 3.8');
      this.#look = () => this.#security;
      return VERSION;
    },
  };

  readonly #security: Step = {
    size: 1,
    take: (bytes) => {
      if (bytes[0] !== NO_SECURITY) throw refusal('a security type that was not offered');
      this.#look = () => this.#clientInit;
      return bytes;
    },
  };

  /** Shared: whoever looks already is not sent away. */
  readonly #clientInit: Step = {
    size: 1,
    take: () => {
      this.#look = (bytes) => this.#message(bytes);
      return Buffer.from([1]);
    },
  };

  #message(bytes: Buffer): Step {
    const type = bytes[0] ?? NaN;
    const message = MESSAGES.get(type);
    if (message === undefined) throw refusal(`a message of type ${type}`);
    const { isInput, head } = message;
    const size = bytes.length < head ? head : message.size(bytes);
    if (!(size <= MAX_MESSAGE_BYTES)) throw refusal(`a message of type ${type} that is too long or of no known kind`);
    return { size, take: (whole) => (isInput && !this.#mayControl ? undefined : whole) };
  }
}

const refusal = (what: string): RuntimeError =>
  new RuntimeError('INVALID_ARGUMENT', {
    what: `the viewer sent ${what}`,
    next: 'use noVNC, or another viewer that speaks RFB 3.8',
  });
