/** packages ls | prune: images that were unpacked for apps, and packages that are mounted. */
import { callOnce } from '../../client/unix.ts';
import { RuntimeError } from '../../domain/errors.ts';
import type { PackageEntry } from '../../domain/packages.ts';
import { formatSize } from '../../domain/size.ts';
import type { Command, Invocation } from '../command.ts';
import { table } from '../table.ts';

const HEAD = ['ID', 'KIND', 'SIZE', 'USED BY', 'LAST RUN', 'SOURCE'];
const ID_LENGTH = 12;

export const packages: Command = async (invocation) => {
  const [action, ...more] = invocation.operands;
  if (action === 'ls' && more.length === 0) return list(invocation);
  if (action === 'prune' && more.length === 0) return prune(invocation);
  throw new RuntimeError('INVALID_ARGUMENT', {
    what: `packages: ${JSON.stringify(invocation.operands.join(' '))} is not understood`,
    next: 'write packages ls, or packages prune',
  });
};

async function list({ daemon, output }: Invocation): Promise<number> {
  const store = await callOnce(daemon, ['listPackages', {}]);
  if (output.json) {
    output.data(store);
    return 0;
  }
  if (store.packages.length > 0) output.line(table(HEAD, store.packages.map(rowOf)));
  output.note(`${formatSize(store.totalBytes)} on disk of ${formatSize(store.budgetBytes)} for packages`);
  return 0;
}

const rowOf = ({ id, kind, sizeBytes, usedBy, usedAt, sources }: PackageEntry): readonly string[] => [
  id.slice(0, ID_LENGTH),
  kind,
  sizeBytes === null ? '-' : formatSize(sizeBytes),
  usedBy.length === 0 ? '-' : usedBy.join(', '),
  usedAt ?? '-',
  sources.length === 0 ? '-' : sources.join(', '),
];

async function prune({ daemon, output }: Invocation): Promise<number> {
  const pruned = await callOnce(daemon, ['prunePackages', {}]);
  if (output.json) output.data(pruned);
  else output.line(`${pruned.deleted} deleted, ${formatSize(pruned.freedBytes)} free`);
  return 0;
}
