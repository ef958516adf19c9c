/** Takes away everything a container has left, in the one order that is safe. */
import { rm } from 'node:fs/promises';
import { RuntimeError } from '../../domain/errors.ts';
import type { ContainerId } from '../../domain/ids.ts';
import type { Removal } from '../../ports/engine.ts';
import type { ProcessId } from '../../ports/processes.ts';
import type { Wait } from '../../ports/wait.ts';
import { thaw, type Parts } from './parts.ts';

const POLL_MS = 3;

/**
 * Who could still make something new goes first (monitor, runtime), then the app's processes, then what they held; the bundle,
 * by which all of it is found again after a crash, goes last.
 * `known` spares the search through /proc for the helpers of a container that came up and ended in good order.
 */
export async function remove(parts: Parts, id: ContainerId, { known, ...wait }: Removal): Promise<void> {
  const { runtime, monitor, groups, processes, doors, bundleOf } = parts;
  const watcher = known?.monitor ?? null;
  // conmon and every call of the runtime name both, also those of a daemon that was killed meanwhile
  const helpers = async () =>
    watcher === null
      ? processes.withArguments([runtime.stateRoot, id])
      : [watcher].filter((one) => processes.isAlive(one));
  const members = () => Promise.resolve(groups.members(id).flatMap((pid) => processes.identify(pid) ?? []));
  await killAll(parts, id, { find: helpers, wait });
  if (watcher === null) await killAll(parts, id, { find: () => processes.holding('criu', bundleOf(id)), wait });
  await killAll(parts, id, { find: members, wait });
  await runtime.remove(id, wait);
  if (!groups.remove(id)) {
    throw new RuntimeError('TOOL_FAILED', { what: `the control groups of ${id} are not empty` });
  }
  await doors.close(id, wait);
  await monitor.forget(id);
  await rm(bundleOf(id), { recursive: true, force: true });
}

type Hunt = { readonly find: () => Promise<readonly ProcessId[]>; readonly wait: Wait };

async function killAll(parts: Parts, id: ContainerId, { find, wait }: Hunt): Promise<void> {
  const deadline = performance.now() + wait.timeoutMs;
  for (let found = await find(); found.length > 0; found = await find()) {
    for (const one of found) parts.processes.signal(one, 'SIGKILL');
    await thaw(parts, id);
    if (performance.now() > deadline) throw stillThere(id, found);
    await parts.clock.sleep(POLL_MS);
  }
}

const stillThere = (id: ContainerId, found: readonly ProcessId[]): RuntimeError =>
  new RuntimeError('KILL_FAILED', {
    what: `${id} still has the processes ${found.map((one) => one.pid).join(', ')} after SIGKILL`,
    next: 'look at their state with ps: a process in state D waits for the kernel',
  });
