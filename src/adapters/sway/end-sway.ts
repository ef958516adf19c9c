/** Takes away a display and everything that it holds, whatever has become of it and whoever made it. */
import { rm } from 'node:fs/promises';
import type { ContainerId } from '../../domain/ids.ts';
import { RuntimeError } from '../../domain/errors.ts';
import type { ProcessId } from '../../ports/processes.ts';
import type { Wait } from '../../ports/wait.ts';
import type { SwayParts } from './parts.ts';
import { isThere, readRecord, type DisplayPlaces } from './places.ts';

const POLL_MS = 2;
/** A compositor that hears SIGTERM ends within some ms, and takes its sockets with it. */
const GRACE_MS = 1000;

type Ending = { readonly places: DisplayPlaces; readonly group: ContainerId };

/** Repeatable. Throws KILL_FAILED, and then everything is still found again. */
export async function endSway(parts: SwayParts, { places, group }: Ending, { timeoutMs }: Wait): Promise<void> {
  const { groups, processes, clock } = parts;
  // the directory is the first thing made and the last one removed
  if (!(await isThere(places.directory)) && groups.members(group).length === 0 && groups.remove(group)) return;
  const begin = performance.now();
  // a group stays busy for a moment after its last process
  for (let found = await processesOf(parts, { places, group }); found.length > 0 || !groups.remove(group);) {
    const spentMs = performance.now() - begin;
    if (spentMs > GRACE_MS + timeoutMs) throw stillThere(places, found);
    for (const one of found) processes.signal(one, spentMs < GRACE_MS ? 'SIGTERM' : 'SIGKILL');
    await clock.sleep(POLL_MS);
    found = await processesOf(parts, { places, group });
  }
  await rm(places.directory, { recursive: true, force: true });
}

/** A daemon that was killed may have had no time to write down what it had started: then it is looked for. */
async function processesOf({ processes, groups }: SwayParts, { places, group }: Ending): Promise<readonly ProcessId[]> {
  const record = await readRecord(places).catch(() => undefined);
  const known =
    record === undefined ? await processes.withArguments([places.config]) : [record.process].filter(processes.isAlive);
  const members = groups.members(group).flatMap((pid) => processes.identify(pid) ?? []);
  return [...known, ...members.filter(({ pid }) => !known.some((one) => one.pid === pid))];
}

const stillThere = ({ directory }: DisplayPlaces, found: readonly ProcessId[]): RuntimeError =>
  new RuntimeError('KILL_FAILED', {
    what: `the display in ${directory} still has the processes ${found.map(({ pid }) => pid).join(', ')} after SIGKILL`,
    next: 'look at their state with ps: a process in state D waits for the kernel',
  });
