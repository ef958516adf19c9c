import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseRuntime } from '../../src/adapters/embedded/choose-runtime.ts';

/** Those that start a container. */
const choose = (...working: readonly string[]) => {
  const tried: string[] = [];
  const candidates = ['runc', 'crun'].map((name) => ({ name, make: () => name }));
  const tryOut = (name: string) => {
    tried.push(name);
    return working.includes(name) ? Promise.resolve() : Promise.reject(new Error('no user namespaces'));
  };
  return { chosen: chooseRuntime({ candidates, tryOut }), tried };
};

test('the first runtime that starts a container is taken, and no further one is tried', async () => {
  const both = choose('runc', 'crun');
  assert.equal((await both.chosen).name, 'runc');
  assert.deepEqual(both.tried, ['runc']);
  assert.equal((await choose('crun').chosen).name, 'crun');
});

test('where none starts a container, the reason of each is told', async () => {
  await assert.rejects(choose().chosen, /runc: no user namespaces; crun: no user namespaces/);
});
