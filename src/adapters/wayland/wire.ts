/**
 * Wayland's wire format, as far as a client needs it that draws nothing. A message is object, size in bytes << 16 | opcode, arguments;
 * all are words in the machine's byte order (little-endian on every machine that Debian's Node runs on). Source:
 * wayland.freedesktop.org/docs, "Wire Format"; the numbers of requests and events are wayland.xml's.
 */

/** Object ids. wl_display is always 1; the others are this client's, in the order in which it makes them. */
export const DISPLAY = 1;

const HEADER_BYTES = 8;

export type Message = { readonly object: number; readonly opcode: number; readonly body: Buffer };

/** A word, or a string with its length, its final NUL and its padding to a whole word. */
export type Argument = number | string;

export function encode(object: number, opcode: number, ...values: readonly Argument[]): Buffer {
  const body = Buffer.concat(values.map((value) => (typeof value === 'number' ? word(value) : text(value))));
  return Buffer.concat([word(object), word(((HEADER_BYTES + body.length) << 16) | opcode), body]);
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function text(value: string): Buffer {
  const size = Buffer.byteLength(value) + 1;
  const bytes = Buffer.alloc(4 + 4 * Math.ceil(size / 4));
  bytes.writeUInt32LE(size);
  bytes.write(value, 4);
  return bytes;
}

/** The whole messages at the beginning, and what is left. Throws RangeError for a size that no message has. */
export function decode(bytes: Buffer): { readonly messages: readonly Message[]; readonly rest: Buffer } {
  const messages: Message[] = [];
  let at = 0;
  while (at + HEADER_BYTES <= bytes.length) {
    const head = bytes.readUInt32LE(at + 4);
    const size = head >>> 16;
    if (size < HEADER_BYTES) throw new RangeError(`a message of ${size} bytes`);
    if (at + size > bytes.length) break;
    const body = bytes.subarray(at + HEADER_BYTES, at + size);
    messages.push({ object: bytes.readUInt32LE(at), opcode: head & 0xffff, body });
    at += size;
  }
  return { messages, rest: bytes.subarray(at) };
}

/** A string argument that begins at this offset of a body, and where the next argument begins. Throws RangeError. */
export function readText(body: Buffer, at: number): { readonly value: string; readonly next: number } {
  const size = body.readUInt32LE(at);
  const start = at + 4;
  if (size === 0 || start + size > body.length) throw new RangeError(`a string of ${size} bytes`);
  return { value: body.toString('utf8', start, start + size - 1), next: start + 4 * Math.ceil(size / 4) };
}
