/**
 * CRIU's own figures: `stats-dump` and `stats-restore` in its work directory. Two magic numbers and a length (4 bytes each), then
 * one protobuf message: field 1 is dump_stats_entry, field 2 restore_stats_entry, all members varints.
 * Source: criu/images/stats.proto, criu/image.c.
 */
import { readFile } from 'node:fs/promises';
import { isErrno } from '../../domain/errors.ts';
import type { Phases } from '../../domain/hibernation.ts';

const HEADER_BYTES = 12;
const VARINT = 0;
const BYTES = 2;

/** Names by field number; times are in µs, the others are counts and left out. */
const TIMES: Readonly<Record<'dump' | 'restore', Readonly<Record<number, string>>>> = {
  dump: { 1: 'freezing', 2: 'frozen', 3: 'memoryDump', 4: 'memoryWrite' },
  restore: { 3: 'forking', 4: 'restoring' },
};

class Reader {
  #at = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get more(): boolean {
    return this.#at < this.#bytes.length;
  }

  varint(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.#bytes[this.#at++] ?? 0;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  }

  bytes(): Buffer {
    const length = this.varint();
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}

/** In ms; empty when there is no such file: figures are no reason to fail. */
export async function criuFigures(workDirectory: string, kind: 'dump' | 'restore'): Promise<Phases> {
  const bytes = await readFile(`${workDirectory}/stats-${kind}`).catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return Buffer.alloc(0);
    throw error;
  });
  return readFigures(bytes.subarray(HEADER_BYTES), kind);
}

export function readFigures(message: Buffer, kind: 'dump' | 'restore'): Phases {
  const phases: Record<string, number> = {};
  const outer = new Reader(message);
  while (outer.more) {
    if ((outer.varint() & 7) !== BYTES) break;
    const inner = new Reader(outer.bytes());
    while (inner.more) {
      const key = inner.varint();
      if ((key & 7) !== VARINT) break;
      const value = inner.varint();
      const name = TIMES[kind][key >> 3];
      if (name !== undefined) phases[name] = value / 1000;
    }
  }
  return phases;
}
