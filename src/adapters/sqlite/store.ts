/**
 * state.db itself: node:sqlite in WAL mode. Its commits reach the page cache (they survive the daemon), and the journal
 * flushes them to the disk (then they survive a power cut) without holding up the event loop: so nothing here
 * waits for a disk (but for one small write when the log begins anew).
 */
import { DatabaseSync } from 'node:sqlite';
import type { AppEvent, EventPage } from '../../domain/events.ts';
import type { Change, EventQuery, Remembered } from '../../ports/journal.ts';
import type { EventBounds } from './event-bounds.ts';
import { EventLog } from './event-log.ts';
import { newerVersion } from './open-fault.ts';
import { readInstances, readLeases } from './records.ts';
import { MIGRATIONS, SCHEMA_VERSION } from './schema.ts';
import { statements, type Row, type Statements } from './statements.ts';

export type StoreOptions = EventBounds & { readonly file: string };

export class Store {
  readonly #database: DatabaseSync;
  readonly #sql: Statements['sql'];
  readonly #one: Statements['one'];
  readonly #log: EventLog;

  /** Throws when another process holds the file: the lock is the kernel's, so it ends with its process, kill -9 included. */
  constructor({ file, ...bounds }: StoreOptions) {
    this.#database = new DatabaseSync(file);
    // NORMAL: a commit does not flush; FULL's flush at each commit is the journal's. Checkpoints are the journal's to time.
    this.#database.exec(
      'PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0;',
    );
    const { sql, one } = statements(this.#database);
    this.#sql = sql;
    this.#one = one;
    this.#migrate();
    this.#log = new EventLog(this.#database, bounds);
  }

  #migrate(): void {
    const version = Number(this.#one('PRAGMA user_version')['user_version']);
    if (version > SCHEMA_VERSION) throw newerVersion(version);
    for (let next = version + 1; next <= SCHEMA_VERSION; next++) {
      this.#database.exec(`BEGIN; ${MIGRATIONS[next] ?? ''} PRAGMA user_version = ${next}; COMMIT;`);
    }
  }

  get lastSeq(): number {
    return this.#log.lastSeq;
  }

  /** More is to be dropped than one commit dropped: another one, also an empty one, goes on with it. */
  get isOverfull(): boolean {
    return this.#log.isOverfull;
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
      lastSeq: this.#log.lastSeq,
    };
  }

  /** Several changes as one transaction: one flush to the disk for all that came together. Each is whole or none is. */
  commitAll(changes: readonly Change[], time: string): readonly (readonly AppEvent[])[] {
    this.#database.exec('BEGIN IMMEDIATE');
    const seqBefore = this.#log.lastSeq;
    try {
      const events = changes.map((change) => this.#apply(change, time));
      this.#log.prune(time);
      this.#database.exec('COMMIT');
      return events;
    } catch (error) {
      // a full disk makes SQLite roll back by itself (sqlite.org/lang_transaction.html §2.3)
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      this.#log.restore(seqBefore);
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
    return (change.events ?? []).map((body) => this.#log.add(body, time));
  }

  /** `upTo`: the last event that may be seen. */
  events(query: EventQuery & { readonly upTo: number }): EventPage {
    return this.#log.page(query);
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
