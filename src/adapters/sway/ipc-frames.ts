/** Sway's messages on its socket, within bounds. Source: sway-ipc(7), "MESSAGE AND REPLY FORMAT". */

export const MAGIC = Buffer.from('i3-ipc');
export const HEADER_BYTES = MAGIC.length + 8;

/** The tree of a hundred windows has 300 KB; reading one of this size takes some 10 ms of the event loop. */
export const MAX_TEXT_BYTES = 2 ** 20;
/** Read away without keeping it; no sway says more (it drops a client that has 4 MB to read, sway/ipc-server.c). */
const MAX_FRAME_BYTES = 4 * 2 ** 20;

/** `text` undefined: too long, and not kept. */
export type Frame = { readonly type: number; readonly text: string | undefined };

export class FrameReader {
  /** Joined when a whole message has come: what comes byte by byte is not copied each time. */
  #chunks: Buffer[] = [];
  #heldBytes = 0;
  #wantedBytes = HEADER_BYTES;
  /** Of a message that is too long: how much of it is still to come, and what it was. */
  #skip = { bytes: 0, type: 0 };

  /** Throws when these are not sway's words. */
  *take(chunk: Buffer): Generator<Frame, void, undefined> {
    const rest = this.#skip.bytes === 0 ? chunk : this.#skipIn(chunk);
    if (this.#skip.bytes > 0) return;
    if (rest !== chunk) yield { type: this.#skip.type, text: undefined };
    this.#chunks.push(rest);
    this.#heldBytes += rest.length;
    if (this.#heldBytes < this.#wantedBytes) return;
    let bytes = Buffer.concat(this.#chunks);
    this.#hold(Buffer.alloc(0), HEADER_BYTES);
    while (bytes.length >= HEADER_BYTES) {
      const size = bytes.readUInt32LE(MAGIC.length);
      const type = bytes.readUInt32LE(MAGIC.length + 4);
      if (!bytes.subarray(0, MAGIC.length).equals(MAGIC) || size > MAX_FRAME_BYTES) throw new Error('not sway');
      const end = HEADER_BYTES + size;
      if (size > MAX_TEXT_BYTES && bytes.length < end) {
        this.#skip = { bytes: end - bytes.length, type };
        return;
      }
      if (bytes.length < end) break;
      const text = size > MAX_TEXT_BYTES ? undefined : bytes.toString('utf8', HEADER_BYTES, end);
      bytes = bytes.subarray(end);
      this.#hold(bytes, HEADER_BYTES);
      yield { type, text };
    }
    this.#hold(bytes, bytes.length < HEADER_BYTES ? HEADER_BYTES : HEADER_BYTES + bytes.readUInt32LE(MAGIC.length));
  }

  #hold(bytes: Buffer, wantedBytes: number): void {
    [this.#chunks, this.#heldBytes, this.#wantedBytes] = [[bytes], bytes.length, wantedBytes];
  }

  #skipIn(chunk: Buffer): Buffer {
    const skipped = Math.min(chunk.length, this.#skip.bytes);
    this.#skip = { ...this.#skip, bytes: this.#skip.bytes - skipped };
    return chunk.subarray(skipped);
  }
}

export function frameOf(type: number, payload: string): Buffer {
  const body = Buffer.from(payload);
  const header = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(header);
  header.writeUInt32LE(body.length, MAGIC.length);
  header.writeUInt32LE(type, MAGIC.length + 4);
  return Buffer.concat([header, body]);
}
