import assert from 'node:assert/strict';
import { test } from 'node:test';
import { page, reasonOf, type Comparison } from '../../bench/lib/comparison.ts';
import { picture } from '../../bench/lib/picture.ts';

const column = (start: readonly number[]) => ({ samples: { start }, failures: { wake: 'it did not' } });

const COMPARISON: Comparison = {
  date: '2026-01-02',
  machine: ['kernel 6.1', '2 cores'],
  rounds: 3,
  counts: [1],
  peers: [
    { name: 'ours', what: 'us', columns: new Map([[1, column([10, 20, 40])]]) },
    { name: 'theirs', what: 'a <peer>', columns: new Map([[1, column([60, 40, 50])]]) },
    { name: 'nobody', what: 'not there', absent: 'not installed', columns: new Map() },
  ],
};

test('the page of a comparison has a column a peer: median, middle half, and how many times ours', () => {
  const text = page(COMPARISON);
  assert.match(text, /2026-01-02; kernel 6\.1, 2 cores; 3 rounds with 1 app/);
  assert.match(text, /\| figure \| ours \| theirs \| nobody \|/);
  assert.match(
    text,
    /\| run → running, ms \| 20\.0 \(10\.0–40\.0\) \| 50\.0 \(40\.0–60\.0\) ×2\.50 \| not measured \|/,
  );
});

test('the page says who was not measured and what failed, and why', () => {
  const text = page(COMPARISON);
  assert.match(text, /\*\*nobody\*\*: not there\. Not measured: not installed\./);
  assert.match(text, /\| wake, ms \| failed \| failed \| not measured \|/);
  assert.match(text, /wake with 1 app: it did not/);
  assert.match(text, /\| suspend, ms \| — \| — \| not measured \|/);
});

test('the picture has a bar for each peer that was measured, and none for the others', () => {
  const text = picture(COMPARISON, 1);
  assert.equal(text.match(/<rect /g)?.length, 2);
  assert.doesNotMatch(text, /nobody/);
  assert.match(text, /^<svg [^>]*role="img"/);
});

test('a reason is one short line without paths of the machine', () => {
  assert.equal(reasonOf(new Error('runc --root /tmp/x-1/state failed\nmore')), 'runc --root … failed');
  assert.equal(reasonOf('x'.repeat(1000)).length, 201);
});
