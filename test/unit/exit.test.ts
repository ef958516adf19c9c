import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exitRecord, signalOf, type ExitCause } from '../../src/domain/exit.ts';

type Row = readonly [
  code: number | null,
  oom: boolean,
  asked: ExitCause | undefined,
  signal: number | null,
  cause: ExitCause,
];

const TABLE: readonly Row[] = [
  [0, false, undefined, null, 'exited'],
  [7, false, undefined, null, 'exited'],
  [128, false, undefined, null, 'exited'],
  [255, false, undefined, null, 'exited'],
  [193, false, undefined, null, 'exited'],
  [137, false, undefined, 9, 'signalled'],
  [139, false, undefined, 11, 'signalled'],
  [143, false, undefined, 15, 'signalled'],
  [192, false, undefined, 64, 'signalled'],
  [null, false, undefined, null, 'monitor-lost'],
  [137, true, undefined, 9, 'oom'],
  // a child was killed for memory, and the app has ended before the rest of it was
  [3, true, undefined, null, 'oom'],
  [139, true, undefined, 11, 'oom'],
  [0, true, 'terminated', null, 'terminated'],
  [0, false, 'terminated', null, 'terminated'],
  [143, false, 'terminated', 15, 'terminated'],
  [137, false, 'killed', 9, 'killed'],
  [null, false, 'killed', null, 'killed'],
  [null, false, 'reboot', null, 'reboot'],
  [null, false, 'start-failed', null, 'start-failed'],
  [137, true, 'killed', 9, 'killed'],
];

for (const [code, oom, asked, signal, cause] of TABLE) {
  const story = [
    `code ${code ?? 'unknown'}`,
    ...(oom ? ['oom'] : []),
    ...(asked === undefined ? [] : [`asked: ${asked}`]),
  ];
  test(`${story.join(', ')} is ${cause}`, () => {
    const at = '2026-01-01T00:00:00.000Z';
    assert.deepEqual(exitRecord({ code, oom, asked, at }), { code, signal, oom, cause, at });
  });
}

test('a signal is read from codes above 128 only, and only from those that are signals', () => {
  assert.deepEqual([null, 0, 127, 128, 129, 192, 193, 255].map(signalOf), [null, null, null, null, 1, 64, null, null]);
});
