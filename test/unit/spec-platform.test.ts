import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSource } from '../../src/domain/document.ts';
import { coresOf } from '../../src/spec/platform/cores.ts';
import { BUILT_IN, NO_PLATFORM, readPlatform } from '../../src/spec/platform/platform.ts';
import { helpfulRefusal } from '../lib/refusal.ts';

const MIB = 2 ** 20;
const valuesOf = (platform: object): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(platform).map(([name, one]: [string, unknown]) => [
      name,
      typeof one === 'object' && one !== null && 'value' in one ? one.value : one,
    ]),
  );

test('without a file the values are those that upstream has built in', () => {
  assert.partialDeepStrictEqual(valuesOf(BUILT_IN), {
    memory: 200 * MIB,
    gpuMemory: 64 * MIB,
    consoleLogBytes: MIB,
    cores: [0, 1, 2, 3, 4, 5, 6, 7],
    ion: { defaultLimit: 256 * MIB, heaps: {} },
    ipv6: false,
    logLevels: ['fatal', 'error', 'warning', 'info', 'debug', 'milestone'],
    dial: { port: 8009, prefix: '', usn: '' },
  });
  assert.equal(BUILT_IN.env.value.length, 6);
});

test('a file that lacks a key has zeros and empty lists there, as upstream has', async () => {
  for (const text of ['{}', '', '# nothing', '{"apps": {"limits": {}}}']) {
    assert.deepEqual(await readPlatform(text, 'f'), NO_PLATFORM, text);
  }
  assert.partialDeepStrictEqual(valuesOf(NO_PLATFORM), { memory: 0, gpuMemory: 0, cores: null, env: [], preloads: [] });
});

test('the flat keys of the YAML form win over the nested ones, lists are joined', async () => {
  const platform = await readPlatform(
    [
      'apps:',
      '  limits: {memory: {defaultLimitBytes: 1}, ion: {defaultLimitBytes: 2, heapsLimitBytes: {a: 3}}}',
      '  extraEnvVars: [A=1, B=2]',
      'ldPreload: [/a.so]',
      'memoryLimit: 10',
      'ionDefaultQuota: 20',
      'envVariables: [B=2, C=3]',
      'preloads: [/a.so, /b.so]',
      'rialto: {override: forceOff}',
    ].join('\n'),
    'f',
  );
  assert.partialDeepStrictEqual(valuesOf(platform), {
    memory: 10,
    ion: { defaultLimit: 20, heaps: { a: 3 } },
    env: ['A=1', 'B=2', 'C=3'],
    preloads: ['/a.so', '/b.so'],
    rialto: 'off',
  });
  assert.deepEqual(platform.memory.origin, { layer: 'platform', by: 'memoryLimit' });
});

test('cores are a mask or a list; those beyond 31 are skipped, and none is all', () => {
  assert.deepEqual(coresOf(0b1010), [1, 3]);
  assert.deepEqual(coresOf(2 ** 31), [31]);
  assert.deepEqual(coresOf('0-2, 8,40-50'), [0, 1, 2, 8]);
  for (const none of [undefined, 0, '', '99']) assert.equal(coresOf(none), null);
});

test('JSON may hold comments; lines in errors are those of the file', async () => {
  const text =
    '/* RDK\n */ {\n  // "apps": 1\n  "apps": {\n\t"enableIPv6": "yes", /* // */ "mapi": {"ports": [80, 0]}\n  },\n  "url": "http://x"\n}';
  await helpfulRefusal(
    readPlatform(text, '/etc/p.json'),
    'INVALID_ARGUMENT',
    /p\.json cannot be used: line 5: apps\.enableIPv6 .*; line 5: apps\.mapi\.ports\[1\] .*; line 7: url is not a known member/,
  );
  await helpfulRefusal(readPlatform('{\n "a": [1,\n}', 'p'), 'INVALID_ARGUMENT', /at line \d+, column \d+/);
  assert.deepEqual(readSource('{"a": "// no /* comment */"}').value, { a: '// no /* comment */' });
});
