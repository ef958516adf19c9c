import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LogLine } from '../../src/domain/api.ts';
import { commandsIn, ofRoot, splitWords } from '../../src/page/dashboard/command-words.ts';
import { joinPieces, readable } from '../../src/page/dashboard/log-text.ts';

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

test('a command is for the daemon that the page came from', () => {
  assert.equal(ofRoot('runtimectl why tv', '/'), 'runtimectl why tv');
  assert.equal(ofRoot('runtimectl why tv', '/opt/try'), 'runtimectl --root /opt/try why tv');
  assert.equal(ofRoot('runtimectl ps', "/it's $& here"), "runtimectl --root '/it'\\''s $& here' ps");
});

test('what was written for a terminal can be read', () => {
  assert.equal(readable('\x1b[1;31mred\x1b[0m and \x1b[38;5;208morange\x1b[K'), 'red and orange');
  assert.equal(readable('\x1b]0;a title\x07text \x1b]8;;http://x\x1b\\link\x1b(B'), 'text link');
  assert.equal(
    readable('tab\there, bell\x07, back\b, delete\x7f, C1\x9b'),
    'tab\there, bell^G, back^H, delete^?, C1\ufffd',
  );
  assert.equal(readable('\x1b'), '^[');
});

test('the pieces of a line are one line, on each stream its own, also over several readings', () => {
  const piece = (text: string, partial: boolean, stream: LogLine['stream'] = 'stdout'): LogLine => ({
    ...{ time: `t-${text}`, stream, text, partial },
  });
  const { lines, open } = joinPieces([
    piece('a', true),
    piece('E', true, 'stderr'),
    piece('b', false),
    piece('c', true),
  ]);
  assert.deepEqual(lines, [{ ...piece('ab', false), time: 't-a' }]);
  assert.deepEqual([...open.values()].map(({ text }) => text).sort(), ['E', 'c']);
  const next = joinPieces([piece('d', false), piece('F', false, 'stderr')], open);
  assert.deepEqual(
    next.lines.map(({ text }) => text),
    ['cd', 'EF'],
  );
  assert.equal(next.open.size, 0);
  assert.equal(joinPieces([piece('x'.repeat(70_000), true)]).lines.length, 1, 'one without end gets an end');
});
