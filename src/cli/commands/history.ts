import { callOnce } from '../../client/unix.ts';
import type { HistoryEntry } from '../../domain/history.ts';
import type { Command } from '../command.ts';
import { countOf } from '../options.ts';
import { table } from '../table.ts';
import { duration } from '../words.ts';

const HEAD = ['TIME', 'FOR', 'WHAT', 'BY'];

export const history: Command = async ({ operands: [appInstanceId = ''], options, daemon, output }) => {
  const limit = countOf(options, 'limit');
  const found = await callOnce(daemon, ['getHistory', { appInstanceId, ...(limit !== undefined && { limit }) }]);
  if (output.json) {
    output.data(found);
    return 0;
  }
  if (!found.complete) output.note('what happened before this is no longer kept, or left out (--limit)');
  output.line(table(HEAD, found.entries.map(rowOf)));
  return 0;
};

const rowOf = ({ time, lastedMs, what, why, by }: HistoryEntry): readonly string[] => [
  time,
  lastedMs === null ? '' : duration(lastedMs),
  why === null ? what : `${what}: ${why}`,
  by ?? '',
];
