/** All processes of the machine, as /proc has them at one moment. Looking costs a read or two each, so many ask for one look. */
import { open, readdir } from 'node:fs/promises';
import { isErrno } from '../../domain/errors.ts';

export type ProcessEntry = {
  readonly pid: number;
  /** Name of the program, of at most 15 bytes (proc(5), comm). */
  readonly name: string;
  /** The first 32 KiB of them. */
  readonly args: readonly string[];
};

/** So many processes are read at a time: a look takes no more descriptors and no more of the thread pool, however many there are. */
const AT_ONCE = 8;
/** Of a command line: those of our helpers are short, and an app can have one of megabytes. */
const HEAD_BYTES = 32_768;

/** Undefined: it has ended. Anything else is an error: who is not seen is taken for gone. */
export async function unlessEnded<Result>(reading: Promise<Result>): Promise<Result | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESRCH')) return undefined;
    throw error;
  }
}

async function readHead(path: string): Promise<string> {
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(HEAD_BYTES), 0, HEAD_BYTES, null);
  return buffer.toString('utf8', 0, bytesRead);
}

async function entryOf(pid: number): Promise<ProcessEntry | undefined> {
  const cmdline = await unlessEnded(readHead(`/proc/${pid}/cmdline`));
  const comm = await unlessEnded(readHead(`/proc/${pid}/comm`));
  return cmdline === undefined || comm === undefined
    ? undefined
    : { pid, name: comm.trim(), args: cmdline.split('\0') };
}

async function look(): Promise<readonly ProcessEntry[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found: ProcessEntry[] = [];
  const next = pids.values();
  const worker = async (): Promise<void> => {
    for (const pid of next) {
      const entry = await entryOf(pid);
      if (entry !== undefined) found.push(entry);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return found;
}

export class ProcessTable {
  readonly #look: () => Promise<readonly ProcessEntry[]>;
  #running: Promise<unknown> | undefined;
  #next: Promise<readonly ProcessEntry[]> | undefined;

  constructor(takeLook: () => Promise<readonly ProcessEntry[]> = look) {
    this.#look = takeLook;
  }

  /**
   * A look that begins after this call, so that it sees all that was there then; who asks while one is under way shares the next
   * one. Rejects when a process that is there could not be read.
   */
  now(): Promise<readonly ProcessEntry[]> {
    this.#next ??= this.#after(this.#running);
    return this.#next;
  }

  async #after(running: Promise<unknown> | undefined): Promise<readonly ProcessEntry[]> {
    // also without one under way it begins in a later turn: those who ask in this one share it
    await running?.catch(() => undefined);
    const entries = this.#look();
    this.#running = entries;
    this.#next = undefined;
    return entries;
  }
}
