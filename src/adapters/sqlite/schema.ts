/** Tables of state.db. The journal's records are JSON: they are read whole, and only the events are searched. */
export const SCHEMA_VERSION = 2;

/** From the version before to each version. */
export const MIGRATIONS: Readonly<Record<number, string>> = {
  1: `
    CREATE TABLE instance (id TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE user_id (app TEXT PRIMARY KEY, lease TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE event (seq INTEGER PRIMARY KEY AUTOINCREMENT, instance TEXT NOT NULL, body TEXT NOT NULL);
    CREATE INDEX event_by_instance ON event (instance, seq);
  `,
  // of an instance that had more than its share: its events up to this one are gone, while older ones of others are kept
  2: 'CREATE TABLE dropped (instance TEXT PRIMARY KEY, last INTEGER NOT NULL) WITHOUT ROWID;',
};
