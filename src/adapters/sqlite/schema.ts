/** Tables of state.db. The journal's records are JSON: they are read whole, and only the events are searched. */
export const SCHEMA_VERSION = 1;

export const SCHEMA = `
  CREATE TABLE instance (id TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE user_id (app TEXT PRIMARY KEY, lease TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE event (seq INTEGER PRIMARY KEY AUTOINCREMENT, instance TEXT NOT NULL, body TEXT NOT NULL);
  CREATE INDEX event_by_instance ON event (instance, seq);
`;
