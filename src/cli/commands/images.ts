/** images: what apps that sleep have on disk. */
import { callOnce } from '../../client/unix.ts';
import type { ImageEntry } from '../../domain/hibernation.ts';
import { formatSize } from '../../domain/size.ts';
import type { Command } from '../command.ts';
import { table } from '../table.ts';

const HEAD = ['INSTANCE', 'APP', 'SIZE', 'RAW', 'RATIO', 'DURABLE', 'SINCE'];

export const images: Command = async ({ daemon, output }) => {
  const entries = await callOnce(daemon, ['listImages', {}]);
  if (output.json) output.data(entries);
  else if (entries.length === 0) output.note('no app sleeps');
  else output.line(table(HEAD, entries.map(rowOf)));
  for (const { appInstanceId, unusable } of output.json ? [] : entries) {
    if (unusable !== null) output.note(`${appInstanceId} cannot be woken: ${unusable}`);
  }
  return 0;
};

const rowOf = (entry: ImageEntry): readonly string[] => {
  const { appInstanceId, appId, sizeBytes, rawBytes, durable, hibernatedAt } = entry;
  const ratio = sizeBytes === 0 ? '-' : (rawBytes / sizeBytes).toFixed(1);
  return [
    appInstanceId,
    appId,
    formatSize(sizeBytes),
    formatSize(rawBytes),
    ratio,
    durable ? 'yes' : 'no',
    hibernatedAt,
  ];
};
