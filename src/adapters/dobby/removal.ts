/** Takes away what a container has left: Dobby does most of it itself, once it is stopped. */
import { access, rm } from 'node:fs/promises';
import { RuntimeError } from '../../domain/errors.ts';
import type { ContainerId } from '../../domain/ids.ts';
import { unhurried } from '../../domain/unhurried.ts';
import type { Live, Removal } from '../../ports/engine.ts';
import { dobbyId } from './ids.ts';
import type { Parts } from './parts.ts';
import { targetOf } from './start.ts';

const POLL_MS = 20;
const ASK_MS = 5000;

/**
 * Only of a container that has a directory of ours: one of the same name may be somebody else's. Throws while Dobby cannot say that
 * it is gone; the bundle, by which it is found again, goes last. (Dobby cleans up after a crash without it: crun has a copy.)
 */
export async function removeContainer(parts: Parts, id: ContainerId, { known, ...wait }: Removal): Promise<void> {
  const { way, containers, figures, processes } = parts;
  const directory = parts.bundleOf(id);
  const isOurs = await access(directory).then(
    () => true,
    () => false,
  );
  if (isOurs && !isSaidGone(parts, id, known)) {
    // of a Dobby that has crashed it may live on, and nobody else would end it; and not every stop ends what it should
    const kill = (): unknown => known !== null && processes.signal(known.init, 'SIGKILL');
    if (way.life === null) kill();
    else await stop(parts, id, { timeoutMs: wait.timeoutMs, kill });
  }
  containers.forget(id);
  figures.forget(id);
  // files of ours and of Dobby only: nothing is mounted in it
  await rm(directory, { recursive: true, force: true });
}

const isSaidGone = ({ containers, processes }: Parts, id: ContainerId, known: Live | null): boolean =>
  known?.handle !== undefined && containers.endOf(id, known.handle) !== undefined && !processes.isAlive(known.init);

type Stopping = { readonly timeoutMs: number; readonly kill: () => unknown };

async function stop({ calls, clock }: Parts, id: ContainerId, { timeoutMs, kill }: Stopping): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  const wait = unhurried(Math.min(ASK_MS, timeoutMs));
  for (let isAsked = false; ;) {
    const { life, descriptors } = await calls.list(wait);
    const descriptor = descriptors.get(dobbyId(id));
    if (descriptor === undefined) {
      kill();
      return;
    }
    if (performance.now() > deadline) throw stillThere(id);
    if (!isAsked) {
      isAsked = await calls.stop(targetOf(id, { life, descriptor }), true, wait);
      kill();
    }
    await clock.sleep(POLL_MS);
  }
}

const stillThere = (id: ContainerId): RuntimeError =>
  new RuntimeError('KILL_FAILED', {
    what: `Dobby still has the container ${id} after a forced stop`,
    next: "look at DobbyDaemon's log: a process in state D waits for the kernel, and then a restart of Dobby does not help either",
  });
