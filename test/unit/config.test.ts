import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readConfig } from '../../src/config.ts';
import { helpfulRefusal } from '../lib/refusal.ts';

async function config(text: string) {
  const directory = await mkdtemp(join(tmpdir(), 'rmt-config-'));
  const file = join(directory, 'config.yaml');
  await writeFile(file, text);
  return { file, [Symbol.asyncDispose]: () => rm(directory, { recursive: true }) };
}

test('without a file everything has its default', async () => {
  const defaults = await readConfig('/no/such/file.yaml', false);
  assert.partialDeepStrictEqual(defaults, {
    runtime: 'auto',
    terminateGraceMs: 10_000,
    userIds: { first: 30_001, last: 31_000, graceMs: 600_000 },
  });
  for (const text of ['', '# nothing\n', '{}', 'userIds: {}\n']) {
    await using at = await config(text);
    assert.deepEqual(await readConfig(at.file, true), defaults);
  }
});

test('what the file says is taken, in YAML or JSON', async () => {
  await using yaml = await config('runtime: crun\nuserIds:\n  first: 5\n  last: 6\n');
  assert.partialDeepStrictEqual(await readConfig(yaml.file, true), { runtime: 'crun', userIds: { first: 5, last: 6 } });
  await using json = await config('{"terminateGraceMs": 0}');
  assert.equal((await readConfig(json.file, true)).terminateGraceMs, 0);
});

test('a file that somebody named must be there', async () => {
  await helpfulRefusal(readConfig('/no/such/file.yaml', true), 'INVALID_ARGUMENT', /\/no\/such\/file\.yaml.*ENOENT/);
});

const REFUSED: Readonly<Record<string, RegExp>> = {
  'colour: red': /colour/,
  'runtime: docker': /line 1: runtime is wrong/,
  'tools: bin': /line 1: tools /,
  'terminateGraceMs: -1': /line 1: terminateGraceMs /,
  'userIds: {first: 0}': /line 1: userIds\.first /,
  'userIds: {first: 9, last: 8}': /first must not be above last/,
  'cgroupParent: ../x': /cgroupParent must be an absolute path/,
  'displays: {parent: {backend: wayland}}': /backend wayland needs socket/,
  'displays: {provider: none, parent: {backend: drm}}': /parent is for the provider embedded/,
  '[1, 2]': /line 1: the file /,
  'just words': /line 1: the file /,
  'logLevel: info\nruntime:\n  x: 1\nuserIds:\n  first: 0': /line 2: runtime .*; line 5: userIds\.first /,
  'a: [': /config\.yaml cannot be used/,
  'a: 1\na: 2': /config\.yaml cannot be used: .*line 2, column 1/,
};

for (const [text, names] of Object.entries(REFUSED)) {
  test(`${JSON.stringify(text)} is refused with file and member`, async () => {
    await using at = await config(text);
    const { message } = await helpfulRefusal(readConfig(at.file, false), 'INVALID_ARGUMENT', names);
    assert.match(message, /config\.yaml/);
  });
}
