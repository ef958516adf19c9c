/** storage ls | clear | delete: the private directories of apps. */
import { callOnce } from '../../client/unix.ts';
import { ERRORS, RuntimeError } from '../../domain/errors.ts';
import type { StorageEntry } from '../../domain/info.ts';
import { formatSize } from '../../domain/size.ts';
import type { Command, Invocation } from '../command.ts';
import { table } from '../table.ts';

const HEAD = ['APP', 'USER', 'USED', 'LIMIT', 'IN USE', 'PATH'];
const METHODS = { clear: 'clearStorage', delete: 'deleteStorage' } as const;
type Action = keyof typeof METHODS;
const DONE: Readonly<Record<Action, string>> = { clear: 'is empty', delete: 'is deleted' };

export const storage: Command = async (invocation) => {
  const [action = '', ...appIds] = invocation.operands;
  if (action === 'ls' && appIds.length === 0) return list(invocation);
  if ((action === 'clear' || action === 'delete') && appIds.length > 0) return change(invocation, action, appIds);
  throw new RuntimeError('INVALID_ARGUMENT', {
    what: `storage: ${JSON.stringify(invocation.operands.join(' '))} is not understood`,
    next: 'write storage ls, storage clear APP… or storage delete APP…',
  });
};

async function list({ daemon, output }: Invocation): Promise<number> {
  const entries = await callOnce(daemon, ['listStorage', {}]);
  if (output.json) output.data(entries);
  else if (entries.length === 0) output.note('no app has storage');
  else output.line(table(HEAD, entries.map(rowOf)));
  return 0;
}

const rowOf = ({ appId, uid, usedBytes, limitBytes, inUse, path }: StorageEntry): readonly string[] => [
  appId,
  String(uid),
  formatSize(usedBytes),
  limitBytes === null ? '-' : formatSize(limitBytes),
  inUse ? 'yes' : 'no',
  path,
];

/** On with the others when one fails. */
async function change({ daemon, output }: Invocation, action: Action, appIds: readonly string[]): Promise<number> {
  let exitCode = 0;
  const outcomes: object[] = [];
  for (const appId of new Set(appIds)) {
    try {
      const { already } = await callOnce(daemon, [METHODS[action], { appId }]);
      outcomes.push({ appId, already });
      if (!output.json) output.line(`the storage of ${appId} ${already ? 'is not there' : DONE[action]}`);
    } catch (thrown) {
      const error = RuntimeError.of(thrown);
      outcomes.push({ appId, error });
      output.error(error);
      exitCode ||= ERRORS[error.code].exitCode;
    }
  }
  if (output.json) output.data(outcomes);
  return exitCode;
}
