/** The history of one instance, from the event log and, as long as it is remembered, from its record. */
import type { MethodParams } from '../domain/api.ts';
import { beginsWithRun, entriesOf, type History } from '../domain/history.ts';
import { appInstanceId } from '../domain/ids.ts';
import type { Instances } from './instances.ts';
import type { World } from './world.ts';

/** Throws NOT_FOUND when neither knows it. */
export async function historyOf(
  { journal }: World,
  instances: Instances,
  params: MethodParams<'getHistory'>,
): Promise<History> {
  const id = appInstanceId(params.appInstanceId);
  const { events } = await journal.events({ since: 0, limit: params.limit, appInstanceId: id, newest: true });
  const [first] = events;
  const known = instances.find(id);
  const entries = entriesOf(events);
  return {
    appId: known?.record.appId ?? first?.appId ?? instances.get(id).record.appId,
    appInstanceId: id,
    state: known?.state ?? null,
    exit: entries.findLast(({ exit }) => exit !== null)?.exit ?? known?.record.exit ?? null,
    complete: beginsWithRun(events),
    entries,
  };
}
