/** Entries of a history as a table, for all commands that show some. */
import type { HistoryEntry } from '../domain/history.ts';
import { table } from './table.ts';
import { duration } from './words.ts';

const HEAD = ['TIME', 'FOR', 'WHAT', 'BY'];

export const historyTable = (entries: readonly HistoryEntry[]): string => table(HEAD, entries.map(rowOf));

const rowOf = ({ time, lastedMs, what, why, by }: HistoryEntry): readonly string[] => [
  time,
  lastedMs === null ? '' : duration(lastedMs),
  why === null ? what : `${what}: ${why}`,
  by ?? '',
];
