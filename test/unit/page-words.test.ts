import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandsIn, splitWords } from '../../src/page/dashboard/command-words.ts';

test('a line becomes arguments as in a shell', () => {
  assert.deepEqual(splitWords(`sh -c "echo \\"a b\\"; date" 'x  y' a\\ b ''`), [
    ...['sh', '-c', 'echo "a b"; date', 'x  y', 'a b', ''],
  ]);
  assert.deepEqual(splitWords('  '), []);
  assert.throws(() => splitWords('echo "never closed'), { code: 'INVALID_ARGUMENT' });
});

test('the commands in an advice are found, without the words after them', () => {
  const names = ['tv.1-a', 'com.example.tv'];
  assert.deepEqual(commandsIn('runtimectl why tv.1-a tells how it ends; runtimectl kill tv.1-a ends it', names), [
    'runtimectl why tv.1-a',
    'runtimectl kill tv.1-a',
  ]);
  assert.deepEqual(
    commandsIn('wake what sleeps (runtimectl ps), or empty it: runtimectl storage clear com.example.tv', names),
    ['runtimectl ps', 'runtimectl storage clear com.example.tv'],
  );
  assert.deepEqual(commandsIn('while it lives, runtimectl limits tv.1-a --memory SIZE', names), [
    'runtimectl limits tv.1-a --memory SIZE',
  ]);
  assert.deepEqual(commandsIn('run it again with more memory', names), []);
  assert.deepEqual(commandsIn('runtimectl why tvx1-a', names), []);
});
