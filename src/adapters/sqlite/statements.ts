/** The statements of a database: each is prepared once. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';

export type Row = Record<string, unknown>;

export type Statements = {
  readonly sql: (text: string) => StatementSync;
  /** The one row of a statement that always has one. */
  readonly one: (text: string) => Row;
};

export function statements(database: DatabaseSync): Statements {
  const prepared = new Map<string, StatementSync>();
  function sql(text: string): StatementSync {
    const statement = prepared.get(text) ?? database.prepare(text);
    prepared.set(text, statement);
    return statement;
  }
  return { sql, one: (text) => sql(text).get() as Row };
}
