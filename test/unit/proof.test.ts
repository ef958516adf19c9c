/** Whether apps can be hibernated: what a trial says, and what one that came to no end does not say. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RuntimeError, type ErrorCode } from '../../src/domain/errors.ts';
import { proving } from '../../src/start/proof.ts';

function trial(codes: readonly (ErrorCode | undefined)[]) {
  const left = [...codes];
  const kept: string[] = [];
  const { hibernates: prove } = proving({
    key: 'tools',
    remembered: undefined,
    remember: (text) => Promise.resolve(kept.push(text)),
    tryOut: () => {
      const code = left.shift();
      return code === undefined ? Promise.resolve() : Promise.reject(new RuntimeError(code, { what: 'said' }));
    },
  });
  return { prove, kept };
}

test('a trial that ran out of time says nothing of the tools: it is not kept, and the next question is another trial', async () => {
  for (const code of ['TIMED_OUT', 'ABORTED', 'NO_SPACE', 'OUT_OF_RESOURCES', 'ENGINE_UNAVAILABLE'] as const) {
    const { prove, kept } = trial([code, undefined]);
    assert.equal((await prove()).possible, null, code);
    assert.deepEqual(kept, []);
    assert.deepEqual(await prove(), { possible: true });
    assert.equal(kept.length, 1);
  }
});

test('a trial that failed is a verdict: it is kept, and not made again', async () => {
  const { prove, kept } = trial(['CHECKPOINT_FAILED', undefined]);
  assert.deepEqual([(await prove()).possible, (await prove()).possible], [false, false]);
  assert.equal(kept.length, 1);
});

test('an end stops a trial, waits for it, and lets no other begin', async () => {
  let stopped = 0;
  const { hibernates, close } = proving({
    key: 'tools',
    remembered: undefined,
    remember: () => Promise.resolve(),
    tryOut: async (signal) => {
      signal.throwIfAborted();
      await new Promise((resolve) => {
        signal.addEventListener('abort', resolve);
      });
      stopped += 1;
      throw signal.reason;
    },
  });
  const asked = hibernates();
  await close();
  assert.equal(stopped, 1);
  assert.equal((await asked).possible, null);
  assert.equal((await hibernates()).possible, null);
  assert.equal(stopped, 1);
});
