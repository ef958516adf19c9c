/** Frames of a WebSocket as a client gets them (RFC 6455 §5.2), read where they lie: no message of one frame is copied. */
import { RuntimeError } from '../domain/errors.ts';

export type FrameListener = {
  readonly onText: (text: string) => void;
  /** Lies in memory that is written again after the next read. */
  readonly onBytes: (bytes: Uint8Array) => void;
  readonly onPing: (payload: Uint8Array) => void;
  readonly onClose: (code: number, reason: string) => void;
};

/** The daemon's frames have at most 128 KiB of data. */
const MEMORY_BYTES = 256 * 1024;
/** With less room than this what is half there is moved to the front. */
const MIN_SPACE_BYTES = 64 * 1024;
const MAX_MESSAGE_BYTES = 64 * 2 ** 20;
const NO_CODE = 1005;
const [CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG] = [0, 1, 2, 8, 9, 10];

type Frame = { readonly isLast: boolean; readonly opcode: number; readonly payload: Buffer; readonly end: number };

export class FrameReader {
  readonly #listener: FrameListener;
  readonly #memory = Buffer.allocUnsafeSlow(MEMORY_BYTES);
  #begin = 0;
  #end = 0;
  /** Of a message in several frames. */
  #parts: Buffer[] = [];
  #opcode = CONTINUATION;

  constructor(listener: FrameListener) {
    this.#listener = listener;
  }

  /** Where the next bytes are to be read to. */
  space(): Uint8Array {
    if (this.#begin === this.#end) this.#begin = this.#end = 0;
    if (MEMORY_BYTES - this.#end < MIN_SPACE_BYTES) {
      this.#memory.copyWithin(0, this.#begin, this.#end);
      this.#end -= this.#begin;
      this.#begin = 0;
    }
    return this.#memory.subarray(this.#end);
  }

  /** So many bytes were read there; the first `skipped` are no frames. Throws INTERNAL for what is not as RFC 6455 has it. */
  took(bytes: number, skipped = 0): void {
    this.#end += bytes;
    this.#begin += skipped;
    for (let frame = this.#next(); frame !== undefined; frame = this.#next()) {
      this.#begin = frame.end;
      this.#tell(frame);
    }
  }

  #next(): Frame | undefined {
    const bytes = this.#memory.subarray(this.#begin, this.#end);
    const [first, second] = bytes;
    if (first === undefined || second === undefined) return undefined;
    if ((first & 0x70) !== 0 || (second & 0x80) !== 0) throw broken('a frame with reserved bits or a mask');
    const short = second & 0x7f;
    const head = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (bytes.length < head) return undefined;
    const length = head === 2 ? short : head === 4 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
    if (head + length > MEMORY_BYTES - MIN_SPACE_BYTES) throw broken(`a frame of ${length} bytes`);
    if (bytes.length < head + length) return undefined;
    return {
      ...{ isLast: (first & 0x80) !== 0, opcode: first & 0x0f },
      ...{ payload: bytes.subarray(head, head + length), end: this.#begin + head + length },
    };
  }

  #tell({ isLast, opcode, payload }: Frame): void {
    const { onPing, onClose } = this.#listener;
    if (opcode === PING) onPing(payload);
    else if (opcode === CLOSE) {
      onClose(payload.length < 2 ? NO_CODE : payload.readUInt16BE(0), payload.subarray(2).toString());
    } else if (opcode !== PONG) this.#add(isLast, opcode, payload);
  }

  #add(isLast: boolean, opcode: number, payload: Buffer): void {
    if ((opcode === CONTINUATION) !== this.#parts.length > 0) throw broken('a frame out of order');
    if (opcode !== CONTINUATION) this.#opcode = opcode;
    if (isLast && opcode !== CONTINUATION) {
      this.#whole(payload);
      return;
    }
    this.#parts.push(Buffer.from(payload));
    if (this.#parts.length * MEMORY_BYTES > MAX_MESSAGE_BYTES) throw broken('a message of too many frames');
    if (!isLast) return;
    const message = Buffer.concat(this.#parts);
    this.#parts = [];
    this.#whole(message);
  }

  #whole(message: Buffer): void {
    if (this.#opcode === TEXT) this.#listener.onText(message.toString());
    else if (this.#opcode === BINARY) this.#listener.onBytes(message);
    else throw broken(`a frame of the unknown kind ${this.#opcode}`);
  }
}

const broken = (what: string): RuntimeError =>
  new RuntimeError('INTERNAL', { what: `the daemon broke the WebSocket protocol: ${what}` });
