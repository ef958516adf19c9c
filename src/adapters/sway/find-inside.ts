/** The compositor in an app's container: only its command line is known, and whose it is. */
import { stat } from 'node:fs/promises';
import { DISPLAY_DIRECTORY } from '../../domain/rootfs.ts';
import type { Processes } from '../../ports/processes.ts';
import { insidePlaces } from './places.ts';

export async function compositorInside(
  processes: Pick<Processes, 'withArguments'>,
  uid: number,
): Promise<number | undefined> {
  const found = await processes.withArguments([insidePlaces(DISPLAY_DIRECTORY).config]);
  for (const { pid } of found) if ((await ownerOf(pid)) === uid) return pid;
  return undefined;
}

/** Undefined for a process that is gone. */
const ownerOf = (pid: number): Promise<number | undefined> =>
  stat(`/proc/${pid}`).then(
    ({ uid }) => uid,
    () => undefined,
  );
