import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shared } from '../../src/adapters/rootfs/shared.ts';

const counted = () => {
  const ends: ((value: number) => void)[] = [];
  const look = shared(() => new Promise<number>((resolve) => ends.push(resolve)));
  return { ends, look };
};
const turn = () => new Promise((resolve) => setImmediate(resolve));

test('who asks while a look is under way gets the next one, with all others who do', async () => {
  const { ends, look } = counted();
  const answers = [look(), look(), look()];
  assert.equal(ends.length, 1);
  ends[0]?.(1);
  await turn();
  assert.equal(ends.length, 2);
  const late = look();
  ends[1]?.(2);
  assert.deepEqual(await Promise.all(answers), [1, 2, 2]);
  await turn();
  ends[2]?.(3);
  assert.equal(await late, 3);
});

test('a look that fails is told to who asked, and the next one is made all the same', async () => {
  let count = 0;
  const look = shared(async () => {
    count += 1;
    await turn();
    if (count === 1) throw new Error('no');
    return count;
  });
  const [first, second] = await Promise.allSettled([look(), look()]);
  assert.equal(first.status, 'rejected');
  assert.deepEqual(second, { status: 'fulfilled', value: 2 });
  assert.equal(await look(), 3);
});
