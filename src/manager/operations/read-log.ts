/** What an app has written. */
import type { LogPage, MethodParams } from '../../domain/api.ts';
import { isAlive } from '../../domain/states.ts';
import type { Instance } from '../instance.ts';
import { isPending } from '../restarts.ts';
import type { World } from '../world.ts';

type Reading = Omit<MethodParams<'getLogs'>, 'appInstanceId'> & { readonly signal: AbortSignal };

/** Waits for new lines up to `waitMs`, where there are none yet and the app lives. */
export async function readLog(world: World, instance: Instance, reading: Reading): Promise<LogPage> {
  const { cursor, tail, limit, waitMs, previous, signal } = reading;
  const { containerId } = instance.record;
  // another run follows, with more to read
  const ended = (): boolean => previous || (!isAlive(instance.state) && !isPending(instance.record));
  const isComplete = (): boolean => previous || !isAlive(instance.state);
  const read = (place: { readonly cursor?: string | undefined; readonly tail?: number | undefined }) =>
    world.logs.read(containerId, { ...place, limit, previous, isComplete: isComplete() });
  // asked before reading: what an ended app wrote is on disk by then
  let over = ended();
  let page = await read({ cursor, tail });
  if (page.lines.length === 0 && page.gap !== true && waitMs > 0 && !over) {
    await world.logs.changed(containerId, { cursor: page.cursor, signal, timeoutMs: waitMs });
    over = ended();
    page = await read({ cursor: page.cursor });
  }
  return { ...page, ended: over && page.lines.length === 0 };
}
