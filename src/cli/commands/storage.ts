/** storage ls | clear | delete | repair: the private directories of apps. */
import { callOnce } from '../../client/unix.ts';
import { ERRORS, RuntimeError } from '../../domain/errors.ts';
import type { StorageEntry } from '../../domain/info.ts';
import type { StorageRepair } from '../../domain/results.ts';
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
  if (action === 'repair' && appIds.length > 0) return repair(invocation, appIds);
  throw new RuntimeError('INVALID_ARGUMENT', {
    what: `storage: ${JSON.stringify(invocation.operands.join(' '))} is not understood`,
    next: 'write storage ls, storage clear APP…, storage delete APP… or storage repair APP…',
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

const change = ({ daemon, output }: Invocation, action: Action, appIds: readonly string[]): Promise<number> =>
  each(output, appIds, async (appId) => {
    const { already } = await callOnce(daemon, [METHODS[action], { appId }]);
    if (!output.json) output.line(`the storage of ${appId} ${already ? 'is not there' : DONE[action]}`);
    return { appId, already };
  });

const repair = ({ daemon, output }: Invocation, appIds: readonly string[]): Promise<number> =>
  each(output, appIds, async (appId) => {
    const result = await callOnce(daemon, ['repairStorage', { appId }]);
    if (!output.json) for (const line of reportOf(result)) output.line(line);
    return result;
  });

function reportOf(result: StorageRepair): readonly string[] {
  const { appId, file, repaired, changes, changeCount, salvaged, undoFile } = result;
  if (file === null) return [`the storage of ${appId} is a directory of the disk: it has no file system of its own`];
  if (!repaired) return [`nothing is wrong with the storage of ${appId}`];
  const more = changeCount - changes.length;
  return [
    `the storage of ${appId} is repaired; what was changed, and may be lost:`,
    ...changes.map((line) => `  ${line}`),
    ...(more > 0 ? [`  … and ${more} more`] : []),
    ...(salvaged.length > 0 ? ['files without a name that were found again:'] : []),
    ...salvaged.map(({ path, sizeBytes }) => `  ${path}  ${formatSize(sizeBytes)}`),
    ...(undoFile === null ? [] : [`to undo the repair: e2undo ${undoFile} ${file}`]),
  ];
}

/** On with the others when one fails. */
async function each(
  output: Invocation['output'],
  appIds: readonly string[],
  work: (appId: string) => Promise<object>,
): Promise<number> {
  let exitCode = 0;
  const outcomes: object[] = [];
  for (const appId of new Set(appIds)) {
    try {
      outcomes.push(await work(appId));
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
