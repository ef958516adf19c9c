/** What readers get of a log that conmon rotates, that is removed, or begun again. */
import assert from 'node:assert/strict';
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ID, line, lines, numbered, place } from '../lib/log-place.ts';
import { refusal } from '../lib/refusal.ts';
import { until } from '../lib/until.ts';

test('over a rotation every line comes once, whatever was read before it', async () => {
  for (const read of [0, 1, 50, 100]) {
    await using at = await place();
    await at.logs.begin(ID);
    await at.write(lines(1, 100));
    const { cursor } = await at.read({ limit: Math.max(read, 1) });
    const from = read === 0 ? undefined : cursor;
    await at.rotate(lines(101, 200));
    const { texts, cursor: next } = await at.all(from);
    assert.deepEqual(texts, numbered(read + 1, 200));
    await at.rotate(lines(201, 202));
    assert.deepEqual((await at.all(next)).texts, numbered(201, 202));
    assert.deepEqual((await at.all()).texts, numbered(1, 202));
    assert.deepEqual((await at.read({ tail: 150 })).texts, numbered(53, 202), 'the tail is of several files');
  }
});

/** More at once than what is looked at in between. */
const PARTS = 8;

test('lines that are lost leave a mark, once, and nothing comes twice', async () => {
  await using at = await place();
  await at.logs.begin(ID);
  await at.write(lines(1, 10));
  const { cursor } = await at.read();
  // as one turn of the event loop: nothing hears of the rotations in between
  for (let file = 1; file <= 5; file++) {
    writeFileSync(`${at.file}.tmp`, lines(file * 10 + 1, file * 10 + 10));
    renameSync(`${at.file}.tmp`, at.file);
  }
  const { texts, cursor: next } = await at.all(cursor);
  assert.deepEqual(texts, [...numbered(11, 20), '…', ...numbered(51, 60)]);
  assert.deepEqual((await at.all(next)).texts, []);
  for (let file = 6; file < 20; file++) {
    await at.rotate(lines(file * 10 + 1, file * 10 + 10));
    await at.read({ tail: 0 });
  }
  const late = await at.all(next);
  assert.deepEqual([late.texts[0], late.texts.at(-1)], ['…', 'line 200'], 'a slow reader misses the oldest');
  assert.deepEqual(late.texts.slice(1), numbered(201 - (PARTS - 2) * 10, 200));
  const there = await readdir(`${at.file}s`);
  assert(there.length < PARTS, there.join(' '));
});

test('a rotation is heard of, whether anybody reads or not', async () => {
  await using at = await place();
  await at.logs.begin(ID);
  await at.write(lines(1, 10));
  for (let file = 1; file <= 5; file++) {
    await at.rotate(lines(file * 10 + 1, file * 10 + 10));
    await until(() => existsSync(`${at.file}.tmp`), { what: 'the next file is prepared' });
    // that look is over
    await at.read({ tail: 0 });
  }
  assert.deepEqual((await at.all()).texts, numbered(1, 60));
});

test('a file whose inode number was used before is not taken for the old one', async () => {
  await using at = await place();
  await at.logs.begin(ID);
  await at.write(lines(1, 3));
  let { cursor } = await at.read();
  // each frees an inode number and takes one
  for (let turn = 0; turn < 30; turn++) {
    await at.rotate(lines(turn * 3 + 4, turn * 3 + 6));
    const page = await at.all(cursor);
    assert.deepEqual(page.texts, numbered(turn * 3 + 4, turn * 3 + 6));
    cursor = page.cursor;
  }
});

test('a log that somebody removes or empties is read on, and says what is missing', async () => {
  await using at = await place();
  await at.logs.begin(ID);
  await at.write(lines(1, 2));
  const held = await open(at.file, 'a');
  const { cursor } = await at.read();
  await rm(at.file);
  await held.write(lines(3, 4));
  const after = await at.all(cursor);
  assert.deepEqual(after.texts, numbered(3, 4), 'its second name is still there');
  await held.truncate(0);
  await held.write(line('line 5'));
  await held.close();
  assert.deepEqual((await at.all(after.cursor)).texts, ['…', 'line 5']);
  await rm(`${at.file}s`, { recursive: true });
  const gone = await at.read({ cursor: after.cursor });
  assert.deepEqual([gone.texts, gone.gap], [[], true]);
  assert.deepEqual((await at.read({ cursor: gone.cursor })).gap, false, 'once');
});

test('the log of the run before is kept for one run, and who follows reads on over the new beginning', async () => {
  await using at = await place();
  await refusal(at.read({ previous: true }), 'NOT_FOUND', /no log of an earlier run/);
  await at.logs.begin(ID);
  await at.write(lines(1, 10));
  await at.rotate(lines(11, 20));
  const { cursor } = await at.read({ limit: 5 });
  await at.logs.begin(ID);
  await at.write(lines(21, 22));
  assert.deepEqual((await at.all()).texts, numbered(21, 22));
  assert.deepEqual((await at.all(undefined, { previous: true })).texts, numbered(1, 20));
  assert.deepEqual((await at.read({ previous: true, tail: 3 })).texts, numbered(18, 20));
  assert.deepEqual((await at.all(cursor)).texts, numbered(6, 22));
  await at.logs.begin(ID);
  await at.write(line('third'));
  assert.deepEqual((await at.all(cursor)).texts, ['…', 'line 21', 'line 22', 'third']);
  await at.logs.remove(ID);
  assert.deepEqual(await readdir(join(at.file, '..')), []);
});
