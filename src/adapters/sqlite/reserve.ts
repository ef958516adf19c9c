/**
 * Room that the journal keeps for itself: a file that only takes blocks. On a full disk a commit that must not fail gives some of it
 * back, step by step; when there is room again the file is made whole.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, fstatSync, ftruncateSync, openSync, statfsSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** Some hundred commits; what a checkpoint of the log frees comes on top. */
const SIZE_BYTES = 4 * 2 ** 20;
/** Of a small disk. */
const SHARE = 16;
const STEP_BYTES = 128 * 1024;

export class Reserve {
  readonly #descriptor: number;
  readonly #directory: string;
  readonly #wantedBytes: number;
  #bytes: number;

  /** Whole, or as much of it as the disk has room for. */
  constructor(file: string) {
    this.#directory = dirname(file);
    const { blocks, bsize } = statfsSync(this.#directory);
    this.#wantedBytes = steps(Math.min(SIZE_BYTES, (blocks * bsize) / SHARE));
    this.#descriptor = openSync(file, 'a', 0o600);
    this.#bytes = Math.min(steps(fstatSync(this.#descriptor).size), this.#wantedBytes);
    // a step that was not written whole, or the reserve of a larger disk
    ftruncateSync(this.#descriptor, this.#bytes);
    this.refill();
  }

  get isWhole(): boolean {
    return this.#bytes === this.#wantedBytes;
  }

  /** Whether a commit that may be refused leaves the room to those that may not. */
  get hasRoomBesides(): boolean {
    return this.isWhole || freeBytes(this.#directory) > this.#wantedBytes - this.#bytes + STEP_BYTES;
  }

  /** Gives one step back to the disk; false when nothing is left of it. */
  release(): boolean {
    if (this.#bytes === 0) return false;
    this.#bytes -= STEP_BYTES;
    ftruncateSync(this.#descriptor, this.#bytes);
    return true;
  }

  /** Some milliseconds, as it is not flushed. */
  refill(): void {
    try {
      while (!this.isWhole && freeBytes(this.#directory) > 2 * STEP_BYTES) {
        writeSync(this.#descriptor, BLOCKS);
        this.#bytes += STEP_BYTES;
      }
    } catch {
      // the disk is full again: the next one goes on
      ftruncateSync(this.#descriptor, this.#bytes);
    }
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

/** No zeros: some file systems store those without a block. */
const BLOCKS = randomBytes(STEP_BYTES);

const steps = (bytes: number): number => Math.floor(bytes / STEP_BYTES) * STEP_BYTES;

function freeBytes(directory: string): number {
  const { bfree, bsize } = statfsSync(directory);
  return bfree * bsize;
}
