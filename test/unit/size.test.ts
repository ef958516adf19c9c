import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RuntimeError } from '../../src/domain/errors.ts';
import { formatSize, parseSize } from '../../src/domain/size.ts';

test('sizes are read as people write them', () => {
  const table: Readonly<Record<string, number>> = {
    '0': 0,
    '4096': 4096,
    '64M': 64 * 2 ** 20,
    '64MB': 64 * 2 ** 20,
    '64MiB': 64 * 2 ** 20,
    '64mib': 64 * 2 ** 20,
    '1.5G': 1.5 * 2 ** 30,
    ' 2 k ': 2048,
    '1T': 2 ** 40,
    '10B': 10,
    '0.1K': 102,
  };
  for (const [text, bytes] of Object.entries(table)) assert.equal(parseSize(text), bytes, text);
});

test('what is no size is refused and named', () => {
  for (const text of [
    '',
    ' ',
    '-1',
    '+1',
    '1e3',
    '0x10',
    'M',
    '1P',
    '64 M M',
    '1,5G',
    '.5G',
    '9999999T',
    'NaN',
    'Infinity',
    '64M\0',
  ]) {
    assert.throws(
      () => parseSize(text),
      (error) =>
        error instanceof RuntimeError &&
        error.code === 'INVALID_ARGUMENT' &&
        error.message.includes(JSON.stringify(text)),
      text,
    );
  }
});

test('every number of bytes is read back as itself', () => {
  fc.assert(fc.property(fc.nat(), (bytes) => parseSize(String(bytes)) === bytes && parseSize(`${bytes}B`) === bytes));
});

test('sizes are written for people, and what is written is a size', () => {
  assert.deepEqual([0, 1023, 1024, 1536, 64 * 2 ** 20, 2 ** 50].map(formatSize), [
    '0 B',
    '1023 B',
    '1.0 KB',
    '1.5 KB',
    '64.0 MB',
    '1024.0 TB',
  ]);
  fc.assert(
    fc.property(fc.nat(), (bytes) => {
      const again = parseSize(formatSize(bytes));
      assert(Math.abs(again - bytes) <= bytes * 0.06, `${bytes} became ${again}`);
    }),
  );
});
