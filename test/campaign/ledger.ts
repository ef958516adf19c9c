/** What the apps themselves wrote of their runs, against what the daemon reports of them. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AppEvent } from '../../src/client/node.ts';
import type { ExitCause } from '../../src/domain/exit.ts';
import { runsOf } from '../lib/history.ts';

/** What a caller or a fault has done to one instance, by which an end that is not its own is explained. */
export type Deeds = Set<'ended' | 'monitor-killed' | 'helper-killed'>;

type Subject = { readonly id: string; readonly diary: string; readonly deeds: Deeds };
type DiaryRun = { readonly run: string; readonly end: number | undefined };

/** A directory of one instance for its diary, writable by whatever user it gets. */
export function openDiary(directory: string): string {
  mkdirSync(directory, { recursive: true });
  chmodSync(directory, 0o777);
  return directory;
}

/** Its runs in the order in which they began. Throws when the app found its data damaged. */
function readDiary(directory: string): readonly DiaryRun[] {
  const file = join(directory, 'lines');
  const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
  const runs = new Map<string, number | undefined>();
  for (const line of lines) {
    const [run = '', word, code] = line.split(' ');
    assert.notEqual(word, 'damaged', `${directory}: the app found its data damaged`);
    if (word === 'begin') runs.set(run, undefined);
    if (word === 'end') runs.set(run, Number(code));
  }
  return [...runs].map(([run, end]) => ({ run, end }));
}

/** Ends that no app chose, and what must have happened before. Any other cause is a fault of the daemon. */
const EXPLAINED: Readonly<Partial<Record<ExitCause, keyof typeof BY>>> = {
  terminated: 'caller',
  killed: 'caller',
  'start-failed': 'anything',
  'start-interrupted': 'anything',
  'monitor-lost': 'monitor',
  'display-died': 'helper',
  'checkpoint-died': 'helper',
};
const BY = {
  caller: (deeds: Deeds) => deeds.has('ended'),
  monitor: (deeds: Deeds) => deeds.has('monitor-killed'),
  helper: (deeds: Deeds) => deeds.has('helper-killed'),
  anything: () => true,
};

const countOf = (values: readonly number[]): ReadonlyMap<number, number> => {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
};

/**
 * No exit is lost, invented or changed: each code that is reported was written by a run of the app, and each run that wrote its
 * code is reported with it, unless a caller's kill came between the two.
 */
export function checkLedger(events: readonly AppEvent[], { id, diary, deeds }: Subject): void {
  const exits = runsOf(events, id).map(({ exit }) => exit ?? assert.fail(`${id}: a run has no end`));
  const own = exits.filter(({ cause }) => cause === 'exited' || cause === 'signalled');
  const others = exits.filter((exit) => !own.includes(exit));
  for (const exit of others) {
    const by = EXPLAINED[exit.cause];
    assert(by !== undefined && BY[by](deeds), `${id}: ${JSON.stringify(exit)}, after ${[...deeds].join(', ')}`);
  }
  const written = countOf(readDiary(diary).flatMap(({ end }) => (end === undefined ? [] : [end])));
  const reported = countOf(own.map(({ code }) => code ?? -1));
  const story = (): string =>
    [
      JSON.stringify(exits),
      [...deeds].join(', '),
      ...lastEvents(events, id).map((event) => JSON.stringify(event)),
    ].join('\n');
  for (const [code, times] of reported) {
    const wrote = written.get(code) ?? 0;
    assert(
      times <= wrote,
      `${id}: exit code ${code} is reported ${times} times, the app wrote it ${wrote} times\n${story()}`,
    );
  }
  const missing = [...written].reduce((sum, [code, times]) => sum + times - (reported.get(code) ?? 0), 0);
  assert(missing <= others.length, `${id}: ${missing} exit codes of the app were never reported\n${story()}`);
}

const STORY = 25;
const lastEvents = (events: readonly AppEvent[], id: string): readonly AppEvent[] =>
  events.filter(({ appInstanceId }) => appInstanceId === id).slice(-STORY);
