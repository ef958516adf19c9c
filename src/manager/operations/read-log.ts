/** What an app has written. */
import type { LogPage, MethodParams } from '../../domain/api.ts';
import { isAlive } from '../../domain/states.ts';
import type { Instance } from '../instance.ts';
import type { World } from '../world.ts';

type Reading = Omit<MethodParams<'getLogs'>, 'appInstanceId'> & { readonly signal: AbortSignal };

/** Waits for new lines up to `waitMs`, where there are none yet and the app lives. */
export async function readLog(world: World, instance: Instance, reading: Reading): Promise<LogPage> {
  const { cursor, tail, limit, waitMs, signal } = reading;
  const { containerId } = instance.record;
  const ended = (): boolean => !isAlive(instance.state);
  // asked before reading: what an ended app wrote is on disk by then
  let over = ended();
  let page = await world.logs.read(containerId, { cursor, tail, limit });
  if (page.lines.length === 0 && waitMs > 0 && !over) {
    await world.logs.changed(containerId, { cursor: page.cursor, signal, timeoutMs: waitMs });
    over = ended();
    page = await world.logs.read(containerId, { cursor: page.cursor, limit });
  }
  return { ...page, ended: over && page.lines.length === 0 };
}
