/** Reads lines out of a file that is written to. */
import { isUtf8 } from 'node:buffer';
import type { FileHandle } from 'node:fs/promises';
import type { LogLine } from '../../domain/api.ts';

export const CHUNK_BYTES = 256 * 1024;
const NEWLINE = 0x0a;

/** One character of `line` is one byte (latin1). Undefined for what is no line of this format. */
export type ParseLine = (line: string) => LogLine | undefined;

export type Chunk = { readonly lines: readonly LogLine[]; readonly end: number };

export type Reading = {
  readonly limit: number;
  /** At most so many are read. */
  readonly bytes: number;
  readonly parse: ParseLine;
  /** Of the whole file when nothing more is written to it: what has no newline at its end is a piece of a line, too. */
  readonly completeBytes: number | undefined;
};

export async function readLines(file: FileHandle, from: number, reading: Reading): Promise<Chunk> {
  const { limit, parse, completeBytes } = reading;
  const bytes = await readAt(file, from, reading.bytes);
  const lines: LogLine[] = [];
  let at = 0;
  for (let end = bytes.indexOf(NEWLINE); end >= 0 && lines.length < limit; end = bytes.indexOf(NEWLINE, at)) {
    const line = parse(bytes.toString('latin1', at, end));
    if (line !== undefined) lines.push(decoded(line));
    at = end + 1;
  }
  // conmon may be in the middle of a line; a line that is longer than what is read at once comes in pieces
  const isRest = at < bytes.length && bytes.indexOf(NEWLINE, at) === -1;
  if (
    isRest &&
    lines.length < limit &&
    (from + bytes.length === completeBytes || (at === 0 && bytes.length === CHUNK_BYTES))
  ) {
    const line = parse(bytes.toString('latin1', at));
    if (line !== undefined) lines.push({ ...decoded(line), partial: true });
    at = bytes.length;
  }
  return { lines, end: from + at };
}

/** Bytes that are no UTF-8 come as they are in `bytes`, as base64; `text` has a replacement for them. */
function decoded(line: LogLine): LogLine {
  // eslint-disable-next-line no-control-regex -- what is ASCII is UTF-8
  if (/^[\x00-\x7f]*$/.test(line.text)) return line;
  const bytes = Buffer.from(line.text, 'latin1');
  return { ...line, text: bytes.toString(), ...(!isUtf8(bytes) && { bytes: bytes.toString('base64') }) };
}

/** Where the last `count` lines begin, and how many there are; reads backwards, so a large file costs no more than its end. */
export async function findTail(
  file: FileHandle,
  sizeBytes: number,
  count: number,
): Promise<{ readonly offset: number; readonly found: number }> {
  let newlines = 0;
  for (let end = sizeBytes; end > 0;) {
    const begin = Math.max(0, end - CHUNK_BYTES);
    const bytes = await readAt(file, begin, end - begin);
    for (let at = bytes.length - 1; at >= 0; at--) {
      if (bytes[at] === NEWLINE && ++newlines === count + 1) return { offset: begin + at + 1, found: count };
    }
    end = begin;
  }
  return { offset: 0, found: newlines };
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}
