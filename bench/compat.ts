/** npm run compat: takes every real app of the tests through hibernations and writes the table of docs/hibernation.md. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { table } from '../scripts/docs/markdown.mjs';
import { ALL } from '../test/apps/subjects/all.ts';
import type { Subject } from '../test/apps/subjects/subject.ts';
import { startDaemon, TOOLS } from '../test/lib/daemon.ts';
import { cycle, startSubject, type Cycle } from '../test/lib/subjects.ts';

const CYCLES = 3;
const MIB = 2 ** 20;
const PAGE = fileURLToPath(new URL('../docs/hibernation.md', import.meta.url));
const BEGIN = '<!-- generated: compat (npm run compat) -->';
const END = '<!-- end of compat -->';

const HEAD = ['app', 'result', 'image MB', 'hibernate ms', 'wake ms', 'memory given back MB'] as const;

function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

const megabytes = (bytes: number): string => (bytes / MIB).toFixed(bytes < 10 * MIB ? 1 : 0);

async function measure(subject: Subject): Promise<readonly string[]> {
  await using daemon = await startDaemon();
  const seen: Cycle[] = [];
  let result = `the same, ${CYCLES} of ${CYCLES} times`;
  try {
    const live = await startSubject(daemon, subject);
    for (let round = 1; round <= CYCLES; round++) seen.push(await cycle(live, subject, round));
  } catch (error) {
    result = `**no**: ${error instanceof Error ? error.message : String(error)}`;
    process.exitCode = 1;
  }
  const of = (figure: (one: Cycle) => number | undefined) => median(seen.map((one) => figure(one) ?? NaN));
  return [
    subject.what,
    result,
    megabytes(of(({ asleep }) => asleep.hibernation.image?.rawBytes)),
    of(({ asleep }) => asleep.hibernation.dump?.ms).toFixed(0),
    of(({ awake }) => awake.hibernation.wake?.ms).toFixed(0),
    megabytes(of(({ asleep }) => asleep.hibernation.dump?.freedBytes)),
  ];
}

const versionOf = (tool: string): string =>
  /\d+\.\d+(\.\d+)?/.exec(execFileSync(join(TOOLS, tool), ['--version'], { encoding: 'utf8' }))?.[0] ?? '?';

const circumstances = (): string =>
  `${new Date().toISOString().slice(0, 10)}, kernel ${release()}, ${cpus().length} cores, CRIU ${versionOf('criu')}, ` +
  `runc ${versionOf('runc')}, conmon ${versionOf('conmon')}. Medians of ${CYCLES}; images raw, in the page cache.`;

const rows: (readonly string[])[] = [];
for (const subject of ALL) {
  const row = await measure(subject);
  console.log(row.join('  '));
  rows.push(row);
}
const page = readFileSync(PAGE, 'utf8');
const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)];
if (from < 0 || to < from) {
  throw new Error(`${PAGE} has no place for the table: it needs the lines ${BEGIN} and ${END}`);
}
writeFileSync(
  PAGE,
  `${page.slice(0, from)}${BEGIN}\n\n${circumstances()}\n\n${table(HEAD, rows)}\n\n${page.slice(to)}`,
);
