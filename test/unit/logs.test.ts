import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { parseLine } from '../../src/adapters/logs/k8s-lines.ts';
import { ID, line, lines, numbered, place } from '../lib/log-place.ts';
import { refusal } from '../lib/refusal.ts';

test('a line of conmon is read: time, stream, text, whether it is whole', () => {
  assert.deepEqual(parseLine('2026-11-23T07:17:31.5+00:00 stderr P half a  line '), {
    time: '2026-11-23T07:17:31.5+00:00',
    stream: 'stderr',
    text: 'half a  line ',
    partial: true,
  });
  assert.equal(parseLine('t stdout F ')?.text, '');
  for (const other of ['', 'x', 't stdin F x', 't stdout X x', 't stdout']) assert.equal(parseLine(other), undefined);
});

test('a log is read once: from the beginning, and on from the cursor of the last answer', async () => {
  await using at = await place();
  await at.write(lines(1, 3));
  const first = await at.read();
  assert.deepEqual(first.texts, ['line 1', 'line 2', 'line 3']);
  const second = await at.read({ cursor: first.cursor });
  assert.deepEqual([second.texts, second.cursor], [[], first.cursor]);
  await at.write(lines(4, 5));
  assert.deepEqual((await at.read({ cursor: first.cursor })).texts, ['line 4', 'line 5']);
});

test('pages have no more lines than asked for, and none is lost between them', async () => {
  await using at = await place();
  await at.write(lines(1, 5000));
  const all: string[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await at.read({ ...(cursor !== undefined && { cursor }), limit: 700 });
    assert(page.texts.length <= 700);
    if (page.texts.length === 0) break;
    all.push(...page.texts);
    cursor = page.cursor;
  }
  assert.deepEqual(
    all,
    Array.from({ length: 5000 }, (_, index) => `line ${index + 1}`),
  );
});

test('a page of a file that conmon has left ends with a whole line', async () => {
  await using at = await place();
  await at.logs.begin(ID);
  await at.write(lines(1, 20_000));
  await at.rotate(lines(20_001, 20_002));
  assert.deepEqual((await at.all(undefined, { limit: 10_000 })).texts, numbered(1, 20_002));
});

test('half a line waits until it is whole', async () => {
  await using at = await place();
  const whole = line('second');
  await at.write(line('first') + whole.slice(0, 40));
  const { texts, cursor } = await at.read();
  assert.deepEqual(texts, ['first']);
  await at.write(whole.slice(40));
  assert.deepEqual((await at.read({ cursor })).texts, ['second']);
});

test('the tail is the last lines, however long the log', async () => {
  await using at = await place();
  await at.write(lines(1, 20_000));
  assert.deepEqual((await at.read({ tail: 2 })).texts, ['line 19999', 'line 20000']);
  assert.deepEqual((await at.read({ tail: 0 })).texts, []);
  assert.equal((await at.read({ tail: 15_000, limit: 100_000 })).texts[0], 'line 5001');
  const small = await place();
  await using _small = small;
  await small.write(lines(1, 2));
  assert.deepEqual((await small.read({ tail: 10 })).texts, ['line 1', 'line 2']);
});

test('bytes that are no UTF-8 come as they were written', async () => {
  await using at = await place();
  const garbage = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => byte !== 0x0a));
  const half = Buffer.from('ü');
  for (const [bytes, tag] of [
    [garbage, 'F'],
    [half.subarray(0, 1), 'P'],
    [half.subarray(1), 'F'],
    [half, 'F'],
  ] as const) {
    await at.write(Buffer.concat([Buffer.from(line('', tag).trimEnd() + ' '), bytes, Buffer.from('\n')]));
  }
  const { found } = await at.read();
  const written = found.map(({ text, bytes }) =>
    bytes === undefined ? Buffer.from(text) : Buffer.from(bytes, 'base64'),
  );
  assert.deepEqual(written, [garbage, half.subarray(0, 1), half.subarray(1), half]);
  assert.deepEqual(
    found.map(({ bytes }) => bytes !== undefined),
    [true, true, true, false],
  );
});

test('a line without an end comes in pieces, and at the end of the app as it is', async () => {
  await using at = await place({ rotates: false });
  await at.write('x'.repeat(600_000));
  const { texts, cursor, found } = await at.read();
  assert.deepEqual([texts[0]?.length, found[0]?.partial], [256 * 1024, true]);
  const { cursor: later } = await at.read({ cursor });
  assert.deepEqual((await at.read({ cursor: later })).texts, [], 'the rest may still grow');
  assert.equal((await at.read({ cursor: later, isComplete: true })).texts[0]?.length, 600_000 - 512 * 1024);
});

test('before the first word there is nothing, and what comes is read from that cursor on', async () => {
  await using at = await place();
  const { texts, cursor } = await at.read({ tail: 5 });
  assert.deepEqual(texts, []);
  await at.write(line('first'));
  assert.deepEqual((await at.read({ cursor })).texts, ['first']);
});

test('lines that are none are left out, and text of any kind comes through', async () => {
  await using at = await place();
  const odd = ['', ' spaces  ', 'ümläut 😀', '\u001b[31mred\u001b[0m', 'a\tb\\n'];
  await at.write(`rubbish\n${odd.map((text) => line(text)).join('')}\n\n${line('end', 'P', 'stderr')}`);
  const { texts, found } = await at.read();
  assert.deepEqual(texts, [...odd, 'end']);
  assert.deepEqual([found.at(-1)?.stream, found.at(-1)?.partial], ['stderr', true]);
});

test('who waits is woken by a new line, by the end of the time, or by its signal', async () => {
  await using at = await place();
  await at.write(line('first'));
  const { cursor } = await at.read();
  const wait = (timeoutMs: number, signal = new AbortController().signal) =>
    at.logs.changed(ID, { cursor, timeoutMs, signal });
  const begin = performance.now();
  await wait(120);
  assert(performance.now() - begin >= 115);
  await wait(60_000, AbortSignal.abort());
  const woken = wait(60_000);
  await at.write(line('second'));
  await woken;
});

test('what is no cursor is refused', async () => {
  await using at = await place();
  await at.write(line('x'));
  for (const cursor of ['', 'x', '1', '1:', '-1:5', '1:2:3', `${'9'.repeat(30)}:1`]) {
    await refusal(at.read({ cursor }), 'INVALID_ARGUMENT', /is no cursor/);
  }
});

test('a new run begins a new log, and a forgotten instance has none', async () => {
  await using at = await place();
  await at.write(line('old'));
  await at.logs.begin(ID);
  assert.deepEqual((await at.read()).texts, []);
  await at.logs.remove(ID);
  await at.write(line('new'));
  assert.equal(await readFile(at.file, 'utf8'), line('new'));
});
