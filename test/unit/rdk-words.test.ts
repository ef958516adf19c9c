/** RDK's configuration of other versions: what is not known is kept out and named, never refused; our own description stays strict. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { METHODS } from '../../src/domain/api.ts';
import { printable } from '../../src/domain/printable.ts';
import { runtimeConfigSchema } from '../../src/domain/runtime-config.ts';
import { upstreamOf } from '../../src/manager/operations/order.ts';
import { readParams } from '../../src/server/validation.ts';
import { refusal } from '../lib/refusal.ts';

const WORDS = { command: 'x', appPath: '/p' };

function read(runtimeConfigObject: unknown, more: object = {}) {
  const params = readParams(METHODS.run.params, { appId: 'a', runtimeConfigObject, ...more }, 'run');
  return { notTaken: params.runtimeConfigObject?.notTaken ?? [], upstream: upstreamOf(params) };
}

test('a member that this version does not know is kept out and named', () => {
  const { notTaken, upstream } = read({ ...WORDS, md5hash: 'd41d8cd98f', future: { a: [1] } });
  assert.deepEqual(notTaken, [
    'runtimeConfigObject.md5hash: not a member that this version knows',
    'runtimeConfigObject.future: not a member that this version knows',
  ]);
  assert.deepEqual(upstream?.runtimeConfig, runtimeConfigSchema.parse(WORDS));
});

test('however many there are, and whatever their names, what is kept of them is bounded and printable', () => {
  const names = [...Array.from({ length: 1000 }, (_, at) => `n${at}`), 'x'.repeat(1e5), '\u001b[2J\n', '__proto__'];
  const strangers = JSON.parse(`{${names.map((name) => `${JSON.stringify(name)}: 1`).join(', ')}}`) as object;
  for (const many of [strangers, JSON.parse(`{${JSON.stringify('\u001b[2J\n')}: 1, "__proto__": {"command": "y"}}`)]) {
    const { notTaken, upstream } = read({ ...WORDS, ...(many as object), notTaken: ['mine'] });
    assert(notTaken.length > 1 && notTaken.length <= 21);
    assert(
      notTaken.every((one) => one.length < 500 && one === printable(one)),
      notTaken.join('\n'),
    );
    assert(!notTaken.includes('mine'));
    assert.equal(upstream?.runtimeConfig.command, 'x');
  }
});

test('null is as if the member were absent, for members and for the lists of run', () => {
  const nulls = Object.fromEntries(Object.keys(runtimeConfigSchema.shape).map((name) => [name, null]));
  const { notTaken, upstream } = read({ ...nulls, ...WORDS }, { ports: null, paths: null, debugSettings: null });
  assert.deepEqual(notTaken, []);
  assert.deepEqual(upstream, {
    ...{
      runtimeConfig: runtimeConfigSchema.parse(WORDS),
      ports: undefined,
      paths: undefined,
      debugSettings: undefined,
    },
  });
});

const LISTS: readonly [
  name: 'envVariables' | 'logLevels' | 'fkpsFiles',
  text: string,
  kept: string,
  said: RegExp | null,
][] = [
  ['envVariables', 'A=1', '[]', /envVariables: not the text of a JSON array/],
  ['envVariables', '{"A": "1"}', '[]', /not the text of a JSON array/],
  ['envVariables', 'null', '[]', /not the text of a JSON array/],
  ['envVariables', '["A=1", 5, "B", "C=2", null, "=x"]', '["A=1","C=2"]', /entry 2 is no NAME=value, and left out/],
  ['envVariables', '["A=1"]', '["A=1"]', null],
  ['envVariables', '', '', null],
  ['logLevels', 'info', '[]', /logLevels: not the text of a JSON array/],
  ['fkpsFiles', '["a", 5]', '["a","5"]', /fkpsFiles: has entries that are no text/],
  ['fkpsFiles', '["a", {}]', '["a"]', /entry 2 is no text/],
];

for (const [name, text, kept, said] of LISTS) {
  test(`${name} ${text} is taken as ${kept}`, () => {
    const { notTaken, upstream } = read({ ...WORDS, [name]: text });
    assert.equal(upstream?.runtimeConfig[name], kept);
    if (said === null) assert.deepEqual(notTaken, []);
    else assert.match(notTaken.join('\n'), said);
  });
}

test('a member of the wrong type is refused by its name', async () => {
  for (const wrong of [
    { command: 5 },
    { systemMemoryLimit: '64MB' },
    { dial: 'yes' },
    { envVariables: ['A=1'] },
    { userId: -1 },
  ]) {
    const [name = ''] = Object.keys(wrong);
    await refusal(
      Promise.resolve().then(() => read({ ...WORDS, ...wrong })),
      'INVALID_ARGUMENT',
      new RegExp(`Object.${name} `),
    );
  }
  await refusal(
    Promise.resolve().then(() => read(null)),
    'INVALID_ARGUMENT',
    /runtimeConfigObject/,
  );
  await refusal(
    Promise.resolve().then(() => read([])),
    'INVALID_ARGUMENT',
    /runtimeConfigObject/,
  );
});

test('our own description stays strict', async () => {
  const params = { appId: 'a', app: { rootfs: { host: true }, args: ['x'], md5hash: 'x' } };
  const work = Promise.resolve().then(() => readParams(METHODS.run.params, params, 'run'));
  await refusal(work, 'INVALID_ARGUMENT', /app\.md5hash is not a known member/);
});

test('whatever strangers and lists say, the known members come through as they were', () => {
  const members = fc.dictionary(fc.string({ maxLength: 20 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 30 });
  fc.assert(
    fc.property(members, fc.string({ maxLength: 30 }), (strangers, list) => {
      const own = Object.fromEntries(
        Object.entries(strangers).filter(([name]) => !(name in runtimeConfigSchema.shape)),
      );
      const { upstream } = read({ ...own, ...WORDS, envVariables: list });
      assert.deepEqual(
        Object.keys(upstream?.runtimeConfig ?? {}).sort(),
        Object.keys(runtimeConfigSchema.shape).sort(),
      );
    }),
  );
});
