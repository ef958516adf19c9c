/** The events in state.db: added, read, and dropped when they are too old or too many. Its caller holds the transaction. */
import type { DatabaseSync } from 'node:sqlite';
import type { AppEvent, EventPage, NewEvent } from '../../domain/events.ts';
import type { EventQuery } from '../../ports/journal.ts';
import { ALWAYS_KEPT, PRUNE_LOT, shareOf, surplusOf, type EventBounds } from './event-bounds.ts';
import { jsonOf } from './records.ts';
import { statements, type Row, type Statements } from './statements.ts';

export class EventLog {
  readonly #bounds: EventBounds;
  readonly #sql: Statements['sql'];
  readonly #one: Statements['one'];
  readonly #pageBytes: number;
  #firstSeq: number;
  #lastSeq: number;
  /** Of each instance. Counted once the log may be too long: a long log costs nothing at the start. */
  #counts: Map<string, number> | undefined;
  /** Of all instances, while they are counted. */
  #total = 0;
  /** Time of the oldest event, and which that was: it is read again only when another one is the oldest. */
  #oldest: { readonly seq: number; readonly time: string } | undefined;
  #isOverfull = false;

  constructor(database: DatabaseSync, bounds: EventBounds) {
    const { sql, one } = statements(database);
    this.#sql = sql;
    this.#one = one;
    this.#bounds = bounds;
    this.#lastSeq = Number(
      this.#one("SELECT coalesce(max(seq), 0) AS seq FROM sqlite_sequence WHERE name = 'event'")['seq'],
    );
    this.#firstSeq = this.#readFirst();
    this.#pageBytes = Number(this.#one('PRAGMA page_size')['page_size']);
  }

  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** More is to be dropped than one commit dropped: another one, also an empty one, goes on with it. */
  get isOverfull(): boolean {
    return this.#isOverfull;
  }

  add(body: NewEvent, time: string): AppEvent {
    const event: AppEvent = { seq: this.#lastSeq + 1, time, ...body };
    const { seq, appInstanceId } = event;
    this.#sql('INSERT INTO event VALUES (?, ?, ?)').run(seq, appInstanceId, JSON.stringify(event));
    this.#lastSeq = seq;
    this.#count(appInstanceId, 1);
    return event;
  }

  /** After a transaction that was rolled back. */
  restore(lastSeq: number): void {
    this.#lastSeq = lastSeq;
    this.#firstSeq = this.#readFirst();
    this.#counts = undefined;
    this.#oldest = undefined;
  }

  /** `time`: now. At most a lot for each reason. */
  prune(time: string): void {
    const old = this.#dropUpTo(Math.min(this.#firstYoung(time) - 1, this.#lastSeq - ALWAYS_KEPT));
    const many = this.#surplus() === 0 ? 0 : this.#dropSurplus();
    this.#isOverfull = Math.max(old, many) >= PRUNE_LOT;
  }

  /** `upTo`: the last event that may be seen. */
  page({ since, limit, appInstanceId, newest = false, upTo }: EventQuery & { readonly upTo: number }): EventPage {
    const only = appInstanceId === undefined ? '' : 'instance = ? AND ';
    const order = newest ? 'DESC' : 'ASC';
    const rows = this.#sql(
      `SELECT body FROM event WHERE ${only}seq > ? AND seq <= ? ORDER BY seq ${order} LIMIT ?`,
    ).all(...(appInstanceId === undefined ? [] : [appInstanceId]), since, upTo, limit);
    if (newest) rows.reverse();
    // one that is damaged is left out, and its number is missing
    const events = rows.flatMap((row) => (jsonOf(row['body']) as AppEvent | undefined) ?? []);
    return { events, firstSeq: this.#firstSeqOf(appInstanceId), lastSeq: upTo };
  }

  #readFirst(): number {
    return Number(this.#one('SELECT min(seq) AS seq FROM event')['seq'] ?? this.#lastSeq + 1);
  }

  #firstSeqOf(instance: string | undefined): number {
    if (instance === undefined) return this.#firstSeq;
    const dropped = this.#sql('SELECT last FROM dropped WHERE instance = ?').get(instance);
    return Math.max(this.#firstSeq, Number(dropped?.['last'] ?? 0) + 1);
  }

  /** The numbers between both ends may have been dropped: counting is for a log that looks too long. */
  #surplus(): number {
    const usedBytes = this.#usedBytes();
    const atMost = this.#lastSeq - this.#firstSeq + 1;
    if (surplusOf({ events: atMost, usedBytes }, this.#bounds) === 0) return 0;
    if (this.#counts === undefined) this.#countAll();
    return surplusOf({ events: this.#total, usedBytes }, this.#bounds);
  }

  #countAll(): void {
    const rows = this.#sql('SELECT instance, count(*) AS events FROM event GROUP BY instance').all();
    this.#counts = new Map(rows.map((row) => [String(row['instance']), Number(row['events'])]));
    this.#total = rows.reduce((sum, row) => sum + Number(row['events']), 0);
  }

  #count(instance: string, change: number): void {
    if (this.#counts === undefined) return;
    this.#total += change;
    const events = (this.#counts.get(instance) ?? 0) + change;
    if (events > 0) this.#counts.set(instance, events);
    else this.#counts.delete(instance);
  }

  #dropSurplus(): number {
    const [noisiest, events] = [...(this.#counts ?? [])].reduce(
      (most, one) => (one[1] > most[1] ? one : most),
      ['', 0],
    );
    const isNoisy = events >= shareOf(this.#bounds) + PRUNE_LOT;
    const dropped = isNoisy ? this.#dropOf(noisiest) : 0;
    // none of it is old enough
    if (dropped > 0) return dropped;
    return this.#dropUpTo(Math.min(this.#firstSeq + PRUNE_LOT - 1, this.#lastSeq - ALWAYS_KEPT));
  }

  /** The oldest lot of an instance. */
  #dropOf(instance: string): number {
    const own = 'SELECT seq FROM event WHERE instance = ? AND seq <= ? ORDER BY seq LIMIT ?';
    const lot = this.#sql(`SELECT max(seq) AS last, count(*) AS events FROM (${own})`);
    const row = lot.get(instance, this.#lastSeq - ALWAYS_KEPT, PRUNE_LOT) as Row;
    const [last, events] = [Number(row['last']), Number(row['events'])];
    if (events === 0) return 0;
    this.#sql('DELETE FROM event WHERE instance = ? AND seq <= ?').run(instance, last);
    this.#sql('INSERT OR REPLACE INTO dropped VALUES (?, ?)').run(instance, last);
    this.#count(instance, -events);
    this.#firstSeq = this.#readFirst();
    return events;
  }

  #dropUpTo(last: number): number {
    if (last < this.#firstSeq) return 0;
    const rows = this.#sql('DELETE FROM event WHERE seq <= ? RETURNING instance').all(last);
    for (const row of rows) this.#count(String(row['instance']), -1);
    this.#firstSeq = this.#readFirst();
    this.#sql('DELETE FROM dropped WHERE last < ?').run(this.#firstSeq);
    return rows.length;
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
}
