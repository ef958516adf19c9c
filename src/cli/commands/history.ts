import { callOnce } from '../../client/unix.ts';
import type { Command } from '../command.ts';
import { historyTable } from '../history-table.ts';
import { countOf } from '../options.ts';

export const history: Command = async ({ operands: [appInstanceId = ''], options, daemon, output }) => {
  const limit = countOf(options, 'limit');
  const found = await callOnce(daemon, ['getHistory', { appInstanceId, ...(limit !== undefined && { limit }) }]);
  if (output.json) {
    output.data(found);
    return 0;
  }
  if (!found.complete) output.note('what happened before this is no longer kept, or left out (--limit)');
  output.line(historyTable(found.entries));
  return 0;
};
