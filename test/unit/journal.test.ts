/** The journal on a real file, on a real disk. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openJournal } from '../../src/adapters/sqlite/journal.ts';
import { appInstanceId } from '../../src/domain/ids.ts';
import type { Journal } from '../../src/ports/journal.ts';
import { change, instanceRecord, lease } from '../lib/journal-records.ts';
import { refusal } from '../lib/refusal.ts';

const clock = { now: () => '2026-01-01T00:00:00.000Z', sleep: () => Promise.resolve() };
const bounds = { maxEventBytes: 2 ** 30, maxEventAgeMs: 2 ** 40 };
const open = (file: string, maxEvents = 100_000): Promise<Journal> =>
  openJournal({ file, maxEvents, ...bounds, clock, fatal: (error) => assert.ifError(error) });

async function place(): Promise<AsyncDisposable & { readonly file: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'rmt-journal-'));
  return { file: join(directory, 'state.db'), [Symbol.asyncDispose]: () => rm(directory, { recursive: true }) };
}

test('what was committed is there after closing and opening: instances, leases, facts, events', async () => {
  await using at = await place();
  const one = await open(at.file);
  await one.commit(change(1));
  await one.commit({
    instances: [{ ...instanceRecord('a'), state: 'RUNNING' }],
    userIds: [lease('x'), lease('y')],
    facts: { engine: 'runc' },
  });
  await one.commit({
    instances: [instanceRecord('b')],
    droppedUserIds: [lease('y').appId],
    facts: { other: '1', engine: 'crun' },
  });
  await one.commit({ forgotten: [appInstanceId('b')] });
  const before = await one.load();
  await one.close();
  const again = await open(at.file);
  const after = await again.load();
  assert.deepEqual(after, before);
  assert.deepEqual(
    after.instances.find((record) => record.appInstanceId === 'a'),
    { ...instanceRecord('a'), state: 'RUNNING' },
  );
  assert.equal(
    after.instances.find((record) => record.appInstanceId === 'b'),
    undefined,
  );
  assert.deepEqual(after.userIds, [lease('x')]);
  assert.deepEqual(after.facts, { engine: 'crun', other: '1' });
  await again.close();
});

test('a thousand commits at once are numbered without holes, in the order of the calls', async () => {
  await using at = await place();
  const journal = await open(at.file);
  const all = await Promise.all(Array.from({ length: 1000 }, (_, index) => journal.commit(change(index))));
  const seqs = all.flatMap((events) => events.map(({ seq }) => seq));
  assert.deepEqual(
    seqs,
    Array.from({ length: seqs.length }, (_, index) => index + 1),
  );
  const page = await journal.events({ since: 0, limit: 10_000 });
  assert.deepEqual(
    page.events.map(({ seq }) => seq),
    seqs,
  );
  assert.deepEqual([page.firstSeq, page.lastSeq], [1, seqs.length]);
  await journal.close();
});

test('the last events of an instance can be asked for, oldest first', async () => {
  await using at = await place();
  const journal = await open(at.file);
  for (let index = 1; index <= 9; index++) await journal.commit(change(index, index % 2 === 0 ? 'even' : 'odd'));
  const seqs = async (limit: number) =>
    (await journal.events({ since: 0, limit, appInstanceId: appInstanceId('odd'), newest: true })).events.map(
      ({ seq }) => seq,
    );
  assert.deepEqual(await seqs(2), [7, 9]);
  assert.deepEqual(await seqs(100), [1, 3, 5, 7, 9]);
  await journal.close();
});

test('events are read in pages, after a number, of one instance or of all', async () => {
  await using at = await place();
  const journal = await open(at.file);
  for (let index = 0; index < 10; index++) await journal.commit(change(index, index % 2 === 0 ? 'even' : 'odd'));
  const seqs = async (query: object): Promise<readonly number[]> =>
    (await journal.events({ since: 0, limit: 100, ...query })).events.map(({ seq }) => seq);
  assert.deepEqual(await seqs({ since: 7 }), [8, 9, 10]);
  assert.deepEqual(await seqs({ since: 2, limit: 3 }), [3, 4, 5]);
  assert.deepEqual(await seqs({ appInstanceId: 'even' }), [1, 3, 5, 7, 9]);
  assert.deepEqual(await seqs({ appInstanceId: 'nobody' }), []);
  assert.deepEqual(await seqs({ since: 99 }), []);
  await journal.close();
});

test('an empty log says where it would begin', async () => {
  await using at = await place();
  const journal = await open(at.file);
  assert.deepEqual(await journal.events({ since: 0, limit: 10 }), { events: [], firstSeq: 1, lastSeq: 0 });
  await journal.close();
});

test('old events are dropped, and the log says so; numbers go on rising, also after a restart', async () => {
  await using at = await place();
  const journal = await open(at.file, 1000);
  for (let round = 0; round < 25; round++) {
    await Promise.all(Array.from({ length: 100 }, (_, index) => journal.commit(change(index))));
  }
  const page = await journal.events({ since: 0, limit: 10_000 });
  assert.equal(page.lastSeq, 2500);
  assert(page.firstSeq > 1 && page.lastSeq - page.firstSeq + 1 >= 1000, `from ${page.firstSeq}`);
  assert.equal(page.events[0]?.seq, page.firstSeq);
  await journal.close();
  const again = await open(at.file, 1000);
  assert.equal((await again.load()).lastSeq, 2500);
  assert.equal((await again.commit(change(1)))[0]?.seq, 2501);
  await again.close();
});

const WRITER = fileURLToPath(new URL('../lib/journal-writer.ts', import.meta.url));

test('no commit that was acknowledged is lost when the writer is killed with -9', async () => {
  await using at = await place();
  let acknowledged = 0;
  for (let round = 0; round < 4; round++) {
    const writer = spawn(process.execPath, [WRITER, at.file], { stdio: ['ignore', 'pipe', 'inherit'] });
    const exited = once(writer, 'exit');
    const enough = acknowledged + 200 + 50 * round;
    for await (const line of createInterface(writer.stdout)) {
      acknowledged = Number(line);
      if (acknowledged >= enough) writer.kill('SIGKILL');
    }
    await exited;
    const journal = await open(at.file);
    const { lastSeq, instances } = await journal.load();
    assert(lastSeq >= acknowledged, `${lastSeq} on disk, ${acknowledged} acknowledged`);
    const { events } = await journal.events({ since: 0, limit: 100_000 });
    assert.deepEqual(
      events.map(({ seq }) => seq),
      Array.from({ length: lastSeq }, (_, index) => index + 1),
    );
    // an event and the record that it tells of are written together or not at all
    assert.equal(instances[0]?.createdAt, String(lastSeq));
    await journal.close();
  }
});

test('a second opener is refused while the first one lives, and not after', async () => {
  await using at = await place();
  const writer = spawn(process.execPath, [WRITER, at.file], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(writer, 'exit');
  await once(writer.stdout, 'data');
  const { next } = await refusal(open(at.file), 'ALREADY_RUNNING', /another daemon works with .*state\.db/);
  assert.match(next ?? '', /--root/);
  writer.kill('SIGKILL');
  await exited;
  await (await open(at.file)).close();
});

test('a file that is no database, or one of a newer program, is refused by name and left as it is', async () => {
  await using at = await place();
  const text = 'not a database at all, '.repeat(100);
  await writeFile(at.file, text);
  const { next } = await refusal(open(at.file), 'CORRUPT_FILE', /state\.db could not be opened.*not a database/);
  assert.match(next ?? '', /moved away/);
  assert.equal(await readFile(at.file, 'utf8'), text);
  await rm(at.file);
  const newer = new DatabaseSync(at.file);
  newer.exec('PRAGMA user_version = 99');
  newer.close();
  await refusal(open(at.file), 'CORRUPT_FILE', /version 99.*newer program/);
});

test('what is committed while the journal ends is written or never answered; the end is clean', async () => {
  await using at = await place();
  for (let round = 0; round < 20; round++) {
    // a flush of a closed file would be fatal: the test fails then
    const journal = await open(at.file);
    let answered = 0;
    let ended = false;
    const writers = Array.from({ length: 4 }, async (_, writer) => {
      for (let index = 0; !ended; index++) {
        await journal.commit(change(index, `w${writer}`));
        answered++;
      }
    });
    for (const writer of writers) writer.catch((error: unknown) => assert.ifError(error));
    await new Promise((resolve) => setImmediate(resolve));
    await journal.close();
    const before = answered;
    await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal(answered, before, 'nothing is answered after the end');
    ended = true;
  }
});

test('a damaged record is told and left as it is; the others are read', async () => {
  await using at = await place();
  const one = await open(at.file);
  await one.commit({ ...change(1, 'whole'), userIds: [lease('whole')] });
  await one.close();
  using database = new DatabaseSync(at.file);
  database.exec(`INSERT INTO instance VALUES ('empty', '{}'), ('torn', '{"appInstanceId":'), ('null', 'null');
    INSERT INTO user_id VALUES ('x', '{"uid":"root"}'); INSERT INTO event VALUES (99, 'whole', '{');`);
  database.close();
  const again = await open(at.file);
  const { instances, userIds, damaged } = await again.load();
  assert.deepEqual(instances, [{ ...instanceRecord('whole'), createdAt: '1' }]);
  assert.deepEqual(userIds, [lease('whole')]);
  assert.deepEqual(damaged.map(({ what, id }) => `${what} ${id}`).toSorted(), [
    ...['instance empty', 'instance null', 'instance torn', 'user id x'],
  ]);
  assert.equal((await again.events({ since: 0, limit: 10 })).events.length, 1);
  await again.close();
});
