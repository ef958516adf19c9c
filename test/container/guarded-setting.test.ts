/** A setting that must be another one for a moment. On a plain file: the mechanism knows nothing of the kernel's. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { changeSetting } from '../../src/adapters/process/guarded-setting.ts';
import { until } from '../lib/until.ts';

async function setting(value: string) {
  const directory = await mkdtemp(join(tmpdir(), 'rmt-setting-'));
  const file = join(directory, 'value');
  await writeFile(file, `${value}\n`);
  return {
    change: { file, during: '1', after: '0', searchPath: process.env['PATH'] ?? '' },
    read: async () => (await readFile(file, 'utf8')).trim(),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  };
}

test('it is changed as long as somebody needs it, and what it was before after the last one', async () => {
  await using at = await setting('0');
  const first = await changeSetting(at.change);
  const second = await changeSetting(at.change);
  assert.equal(await at.read(), '1');
  await first[Symbol.asyncDispose]();
  assert.equal(await at.read(), '1');
  await second[Symbol.asyncDispose]();
  assert.equal(await at.read(), '0');
});

test('many at once, in any order, leave it as it was', async () => {
  await using at = await setting('0');
  await Promise.all(
    Array.from({ length: 12 }, async () => {
      const held = await changeSetting(at.change);
      assert.equal(await at.read(), '1');
      await held[Symbol.asyncDispose]();
    }),
  );
  assert.equal(await at.read(), '0');
});

test("the machine's own choice is left alone", async () => {
  await using at = await setting('1');
  const held = await changeSetting(at.change);
  await held[Symbol.asyncDispose]();
  assert.equal(await at.read(), '1');
});

test('a setting that cannot be changed is told', async () => {
  await using at = await setting('0');
  await assert.rejects(changeSetting({ ...at.change, file: `${at.change.file}/none` }), { code: 'NOT_SUPPORTED' });
});

test('who needed it may be killed at any moment: it goes back all the same', async () => {
  await using at = await setting('0');
  const module = new URL('../../src/adapters/process/guarded-setting.ts', import.meta.url).href;
  const program = `const { changeSetting } = await import(${JSON.stringify(module)});
    const change = ${JSON.stringify(at.change)};
    for (;;) await (await changeSetting(change))[Symbol.asyncDispose]();`;
  for (const lifeMs of [90, 110, 130, 150, 170, 190]) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'ignore' });
    const gone = once(child, 'exit');
    setTimeout(() => child.kill('SIGKILL'), lifeMs);
    await gone;
    await until(async () => (await at.read()) === '0', { what: 'the setting is as before' });
  }
});
