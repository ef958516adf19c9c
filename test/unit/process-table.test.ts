import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { linuxProcesses } from '../../src/adapters/process/processes.ts';
import { ProcessTable, type ProcessEntry } from '../../src/adapters/process/process-table.ts';

test('who asks while a look is under way shares the next one, which begins after it was asked', async () => {
  const looks: PromiseWithResolvers<readonly ProcessEntry[]>[] = [];
  const table = new ProcessTable(() => {
    const look = Promise.withResolvers<readonly ProcessEntry[]>();
    looks.push(look);
    return look.promise;
  });
  const early = [table.now(), table.now()];
  await new Promise((resolve) => setImmediate(resolve));
  const late = Array.from({ length: 100 }, () => table.now());
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(looks.length, 1);
  looks[0]?.resolve([]);
  assert.deepEqual(await Promise.all(early), [[], []]);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(looks.length, 2);
  looks[1]?.reject(new Error('no descriptor is left'));
  for (const one of late) await assert.rejects(one, /no descriptor/);
  const next = table.now();
  await new Promise((resolve) => setImmediate(resolve));
  looks[2]?.resolve([]);
  assert.deepEqual(await next, []);
});

test('a process is found by its arguments', async () => {
  const args = readFileSync('/proc/self/cmdline', 'utf8').split('\0').filter(Boolean);
  const found = await linuxProcesses.withArguments(args);
  assert.ok(found.some(({ pid }) => pid === process.pid));
});
