/** The event log stays within its bounds on disk, and who was too slow is told what is missing. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { EventBounds } from '../../src/adapters/sqlite/event-bounds.ts';
import { openJournal } from '../../src/adapters/sqlite/journal.ts';
import { withGaps } from '../../src/domain/events.ts';
import { appInstanceId } from '../../src/domain/ids.ts';
import type { Journal } from '../../src/ports/journal.ts';
import { change } from '../lib/journal-records.ts';
import { fillLog } from '../lib/long-log.ts';
import { until } from '../lib/until.ts';

const WIDE: EventBounds = { maxEvents: 1_000_000, maxEventBytes: 2 ** 30, maxEventAgeMs: 2 ** 40 };
const START = Date.parse('2026-01-01T00:00:00.000Z');
const MIB = 2 ** 20;

async function place() {
  const directory = await mkdtemp(join(tmpdir(), 'rmt-bounds-'));
  let nowMs = START;
  const clock = { now: () => new Date(nowMs).toISOString(), sleep: () => Promise.resolve() };
  const file = join(directory, 'state.db');
  return {
    file,
    pass: (ms: number) => {
      nowMs += ms;
    },
    open: (bounds: Partial<EventBounds> = {}): Promise<Journal> =>
      openJournal({ file, clock, ...WIDE, ...bounds, fatal: (error) => assert.ifError(error) }),
    sizeBytes: async () => (await stat(file)).size + (await stat(`${file}-wal`)).size,
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  };
}

const pageAfter = (journal: Journal, since: number) => journal.events({ since, limit: 10_000 });

/** Commits that go together, as those of many apps do. */
async function write(journal: Journal, count: number): Promise<void> {
  for (let first = 0; first < count; first += 50) {
    await Promise.all(Array.from({ length: 50 }, (_, index) => journal.commit(change(first + index))));
  }
}

test('the log is bounded by number: what is left has no holes, and the first number kept tells of the gap', async () => {
  await using at = await place();
  const journal = await at.open({ maxEvents: 2000 });
  await write(journal, 6000);
  const { events, firstSeq, lastSeq } = await pageAfter(journal, 0);
  assert.equal(lastSeq, 6000);
  assert.ok(firstSeq > 3400 && firstSeq <= 4001, String(firstSeq));
  assert.deepEqual(
    events.map(({ seq }) => seq),
    Array.from({ length: 6000 - firstSeq + 1 }, (_, index) => firstSeq + index),
  );
  await journal.close();
});

test('the log is bounded by size on disk, the write-ahead log included', async () => {
  await using at = await place();
  const journal = await at.open({ maxEventBytes: 4 * MIB });
  let largest = 0;
  for (let round = 0; round < 10; round += 1) {
    await write(journal, 5000);
    largest = Math.max(largest, await at.sizeBytes());
  }
  const { firstSeq } = await pageAfter(journal, 0);
  assert.ok(firstSeq > 1);
  // the bound, and a write-ahead log of its own 4 MiB with one batch more
  assert.ok(largest < 10 * MIB, `${largest} bytes`);
  await journal.close();
});

test('the log is bounded by age, also while nothing else is written, and the last thousand stay', async () => {
  await using at = await place();
  const journal = await at.open({ maxEventAgeMs: 60_000 });
  await write(journal, 3000);
  at.pass(50_000);
  await write(journal, 500);
  assert.equal((await pageAfter(journal, 0)).firstSeq, 1);
  at.pass(20_000);
  await journal.commit({});
  await until(async () => (await pageAfter(journal, 0)).firstSeq === 2501, { what: 'all that is too old is gone' });
  await journal.close();
});

test('after a bound was lowered the log shrinks step by step, and others are served between the steps', async () => {
  await using at = await place();
  fillLog(at.file, 20_000, new Date(START).toISOString());
  const journal = await at.open({ maxEvents: 5000 });
  await journal.commit({});
  const firsts = new Set<number>();
  await until(
    async () => {
      const { firstSeq } = await pageAfter(journal, 19_999);
      firsts.add(firstSeq);
      return firstSeq > 14_500;
    },
    { what: 'the log has its size', pollMs: 1 },
  );
  assert.ok(firsts.size > 5, [...firsts].join());
  await journal.close();
  const again = await at.open({ maxEvents: 5000 });
  assert.ok((await pageAfter(again, 0)).firstSeq > 14_500);
  assert.equal((await again.load()).lastSeq, 20_000);
  await again.close();
});

test('the noise of one app costs no other app its history, and what is missing is told, over a restart too', async () => {
  await using at = await place();
  const journal = await at.open({ maxEvents: 2000 });
  for (let index = 0; index < 40; index++) await journal.commit(change(index, `quiet-${index % 4}`));
  for (let round = 0; round < 100; round++) {
    await Promise.all(Array.from({ length: 100 }, (_, index) => journal.commit(change(index, 'noisy'))));
    if (round % 50 === 0) await journal.commit(change(round, 'quiet-0'));
  }
  await journal.close();
  const again = await at.open({ maxEvents: 2000 });
  await again.commit(change(0, 'noisy'));
  const { events, firstSeq, lastSeq } = await pageAfter(again, 0);
  assert.equal(events.filter(({ appInstanceId }) => appInstanceId.startsWith('quiet')).length, 42);
  assert.ok(events.length <= 2500, String(events.length));
  assert.deepEqual([firstSeq, lastSeq], [1, 10_043]);
  const items = [...withGaps({ events, firstSeq, lastSeq }, 0, true)];
  const missing = items.reduce((sum, item) => sum + (item.type === 'gap' ? item.to - item.from + 1 : 0), 0);
  assert.equal(missing + events.length, lastSeq);
  const noisy = await again.events({ since: 0, limit: 10_000, appInstanceId: appInstanceId('noisy') });
  const [first] = noisy.events;
  assert.ok(first !== undefined && first.seq > 5000);
  const [gap] = withGaps(noisy, 0, false);
  assert.deepEqual(gap?.type, 'gap');
  await again.close();
});

test('where no app is noisy, the oldest events go, whoever they are of', async () => {
  await using at = await place();
  const journal = await at.open({ maxEvents: 2000 });
  for (let round = 0; round < 40; round++) {
    await Promise.all(Array.from({ length: 100 }, (_, index) => journal.commit(change(index, `app-${index % 10}`))));
  }
  const { events, firstSeq } = await pageAfter(journal, 0);
  assert.equal(events[0]?.seq, firstSeq);
  assert.equal(events.length, 4000 - firstSeq + 1);
  assert.ok(firstSeq > 1400, String(firstSeq));
  await journal.close();
});
