/**
 * The journal on SQLite. Commits that come while the disk is busy wait for it together: one transaction and one flush for all of
 * them. The flush runs on the thread pool: it takes as long as the disk likes, and the event loop must not wait (a dump of 1 GB
 * next door makes a flush last seconds). It gives what `synchronous=FULL` gives: what was answered survives a power cut.
 */
import { open, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isErrno, RuntimeError } from '../../domain/errors.ts';
import type { AppEvent } from '../../domain/events.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Change, Journal } from '../../ports/journal.ts';
import { openFault } from './open-fault.ts';
import { Reserve } from './reserve.ts';
import { Store, type StoreOptions } from './store.ts';

type Options = StoreOptions & {
  readonly clock: Clock;
  /** A flush failed: what is on disk is not known, and only a new start that reads it can tell. */
  readonly fatal: (error: unknown) => void;
};

type Waiting = {
  readonly change: Change;
  readonly resolve: (events: readonly AppEvent[]) => void;
  readonly reject: (error: unknown) => void;
};
type Written = { readonly waiting: Waiting; readonly events: readonly AppEvent[] };

/** Old events are looked for also while nothing happens; and the next of many lots goes when the others had a turn. */
const TIDY_EVERY_MS = 600_000;
const TIDY_PAUSE_MS = 10;
const REFILL_EVERY_MS = 5000;
/** The log is copied into the database when it has grown to this: some hundred commits. */
const CHECKPOINT_BYTES = 4 * 2 ** 20;
const SQLITE_FULL = 13;

/** Opens state.db. Throws ALREADY_RUNNING when another daemon holds it, CORRUPT_FILE when it is no database of ours. */
export async function openJournal({ clock, fatal, ...options }: Options): Promise<Journal> {
  const store = openStore(options);
  // open as long as the database: closing any descriptor of a file gives up the process's locks on it (fcntl(2))
  const files = { database: await open(options.file, 'r+'), log: await open(`${options.file}-wal`, 'r+') };
  const reserve = new Reserve(join(dirname(options.file), 'reserve'));
  const writer = new Writer(store, files, { clock, fatal, reserve });
  return {
    load: () => Promise.resolve(store.load()),
    commit: (change) => writer.commit(change),
    events: async (query) => store.events({ ...query, upTo: writer.durableSeq }),
    close: async () => {
      await writer.end();
      store.close();
      reserve.close();
      await Promise.all(Object.values(files).map((file) => file.close()));
    },
  };
}

type Means = Pick<Options, 'clock' | 'fatal'> & { readonly reserve: Reserve };
type Files = { readonly database: FileHandle; readonly log: FileHandle };

class Writer {
  readonly #store: Store;
  readonly #files: Files;
  readonly #clock: Clock;
  readonly #fatal: Options['fatal'];
  readonly #reserve: Reserve;
  #waiting: Waiting[] = [];
  #flushing: Promise<void> | undefined;
  #durableSeq: number;
  #tidying: NodeJS.Timeout | undefined;
  #isEnding = false;

  constructor(store: Store, files: Files, { clock, fatal, reserve }: Means) {
    this.#fatal = fatal;
    this.#reserve = reserve;
    this.#store = store;
    this.#files = files;
    this.#clock = clock;
    this.#durableSeq = store.lastSeq;
    this.#tidyLater();
  }

  /** Nobody is to see an event that a power cut could still take away. */
  get durableSeq(): number {
    return this.#durableSeq;
  }

  commit(change: Change): Promise<readonly AppEvent[]> {
    return new Promise((resolve, reject) => {
      // neither promised nor refused, as when the daemon is killed: an operation that is refused would undo what it has done
      if (this.#isEnding) return;
      this.#waiting.push({ change, resolve, reject });
      // what fails for a change is told its caller; anything else leaves the journal in a state that nobody knows
      if (this.#flushing === undefined) (this.#flushing = this.#flushAll()).catch(this.#fatal);
    });
  }

  /** What has come by now is written; what comes later is not taken, and never answered. */
  async end(): Promise<void> {
    this.#isEnding = true;
    clearTimeout(this.#tidying);
    await this.#flushing;
  }

  /** Every commit drops some of what is too old or too much; this one has nothing else to do. */
  #tidyLater(): void {
    clearTimeout(this.#tidying);
    if (this.#isEnding) return;
    const pauseMs = this.#store.isOverfull ? TIDY_PAUSE_MS : this.#reserve.isWhole ? TIDY_EVERY_MS : REFILL_EVERY_MS;
    const tidy = (): void => {
      this.#reserve.refill();
      // a full disk: the next one tries again
      this.commit({}).catch(() => undefined);
    };
    this.#tidying = setTimeout(tidy, pauseMs).unref();
  }

  async #flushAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      const written = this.#write(this.#admitted(batch));
      try {
        await this.#files.log.datasync();
      } catch (error) {
        // nobody knows what the disk holds now (fsync(2)); neither promised nor refused would be true
        this.#fatal(error);
        for (const { waiting } of written) waiting.reject(journalError(error));
        continue;
      }
      this.#durableSeq = this.#store.lastSeq;
      for (const { waiting, events } of written) waiting.resolve(events);
      await this.#checkpointIfLong();
    }
    // in the same turn as the last look at those that wait: who comes after it begins a flush of his own
    this.#flushing = undefined;
    this.#tidyLater();
  }

  /** One transaction for all; when that fails, each by itself, so that only the guilty one fails. */
  #write(batch: readonly Waiting[]): readonly Written[] {
    if (batch.length === 0) return [];
    const time = this.#clock.now();
    try {
      const events = this.#store.commitAll(
        batch.map(({ change }) => change),
        time,
      );
      return batch.map((waiting, index) => ({ waiting, events: events[index] ?? [] }));
    } catch (error) {
      if (batch.length > 1) return batch.flatMap((one) => this.#write([one]));
      if (isFull(error) && batch[0]?.change.essential === true && this.#reserve.release()) return this.#write(batch);
      batch[0]?.reject(journalError(error));
      return [];
    }
  }

  /** What the reserve is short of is not for those that can be refused. */
  #admitted(batch: readonly Waiting[]): readonly Waiting[] {
    if (this.#reserve.hasRoomBesides) return batch;
    const isAdmitted = ({ change }: Waiting): boolean => change.essential === true;
    for (const { reject } of batch.filter((one) => !isAdmitted(one))) reject(journalError(NO_ROOM));
    return batch.filter(isAdmitted);
  }

  /** What was answered is in the log and stays true; a checkpoint that does not succeed is tried again with the next commit. */
  async #checkpointIfLong(): Promise<void> {
    const { database, log } = this.#files;
    try {
      if ((await log.stat()).size < CHECKPOINT_BYTES) return;
      this.#store.checkpoint();
    } catch {
      // a full disk: the log grows on
      return;
    }
    // the next commit begins the log anew: the database must be on disk by then, or the daemon must not go on
    await database.datasync().then(() => {
      this.#store.shortenLog();
    }, this.#fatal);
  }
}

function journalError(error: unknown): RuntimeError {
  const { code, next } = isFull(error) ? { code: 'NO_SPACE' as const, next: ROOM } : RuntimeError.of(error);
  return new RuntimeError(code, { what: 'the journal could not be written', next, cause: error });
}

const NO_ROOM = Object.assign(new Error('what room is left is kept for the ends of apps'), { code: 'ENOSPC' });
const ROOM = 'make room on the disk of the state directory';
const isFull = (error: unknown): boolean =>
  isErrno(error, 'ENOSPC', 'EDQUOT') || (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_FULL);

function openStore(options: StoreOptions): Store {
  try {
    return new Store(options);
  } catch (error) {
    throw openFault(options.file, error);
  }
}
