/** CRIU's figures and options, as it writes and reads them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { criuConfig } from '../../src/adapters/criu/checkpoint-config.ts';
import { criuFigures, readFigures } from '../../src/adapters/criu/checkpoint-figures.ts';

/** Varints of protobuf. */
const varint = (value: number): readonly number[] =>
  value < 0x80 ? [value] : [(value % 0x80) + 0x80, ...varint(Math.floor(value / 0x80))];

function message(outer: number, fields: Readonly<Record<number, number>>): Buffer {
  const inner = Object.entries(fields).flatMap(([field, value]) => [...varint(Number(field) << 3), ...varint(value)]);
  return Buffer.from([...varint((outer << 3) | 2), ...varint(inner.length), ...inner]);
}

test('the times of a dump are read in ms, counts are left out', () => {
  const stats = message(1, { 1: 1500, 2: 90_000, 3: 7250, 4: 300, 5: 4096, 7: 12 });
  assert.deepEqual(readFigures(stats, 'dump'), { freezing: 1.5, frozen: 90, memoryDump: 7.25, memoryWrite: 0.3 });
});

test('the times of a restore are read in ms', () => {
  assert.deepEqual(readFigures(message(2, { 1: 3, 3: 400, 4: 61_711 }), 'restore'), {
    forking: 0.4,
    restoring: 61.711,
  });
});

test('a file that is not there, or garbage, has no figures and is no reason to fail', async () => {
  assert.deepEqual(await criuFigures('/nowhere/at/all', 'dump'), {});
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      assert.equal(typeof readFigures(Buffer.from(bytes), 'dump'), 'object');
    }),
  );
});

test('connections are closed in the image, or kept', () => {
  assert.match(criuConfig('close'), /^tcp-close$/m);
  assert.match(criuConfig('keep'), /^tcp-established$/m);
  assert.doesNotMatch(criuConfig('keep'), /tcp-close/);
});
