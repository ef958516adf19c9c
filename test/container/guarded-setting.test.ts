import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { changeSetting } from '../../src/adapters/process/guarded-setting.ts';

/** Any file will do: what counts is who writes what, and when. */
async function setting(value: string) {
  const directory = await mkdtemp(join(tmpdir(), 'rmt-'));
  const file = join(directory, 'setting');
  await writeFile(file, `${value}\n`);
  return {
    file,
    value: async () => (await readFile(file, 'utf8')).trim(),
    change: () => changeSetting({ file, during: '1', after: '0' }),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  };
}

test('a setting is another one until the last of those who need that has left', async () => {
  await using one = await setting('0');
  const users = [await one.change(), await one.change(), await one.change()];
  for (const user of users) {
    assert.equal(await one.value(), '1');
    await user[Symbol.asyncDispose]();
  }
  assert.equal(await one.value(), '0');
});

test('a setting that the owner of the machine made stays', async () => {
  await using one = await setting('1');
  const users = [await one.change(), await one.change()];
  for (const user of users) await user[Symbol.asyncDispose]();
  assert.equal(await one.value(), '1');
});

test('many who come and go at the same moment find it changed, and leave it as it was', async () => {
  await using one = await setting('0');
  for (let round = 0; round < 5; round++) {
    await Promise.all(
      Array.from({ length: 6 }, async () => {
        const user = await one.change();
        assert.equal(await one.value(), '1');
        await user[Symbol.asyncDispose]();
      }),
    );
    assert.equal(await one.value(), '0');
  }
});
