/** What is true of a container at this moment, from /proc, the control groups and the monitor's files. */
import type { ContainerId } from '../../domain/ids.ts';
import type { Ended, Inspection, Live } from '../../ports/engine.ts';
import { leftovers, type Parts } from './parts.ts';

/** conmon needs a moment between the end of the container and the exit file. */
const MONITOR_LAST_WORD_MS = 2000;
/** As long as it lives it may still say it (its disk hangs); after this time nobody waits any longer. */
const MONITOR_PATIENCE_MS = 120_000;
const POLL_MS = 3;

export async function ended(parts: Parts, id: ContainerId, live: Live): Promise<Ended | undefined> {
  const { monitor, groups, processes, clock } = parts;
  const { init, monitor: watcher } = live;
  if (processes.isAlive(init)) return undefined;
  const withOom = (seen: Ended): Ended => ({ ...seen, oom: seen.oom || groups.oomKills(id) > 0 });
  const deadline = performance.now() + MONITOR_LAST_WORD_MS;
  for (;;) {
    // asked before the file is read: a monitor that ends in between has written it
    const monitored = watcher !== null && processes.isAlive(watcher);
    const seen = await monitor.exit(id);
    if (seen !== undefined) return withOom(seen);
    if (!monitored || waitedLongFor(live)) return withOom({ code: null, oom: false });
    if (performance.now() > deadline) return undefined;
    await clock.sleep(POLL_MS);
  }
}

/** When an end was first seen of which the monitor has not told. */
const untold = new WeakMap<Live, number>();

function waitedLongFor(live: Live): boolean {
  const since = untold.get(live) ?? performance.now();
  untold.set(live, since);
  return performance.now() - since > MONITOR_PATIENCE_MS;
}

export async function inspect(parts: Parts, id: ContainerId, known: Live | null): Promise<Inspection> {
  const live = liveNow(parts, id, known);
  if (live !== undefined && (await wasStarted(parts, id))) {
    return { status: parts.groups.frozen(id) === 'frozen' ? 'frozen' : 'running', live };
  }
  if (live === undefined) {
    // a monitor that hangs is not waited for here: nobody could tell more
    const seen = known === null ? await parts.monitor.exit(id) : await ended(parts, id, known);
    if (seen !== undefined) return { status: 'ended', ended: seen };
  }
  return (await leftovers(parts)).includes(id) ? { status: 'remains' } : { status: 'absent' };
}

function liveNow(
  { monitor, processes, groups, bundleOf }: Parts,
  id: ContainerId,
  known: Live | null,
): Live | undefined {
  const found = monitor.find(id, bundleOf(id));
  if (known !== null) {
    return processes.isAlive(known.init) ? { init: known.init, monitor: found?.monitor ?? null } : undefined;
  }
  // a pid from a file is only believed when the kernel has it in our group
  return found !== undefined && groups.members(id).includes(found.init.pid) ? found : undefined;
}

/** Before `start` the first process is still the runtime's own init, waiting on this fifo (runc and crun alike). */
async function wasStarted({ listState }: Parts, id: ContainerId): Promise<boolean> {
  return !(await listState(id)).includes('exec.fifo');
}
