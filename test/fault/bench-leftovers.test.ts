/** What a benchmark that was killed leaves is taken away by the next one. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { sweep } from '../../bench/lib/leftovers.ts';
import { groupDirectories, mountsUnder, processesWith } from '../lib/machine.ts';
import { PROJECT } from '../lib/pages.ts';
import { until } from '../lib/until.ts';

test('a comparison killed by SIGKILL: its daemons, containers, control groups, mounts and files go with the next', async () => {
  const out = await mkdtemp(join(await realpath(tmpdir()), 'rmt-out-'));
  const words = ['compare', '--apps', '2', '--rounds', '1000', '--peers', 'runc', '--out', out];
  const bench = spawn(process.execPath, [join(PROJECT, 'bench/main.ts'), ...words], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(bench, 'exit');
  let said = '';
  bench.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await until(() => said.includes('round 2 of 1000') || bench.exitCode !== null, {
    what: 'rounds are measured',
    timeoutMs: 60_000,
  });
  assert.equal(bench.exitCode, null, said);
  bench.kill('SIGKILL');
  await ended;
  const group = `/runtime-manager-bench-${bench.pid ?? 0}`;
  assert.ok(groupDirectories(group).length > 0);

  const taken = await sweep();
  // of each of the two daemons, and of the run
  assert.ok(taken.length >= 3, taken.join(', '));
  for (const directory of taken) assert.deepEqual([...processesWith(directory), ...mountsUnder(directory)], []);
  assert.deepEqual(groupDirectories(group), []);
  assert.deepEqual(await sweep(), []);
  await rm(out, { recursive: true });
});
