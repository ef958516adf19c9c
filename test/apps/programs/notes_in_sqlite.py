"""Keeps notes in SQLite on /data, with the connection open and a transaction under way while it is hibernated."""
import hashlib
import sqlite3

from answering import serve

database = sqlite3.connect('/data/notes.db', isolation_level=None, check_same_thread=False)
database.execute('PRAGMA journal_mode = WAL')
database.execute('CREATE TABLE notes (id INTEGER PRIMARY KEY, words TEXT NOT NULL)')
database.executemany('INSERT INTO notes (words) VALUES (?)', ((f'note {n}',) for n in range(2000)))
# never committed before it is asked for: only memory and a lock know of it
database.execute('BEGIN IMMEDIATE')
database.execute("INSERT INTO notes (words) VALUES ('under way 0')")
rounds = 0


def state():
    rows = database.execute('SELECT id, words FROM notes ORDER BY id').fetchall()
    return {
        'rows': len(rows),
        'digest': hashlib.sha256(repr(rows).encode()).hexdigest(),
        'inTransaction': database.in_transaction,
    }


def work():
    """Commits what was under way, and begins anew."""
    global rounds
    rounds += 1
    database.execute('COMMIT')
    (check,) = database.execute('PRAGMA integrity_check').fetchone()
    database.execute('BEGIN IMMEDIATE')
    database.execute('INSERT INTO notes (words) VALUES (?)', (f'under way {rounds}',))
    return {'integrity': check, 'rounds': rounds}


serve({'/state': state, '/work': work})
