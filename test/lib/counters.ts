/** Apps that count: what they write to their storage tells whether they went on from where they were. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '../../src/client/node.ts';
import { perl } from './apps.ts';
import { until } from './until.ts';

export type CounterKind = 'small' | 'pair' | 'large';

/** Writes `life count` over and over. The life is a number that only this process knows: another one would have another. */
const PREAMBLE =
  '$| = 1; my $life = int(rand(1e9)) . "-" . time; my $n = 0; ' +
  'open my $out, ">", "/data/count" or die; $out->autoflush; ' +
  'sub say_it { seek $out, 0, 0; printf $out "%-24s %12d %-8s\\n", $life, $n, $_[0] // "well" } ';
const pause = (seconds: string): string => `select undef, undef, undef, ${seconds}; `;

const SCRIPTS: Readonly<Record<CounterKind, (bytes: number) => string>> = {
  small: () => `${PREAMBLE} while (1) { $n++; say_it(); ${pause('0.005')} }`,
  // one process counts, the other writes what comes through the pipe
  pair: () =>
    `${PREAMBLE} pipe(my $in, my $to); if (!fork) { close $in; $to->autoflush; ` +
    `while (1) { print $to ++$n, "\\n" or exit; ${pause('0.005')} } } close $to; ` +
    'while (<$in>) { chomp; $n = $_; say_it() } exit 7',
  // every page holds its own number, and each tick looks at some of them in an order that jumps about
  large: (bytes) => {
    const pages = Math.max(1, Math.floor(bytes / 4096));
    return (
      `${PREAMBLE} my $m = ""; vec($m, ${pages * 4096} - 1, 8) = 1; ` +
      `for my $p (0..${pages - 1}) { substr($m, $p * 4096, 8) = sprintf("%08d", $p) } my $p = 0; ` +
      `while (1) { for (1..20) { $p = ($p + 7919) % ${pages}; ` +
      `if (substr($m, $p * 4096, 8) ne sprintf("%08d", $p)) { say_it("corrupt"); exit 9 } } $n++; say_it(); ${pause('0.005')} }`
    );
  },
};

export const counterArgs = (kind: CounterKind, bytes = 0): readonly string[] => perl(SCRIPTS[kind](bytes));

export type Count = { readonly life: string; readonly count: number; readonly health: string };

/** Undefined before the first tick. */
export function readCount(storage: string): Count | undefined {
  const [life, count, health] = readFileIfThere(join(storage, 'count')).trim().split(/\s+/);
  if (life === undefined || count === undefined || health === undefined) return undefined;
  return { life, count: Number(count), health };
}

function readFileIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

export async function countOf(client: Client, appInstanceId: string): Promise<Count> {
  const { storage } = await client.getInfo({ appInstanceId });
  return until(() => readCount(storage), { what: `${appInstanceId} counts` });
}

/** It goes on in the same life, from there or later, and nothing in its memory has changed. What it says now. */
export async function goesOn(client: Client, appInstanceId: string, before: Count): Promise<Count> {
  const { storage } = await client.getInfo({ appInstanceId });
  const first = readCount(storage) ?? before;
  checkSame(appInstanceId, before, first);
  const later = await until(
    () => {
      const now = readCount(storage);
      return now !== undefined && (now.count > first.count || now.health !== 'well') && now;
    },
    { what: `${appInstanceId} goes on counting after ${first.count}` },
  );
  checkSame(appInstanceId, first, later);
  return later;
}

export function checkSame(id: string, before: Count, now: Count): void {
  assert.equal(now.health, 'well', `${id}: its memory`);
  assert.equal(now.life, before.life, `${id} lives the same life as before`);
  assert(now.count >= before.count, `${id} counted ${before.count} before and ${now.count} now`);
}
