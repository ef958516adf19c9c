/** Names of signals and machines, as images give them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { headerFor, isElf, machineOf, ruleMatches } from '../../src/domain/elf.ts';
import { signalNumber } from '../../src/domain/signals.ts';

test('a stop signal is read by name, by number and as a real-time signal, and nothing else is one', () => {
  const good = { SIGQUIT: 3, quit: 3, '9': 9, 'SIGRTMIN+3': 37, 'RTMAX-1': 63, RTMIN: 34, SIGWINCH: 28 };
  for (const [text, number] of Object.entries(good)) assert.equal(signalNumber(text), number, text);
  for (const text of [
    '',
    '0',
    '65',
    '-1',
    'SIG',
    'SIGNOTHING',
    'RTMIN+31',
    'RTMIN-1',
    '9; rm',
    '__proto__',
    'constructor',
  ]) {
    assert.equal(signalNumber(text), undefined, text);
  }
});

test('the machine of a program is read from its header, whatever its byte order', () => {
  for (const machine of ['amd64', '386', 'arm64', 'arm', 's390x', 'riscv64', 'mips']) {
    const head = headerFor(machine);
    assert(head !== undefined && isElf(head), machine);
    assert.equal(machineOf(head), machine);
  }
  const x32 = headerFor('amd64') ?? Buffer.alloc(0);
  x32[4] = 1;
  assert.equal(machineOf(x32), 'ELF machine 62 (32 bits)');
  assert.equal(headerFor('vax'), undefined);
  assert.equal(isElf(Buffer.from('#!/bin/sh\n')), false);
});

test('a rule of binfmt_misc matches by magic and mask, when it is enabled', () => {
  // as Debian's qemu-user-static registers it
  const rule = `enabled
interpreter /usr/libexec/qemu-binfmt/aarch64-binfmt-P
flags: POF
offset 0
magic 7f454c460201010000000000000000000200b700
mask ffffffffffffff00fffffffffffffffffeffffff
`;
  const [arm64, s390x] = [headerFor('arm64'), headerFor('s390x')];
  assert(arm64 !== undefined && s390x !== undefined);
  assert.equal(ruleMatches(rule, arm64), true);
  assert.equal(ruleMatches(rule, s390x), false);
  assert.equal(ruleMatches(rule.replace('enabled', 'disabled'), arm64), false);
  assert.equal(ruleMatches('enabled\ninterpreter /usr/bin/python\nextension .py\n', arm64), false);
});
