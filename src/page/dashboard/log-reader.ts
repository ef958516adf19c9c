/** Reads an app's log: its end, its beginning, or what is found in all of it; and goes on with what is written. */
import { useEffect, useState } from 'preact/hooks';
import { RuntimeError, type LogLine } from '../../client/browser.ts';
import { joinPieces, readable, type Open } from './log-text.ts';
import { manager } from './session.ts';

const TAIL = 1000;
/** Older ones are let go: the file has them. */
const MAX_LINES = 20_000;
/** So many are read at once, and drawn. */
export const PAGE_SIZE = 2000;
const WAIT_MS = 25_000;
const RETRY_MS = 1000;

const PASSING: ReadonlySet<string> = new Set(['UNREACHABLE', 'ABORTED', 'TIMED_OUT']);

export type Wish = {
  /** Looked for in the whole log, whatever its case; empty: every line. */
  readonly find: string;
  readonly fromBeginning: boolean;
};

export type Log = {
  /** Those that are wanted, as text that can be read. */
  readonly lines: readonly LogLine[];
  /** Those that were wanted, also the ones that were let go. */
  readonly found: number;
  readonly read: number;
  readonly ended: boolean;
  /** There are more, for who asks. */
  readonly pauses: boolean;
  readonly fault?: RuntimeError;
};

const GAP: LogLine = { time: '', stream: 'stderr', text: '… lines may be missing here …', partial: false };

const EMPTY: Log = { lines: [], found: 0, read: 0, ended: false, pauses: false };

/** The daemon may be restarted meanwhile: the cursor holds. `more`: the next page of a log that is read from its beginning. */
export function useLog(id: string, { find, fromBeginning }: Wish): Log & { readonly more: () => void } {
  const [log, setLog] = useState<Log>(EMPTY);
  const [more, setMore] = useState<() => void>(() => () => undefined);
  useEffect(() => {
    const over = new AbortController();
    const reader = new Reader(id, { find, fromBeginning, signal: over.signal, tell: setLog });
    setLog(EMPTY);
    setMore(() => () => reader.more());
    void reader.read();
    return () => over.abort();
  }, [id, find, fromBeginning]);
  return { ...log, more };
}

type Reading = Wish & { readonly signal: AbortSignal; readonly tell: (log: Log) => void };
type Place = { readonly tail?: number; readonly cursor?: string; readonly waitMs?: number };

class Reader {
  readonly #id: string;
  readonly #reading: Reading;
  #log: Log = EMPTY;
  #whole: readonly LogLine[] = [];
  #open: Open = new Map();
  #found = 0;
  #read = 0;
  #wanted = PAGE_SIZE;
  #goOn: () => void = () => undefined;

  constructor(id: string, reading: Reading) {
    this.#id = id;
    this.#reading = reading;
  }

  more(): void {
    this.#wanted = this.#log.lines.length + PAGE_SIZE;
    this.#goOn();
  }

  async read(): Promise<void> {
    const { find, fromBeginning, signal } = this.#reading;
    const isPaged = fromBeginning && find === '';
    let place: Place = fromBeginning || find !== '' ? {} : { tail: TAIL };
    while (!signal.aborted) {
      try {
        const page = await manager().getLogs({ appInstanceId: this.#id, limit: PAGE_SIZE, ...place }, { signal });
        const isFull = page.lines.length === PAGE_SIZE;
        place = { cursor: page.cursor, waitMs: isFull ? 0 : WAIT_MS };
        const pauses = isPaged && isFull && this.#log.lines.length + PAGE_SIZE >= this.#wanted;
        if (page.gap === true) this.#markGap();
        this.#take(page.lines, { ended: page.ended, pauses });
        if (pauses) await this.#asked();
        // it may be run again
        if (page.ended && page.lines.length === 0) await rest(signal);
      } catch (thrown) {
        const fault = RuntimeError.of(thrown);
        // ABORTED is also our own end: the loop sees it
        if (!PASSING.has(fault.code)) {
          this.#tell({ ...this.#log, fault });
          return;
        }
        await rest(signal);
      }
    }
  }

  #take(pieces: readonly LogLine[], state: Pick<Log, 'ended' | 'pauses'>): void {
    const { lines, open } = joinPieces(pieces, this.#open);
    this.#open = open;
    const wanted = this.#wantedOf(lines);
    this.#whole = [...this.#whole, ...wanted].slice(-MAX_LINES);
    this.#found += wanted.length;
    this.#read += lines.length;
    // what has no end yet is shown as it is now
    const begun = this.#wantedOf([...open.values()]);
    this.#tell({
      lines: [...this.#whole, ...begun],
      found: this.#found + begun.length,
      read: this.#read + open.size,
      ...state,
    });
  }

  /** What has begun before it has no end. */
  #markGap(): void {
    const broken = this.#wantedOf([...this.#open.values()]);
    this.#open = new Map();
    this.#whole = [...this.#whole, ...broken, GAP];
    this.#found += broken.length;
    this.#read += broken.length;
  }

  #wantedOf(lines: readonly LogLine[]): readonly LogLine[] {
    const words = this.#reading.find.toLowerCase();
    return lines
      .map((line) => ({ ...line, text: readable(line.text) }))
      .filter(({ text }) => text.toLowerCase().includes(words));
  }

  #tell(log: Log): void {
    this.#log = log;
    if (!this.#reading.signal.aborted) this.#reading.tell(log);
  }

  #asked(): Promise<void> {
    return new Promise((resolve) => {
      this.#goOn = resolve;
      this.#reading.signal.addEventListener('abort', () => resolve());
    });
  }
}

const rest = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, RETRY_MS);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
