/** Databases: transactions, locks, shared memory, many processes. */
import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { APP_TREE, inNetworkOf } from '../../lib/packages.ts';
import { pythonProgram } from './servers.ts';
import { answersAt, ask, type Live, type Subject } from './subject.ts';

const BINARIES = '/usr/lib/postgresql/*/bin';
const IDS = 20;

const START = `set -e
bin=$(echo ${BINARIES})
"$bin/initdb" -D /data/pg -U app -A trust --locale=C.UTF-8 -E UTF8 --no-sync >/dev/null
exec "$bin/postgres" -D /data/pg -k /data -c listen_addresses=127.0.0.1 -c max_connections=20 -c jit=off`;

async function psql(live: Live, statement: string): Promise<string> {
  const [binaries = ''] = globSync(join(APP_TREE, BINARIES));
  const program = join(binaries, 'psql').slice(APP_TREE.length);
  const argv = [
    program,
    '-h',
    '127.0.0.1',
    '-U',
    'app',
    '-d',
    'postgres',
    '-v',
    'ON_ERROR_STOP=1',
    '-AtXqc',
    statement,
  ];
  return (await inNetworkOf(await live.pid(), argv, { root: APP_TREE })).trim();
}

const SUM = `SELECT count(*), sum(balance), md5(string_agg(id || ':' || owner, ',' ORDER BY id)) FROM accounts`;

export const postgres: Subject = {
  name: 'postgres',
  what: 'PostgreSQL, 6 processes, shared memory, TCP listener',
  ownMiB: 5,
  app: async ({ directory, firstUid }) => {
    // it insists on a name for its user
    const names = Array.from({ length: IDS }, (_, n) => `app${n}:x:${firstUid + n}:${firstUid + n}::/data:/bin/sh\n`);
    const passwd = join(directory, 'passwd');
    await writeFile(passwd, names.join(''), { mode: 0o644 });
    return {
      rootfs: { dir: APP_TREE },
      args: ['/bin/sh', '-c', START],
      mounts: [{ source: passwd, destination: '/etc/passwd', readOnly: true }],
    };
  },
  fill: async (live) => {
    await psql(
      live,
      `CREATE TABLE accounts (id int PRIMARY KEY, owner text NOT NULL, balance int NOT NULL);
       INSERT INTO accounts SELECT n, 'owner ' || n, 100 FROM generate_series(1, 5000) n;
       CREATE TABLE rounds (round int PRIMARY KEY)`,
    );
  },
  state: async (live) => ({
    accounts: await psql(live, SUM),
    startedAt: await psql(live, 'SELECT pg_postmaster_start_time()'),
    settings: await psql(
      live,
      "SELECT pg_size_pretty(setting::bigint * 8192) FROM pg_settings WHERE name = 'shared_buffers'",
    ),
  }),
  work: async (live, round) => {
    await psql(
      live,
      `BEGIN; UPDATE accounts SET balance = balance - 10 WHERE id = ${round};
       UPDATE accounts SET balance = balance + 10 WHERE id = ${round + 100}; INSERT INTO rounds VALUES (${round}); COMMIT`,
    );
    await psql(live, `BEGIN; DELETE FROM accounts; ROLLBACK`);
    await psql(live, 'CHECKPOINT');
    assert.equal(await psql(live, 'SELECT count(*), max(round) FROM rounds'), `${round}|${round}`);
    assert.match(await psql(live, SUM), /^5000\|500000\|/);
  },
};

export const sqlite: Subject = {
  name: 'sqlite',
  what: 'Python with SQLite (WAL), transaction under way',
  ownMiB: 4,
  app: async () => pythonProgram('notes_in_sqlite.py'),
  fill: answersAt('/state'),
  state: (live) => ask(live, '/state'),
  work: async (live, round) => {
    assert.deepEqual(await ask(live, '/work'), { integrity: 'ok', rounds: round });
  },
};
