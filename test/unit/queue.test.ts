import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { RuntimeError } from '../../src/domain/errors.ts';
import { Queue } from '../../src/manager/queue.ts';
import { refusal } from '../lib/refusal.ts';

const KILL = new RuntimeError('ABORTED', { what: 'overtaken' });

/** Work that goes on until it is told how to end, whatever its signal says. */
function workshop() {
  const begun: string[] = [];
  const running = new Map<string, { readonly signal: AbortSignal; readonly end: PromiseWithResolvers<string> }>();
  const work =
    (name: string) =>
    (signal: AbortSignal): Promise<string> => {
      begun.push(name);
      const end = Promise.withResolvers<string>();
      running.set(name, { signal, end });
      return end.promise.finally(() => running.delete(name));
    };
  return { begun, running, work };
}

test('operations run one at a time, in the order in which they came', async () => {
  const queue = new Queue();
  const { begun, running, work } = workshop();
  const all = ['a', 'b', 'c'].map((name) => queue.push(work(name)));
  assert.deepEqual(begun, ['a']);
  assert(queue.busy);
  for (const name of ['a', 'b', 'c']) {
    assert.deepEqual([...running.keys()], [name]);
    running.get(name)?.end.resolve(name.toUpperCase());
    await turn();
  }
  assert.deepEqual(await Promise.all(all), ['A', 'B', 'C']);
  await turn();
  assert(!queue.busy);
});

test('who overtakes goes before all that wait, after the one at work has been told to stop and has stopped', async () => {
  const queue = new Queue();
  const { begun, running, work } = workshop();
  const slow = queue.push(work('slow'));
  const waiting = queue.push(work('waiting'));
  const kill = queue.overtake(KILL, work('kill'));
  assert(running.get('slow')?.signal.aborted);
  assert.equal(running.get('slow')?.signal.reason, KILL);
  await turn();
  assert.deepEqual(begun, ['slow'], 'it is not cut off');
  running.get('slow')?.end.reject(KILL);
  await refusal(slow, 'ABORTED', /overtaken/);
  await turn();
  assert.deepEqual(begun, ['slow', 'kill']);
  running.get('kill')?.end.resolve('');
  await kill;
  await turn();
  assert.equal(running.get('waiting')?.signal.aborted, false, 'who has not begun is not told to stop');
  running.get('waiting')?.end.resolve('');
  await waiting;
});

test('who overtakes an idle queue just runs', async () => {
  assert.equal(await new Queue().overtake(KILL, async () => 'done'), 'done');
});

test('an operation that fails fails for its caller alone', async () => {
  const queue = new Queue();
  const failing = refusal(
    queue.push(() => Promise.reject(new RuntimeError('INTERNAL', { what: 'broken' }))),
    'INTERNAL',
    /broken/,
  );
  assert.equal(await queue.push(async () => 'next'), 'next');
  await failing;
  await turn();
  assert(!queue.busy);
});

test('work that throws at once fails for its caller alone, whether it comes first or waits', async () => {
  const queue = new Queue();
  const broken = (): never => {
    throw new RuntimeError('INTERNAL', { what: 'broken' });
  };
  const failing = [queue.push(broken), queue.overtake(KILL, broken), queue.next(broken)];
  const last = queue.push(async () => 'last');
  for (const one of failing) await refusal(one, 'INTERNAL', /broken/);
  assert.equal(await last, 'last');
  await turn();
  assert(!queue.busy);
});

test('so many callers may wait and no more, but a kill is never refused', async () => {
  const queue = new Queue();
  const { running, work } = workshop();
  const first = queue.push(work('first'));
  const waiting = Array.from({ length: 64 }, (_, index) => queue.push(async () => index));
  const { next } = await refusal(
    queue.push(async () => 'late'),
    'BUSY',
    /64 operations wait/,
  );
  assert.match(next ?? '', /kill/);
  const kill = queue.overtake(KILL, async () => 'killed');
  running.get('first')?.end.resolve('');
  await first;
  assert.equal(await kill, 'killed');
  assert.deepEqual(
    await Promise.all(waiting),
    waiting.map((_, index) => index),
  );
});

const command = fc.constantFrom('push', 'overtake', 'finish', 'fail');

test('whatever comes when, the order is that of the model', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 60 }), async (commands) => {
      const queue = new Queue();
      const { begun, running, work } = workshop();
      const model: { waiting: string[]; begun: string[]; current: string | undefined } = {
        waiting: [],
        begun: [],
        current: undefined,
      };
      const outcomes: Promise<unknown>[] = [];
      const advance = (): void => {
        model.current = model.waiting.shift();
        if (model.current !== undefined) model.begun.push(model.current);
      };
      const enter = (name: string, first: boolean): void => {
        if (first) model.waiting.unshift(name);
        else model.waiting.push(name);
        if (model.current === undefined) advance();
        const entered = first ? queue.overtake(KILL, work(name)) : queue.push(work(name));
        outcomes.push(entered.catch(() => undefined));
      };
      const end = (fails: boolean): void => {
        const at = running.get(model.current ?? '');
        if (fails) at?.end.reject(new Error('x'));
        else at?.end.resolve('');
        advance();
      };
      for (const [index, name] of commands.entries()) {
        if (name === 'push' || name === 'overtake') enter(`${name}${index}`, name === 'overtake');
        else end(name === 'fail');
        await turn();
        assert.deepEqual(begun, model.begun);
        assert(running.size <= 1);
        assert.equal(queue.busy, model.current !== undefined);
      }
      while (model.current !== undefined) {
        end(false);
        await turn();
      }
      await Promise.all(outcomes);
      assert.deepEqual(begun, model.begun);
    }),
    { numRuns: 200 },
  );
});
