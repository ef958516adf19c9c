/** Start-up of the command line against an empty Node script. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PACKAGE } from './lib/daemon.ts';
import { median, timed } from './lib/statistics.ts';
import type { Figure } from './lib/table.ts';

const run = promisify(execFile);
const ROUNDS = 40;

export async function commands(): Promise<Figure> {
  const directory = await mkdtemp(join(tmpdir(), 'rmt-bench-'));
  const empty = join(directory, 'empty.mjs');
  await writeFile(empty, '');
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    ours.push(await timed(() => run(`${PACKAGE}bin/runtimectl`, ['version'])));
    theirs.push(await timed(() => run(process.execPath, [empty])));
  }
  await rm(directory, { recursive: true });
  return {
    what: 'runtimectl version / empty Node script',
    ours: median(ours),
    theirs: median(theirs),
    unit: 'ms',
    bound: 1.6,
  };
}
