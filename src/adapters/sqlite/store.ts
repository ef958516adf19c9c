/**
 * state.db itself: node:sqlite in WAL mode. Its commits reach the page cache (they survive the daemon), and the journal
 * flushes them to the disk (then they survive a power cut) without holding up the event loop: so nothing here
 * waits for a disk (but for one small write when the log begins anew).
 */
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { AppEvent, EventPage } from '../../domain/events.ts';
import type { Change, EventQuery, Remembered } from '../../ports/journal.ts';
import { lastToDrop, PRUNE_LOT, type EventBounds } from './event-bounds.ts';
import { newerVersion } from './open-fault.ts';
import { jsonOf, readInstances, readLeases } from './records.ts';
import { SCHEMA, SCHEMA_VERSION } from './schema.ts';

export type StoreOptions = EventBounds & { readonly file: string };

type Row = Record<string, unknown>;

export class Store {
  readonly #database: DatabaseSync;
  readonly #bounds: EventBounds;
  readonly #prepared = new Map<string, StatementSync>();
  readonly #pageBytes: number;
  #firstSeq: number;
  #lastSeq: number;
  /** Time of the oldest event, and which that was: it is read anew only when another one is the oldest. */
  #oldest: { readonly seq: number; readonly time: string } | undefined;
  #isOverfull = false;

  /** Throws when another process holds the file: the lock is the kernel's, so it ends with its process, kill -9 included. */
  constructor({ file, ...bounds }: StoreOptions) {
    this.#bounds = bounds;
    this.#database = new DatabaseSync(file);
    // NORMAL: a commit does not flush; FULL's flush at each commit is the journal's. Checkpoints are the journal's to time.
    this.#database.exec(
      'PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0;',
    );
    this.#migrate();
    this.#lastSeq = Number(
      this.#one("SELECT coalesce(max(seq), 0) AS seq FROM sqlite_sequence WHERE name = 'event'")['seq'],
    );
    this.#firstSeq = this.#readFirst();
    this.#pageBytes = Number(this.#one('PRAGMA page_size')['page_size']);
  }

  #readFirst(): number {
    return Number(this.#one('SELECT min(seq) AS seq FROM event')['seq'] ?? this.#lastSeq + 1);
  }

  #migrate(): void {
    const version = Number(this.#one('PRAGMA user_version')['user_version']);
    if (version > SCHEMA_VERSION) throw newerVersion(version);
    if (version < 1) this.#database.exec(`BEGIN; ${SCHEMA} PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT;`);
  }

  #sql(sql: string): StatementSync {
    const known = this.#prepared.get(sql) ?? this.#database.prepare(sql);
    this.#prepared.set(sql, known);
    return known;
  }

  #one(sql: string): Row {
    return this.#sql(sql).get() as Row;
  }

  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** More is to be dropped than one commit dropped: another one, also an empty one, goes on with it. */
  get isOverfull(): boolean {
    return this.#isOverfull;
  }

  load(): Remembered {
    const all = (sql: string): readonly Row[] => this.#sql(sql).all();
    const instances = readInstances(all('SELECT id AS key, record FROM instance'));
    const leases = readLeases(all('SELECT app AS key, lease FROM user_id'));
    return {
      instances: instances.whole,
      userIds: leases.whole,
      damaged: [...instances.damaged, ...leases.damaged],
      facts: Object.fromEntries(
        all('SELECT name, value FROM fact').map((row) => [row['name'], row['value']]),
      ) as Remembered['facts'],
      lastSeq: this.#lastSeq,
    };
  }

  /** Several changes as one transaction: one flush to the disk for all that came together. Each is whole or none is. */
  commitAll(changes: readonly Change[], time: string): readonly (readonly AppEvent[])[] {
    this.#database.exec('BEGIN IMMEDIATE');
    const seqBefore = this.#lastSeq;
    try {
      const events = changes.map((change) => this.#apply(change, time));
      this.#prune(time);
      this.#database.exec('COMMIT');
      return events;
    } catch (error) {
      // a full disk makes SQLite roll back by itself (sqlite.org/lang_transaction.html §2.3)
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      this.#lastSeq = seqBefore;
      this.#firstSeq = this.#readFirst();
      throw error;
    }
  }

  #apply(change: Change, time: string): readonly AppEvent[] {
    for (const record of change.instances ?? []) {
      this.#sql('INSERT OR REPLACE INTO instance VALUES (?, ?)').run(record.appInstanceId, JSON.stringify(record));
    }
    for (const id of change.forgotten ?? []) this.#sql('DELETE FROM instance WHERE id = ?').run(id);
    for (const lease of change.userIds ?? []) {
      this.#sql('INSERT OR REPLACE INTO user_id VALUES (?, ?)').run(lease.appId, JSON.stringify(lease));
    }
    for (const app of change.droppedUserIds ?? []) this.#sql('DELETE FROM user_id WHERE app = ?').run(app);
    for (const [name, value] of Object.entries(change.facts ?? {})) {
      this.#sql('INSERT OR REPLACE INTO fact VALUES (?, ?)').run(name, value);
    }
    return (change.events ?? []).map((body) => {
      const event: AppEvent = { seq: this.#lastSeq + 1, time, ...body };
      this.#sql('INSERT INTO event VALUES (?, ?, ?)').run(event.seq, event.appInstanceId, JSON.stringify(event));
      this.#lastSeq = event.seq;
      return event;
    });
  }

  #prune(time: string): void {
    const size = { first: this.#firstSeq, last: this.#lastSeq, usedBytes: this.#usedBytes() };
    const upTo = lastToDrop(size, this.#bounds, this.#firstYoung(time));
    this.#isOverfull = upTo - this.#firstSeq + 1 >= PRUNE_LOT;
    if (upTo < this.#firstSeq) return;
    this.#sql('DELETE FROM event WHERE seq <= ?').run(upTo);
    this.#firstSeq = upTo + 1;
  }

  #usedBytes(): number {
    const pages = Number(this.#one('PRAGMA page_count')['page_count']);
    return (pages - Number(this.#one('PRAGMA freelist_count')['freelist_count'])) * this.#pageBytes;
  }

  /** The first event of the next lot that is not too old: times are ISO 8601 of one form, so they compare as text. */
  #firstYoung(time: string): number {
    const first = this.#firstSeq;
    const oldestAllowed = new Date(Date.parse(time) - this.#bounds.maxEventAgeMs).toISOString();
    if (this.#oldest?.seq !== first) {
      const row = this.#sql("SELECT body ->> '$.time' AS time FROM event WHERE seq = ?").get(first);
      this.#oldest = row === undefined ? undefined : { seq: first, time: String(row['time']) };
    }
    if (this.#oldest === undefined || this.#oldest.time >= oldestAllowed) return first;
    const young = this.#sql(
      "SELECT seq FROM event WHERE seq > ? AND seq < ? AND body ->> '$.time' >= ? ORDER BY seq LIMIT 1",
    ).get(first, first + PRUNE_LOT, oldestAllowed);
    return young === undefined ? first + PRUNE_LOT : Number(young['seq']);
  }

  /** `upTo`: the last event that may be seen. */
  events({ since, limit, appInstanceId, newest = false, upTo }: EventQuery & { readonly upTo: number }): EventPage {
    const only = appInstanceId === undefined ? '' : 'instance = ? AND ';
    const order = newest ? 'DESC' : 'ASC';
    const rows = this.#sql(
      `SELECT body FROM event WHERE ${only}seq > ? AND seq <= ? ORDER BY seq ${order} LIMIT ?`,
    ).all(...(appInstanceId === undefined ? [] : [appInstanceId]), since, upTo, limit);
    if (newest) rows.reverse();
    // one that is damaged is left out, and its number is missing
    const events = rows.flatMap((row) => (jsonOf(row['body']) as AppEvent | undefined) ?? []);
    return { events, firstSeq: this.#firstSeq, lastSeq: upTo };
  }

  /**
   * Copies the log's pages into the database file, unflushed. The caller flushes the database file before the next commit,
   * because that one begins the log anew. Source: sqlite.org/wal.html "Checkpointing"; pragma synchronous.
   */
  checkpoint(): void {
    try {
      this.#database.exec('PRAGMA synchronous = OFF; PRAGMA wal_checkpoint(PASSIVE);');
    } finally {
      this.#database.exec('PRAGMA synchronous = NORMAL;');
    }
  }

  /** After a checkpoint that is on disk: the log file itself becomes small again. */
  shortenLog(): void {
    this.#database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  }

  close(): void {
    this.#database.close();
  }
}
