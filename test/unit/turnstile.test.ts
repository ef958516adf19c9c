/** How many containers are made at once, and that nobody who hangs in there keeps the others out. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Turnstile } from '../../src/adapters/embedded/turnstile.ts';
import { systemClock } from '../../src/adapters/process/clock.ts';

const LONG_MS = 60_000;

test('no more than the places work at once, and all get their turn in order', async () => {
  const turnstile = new Turnstile({ places: 2, patienceMs: LONG_MS, clock: systemClock });
  let inside = 0;
  let most = 0;
  const order: number[] = [];
  await Promise.all(
    Array.from({ length: 9 }, (_, i) =>
      turnstile.pass(async () => {
        most = Math.max(most, ++inside);
        order.push(i);
        await new Promise((resolve) => setImmediate(resolve));
        inside--;
      }),
    ),
  );
  assert.equal(most, 2);
  assert.deepEqual(order, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
});

test('work that never ends holds its place, and who waited long enough goes in without one', async () => {
  const turnstile = new Turnstile({ places: 1, patienceMs: 20, clock: systemClock });
  const hung = Promise.withResolvers<undefined>();
  const first = turnstile.pass(() => hung.promise);
  assert.equal(await turnstile.pass(() => Promise.resolve('through')), 'through');
  hung.resolve(undefined);
  await first;
});

test('work that fails gives its place back', async () => {
  const turnstile = new Turnstile({ places: 1, patienceMs: LONG_MS, clock: systemClock });
  await assert.rejects(
    turnstile.pass(() => Promise.reject(new Error('no'))),
    /no/,
  );
  assert.equal(await turnstile.pass(() => Promise.resolve(1)), 1);
});
