/** The end of an instance: written once, told once, and then everything it held is given back. */
import { exitRecord, signalOf, type ExitCause, type ExitRecord } from '../../domain/exit.ts';
import type { Ended } from '../../ports/engine.ts';
import type { EventBody, Instance } from '../instance.ts';
import { afterEnd } from '../restarts.ts';
import type { World } from '../world.ts';
import { clear } from './clear.ts';
import { giveBackDisplay } from './displays.ts';

const REASONS: Readonly<Record<ExitCause, (exit: ExitRecord) => string>> = {
  exited: ({ code }) => `exited with code ${code ?? '?'}`,
  signalled: ({ signal }) => `ended by signal ${signal ?? '?'}`,
  oom: () => 'killed by the kernel for memory',
  terminated: () => 'terminate',
  killed: () => 'kill',
  'display-died': () => 'its display has died',
  'checkpoint-died': () => 'its checkpoint was killed, and it with it',
  'start-failed': () => 'the start failed',
  'start-interrupted': () => 'the daemon died while the app was starting',
  'monitor-lost': () => 'ended while its monitor was gone',
  'engine-lost': () => 'the engine has ended',
  'image-lost': () => 'its image is gone',
  reboot: () => 'the machine was restarted',
};

export type End = Ended & { readonly cause?: ExitCause; readonly before?: readonly EventBody[] };

/** Exactly once for each run: whoever comes second finds TERMINATED. Serial, as every caller is in the instance's queue. */
export async function settle(world: World, instance: Instance, end: End): Promise<void> {
  if (instance.state !== 'TERMINATED') {
    const asked = end.cause ?? instance.record.ending ?? causeAround(instance, end);
    const exit = exitRecord({ ...end, asked, at: world.clock.now() });
    const { restart, events } = afterEnd(instance.record, exit);
    await instance.enter('TERMINATED', REASONS[exit.cause](exit), {
      record: { exit, ending: null, restart },
      before: end.before ?? [],
      after: [{ type: 'terminated', exit }, ...events],
    });
  }
  await release(world, instance);
}

/**
 * SIGILL, SIGTRAP, SIGBUS, SIGSEGV: how an app ends in the code that whoever wrote its image has left in it. SIGPIPE: that code
 * answers CRIU over a socket which nobody reads any more. Source: signal(7); compel/plugins/std/infect.c, parasite_daemon.
 */
const FAULTS: ReadonlySet<number | null> = new Set([4, 5, 7, 11, 13]);

/** What happened around it, if that explains the end. Memory explains it better: it may be what the others have died of. */
function causeAround({ hasLostDisplay, state }: Instance, { oom, code }: End): ExitCause | undefined {
  if (oom) return undefined;
  if (hasLostDisplay) return 'display-died';
  return state === 'HIBERNATING' && FAULTS.has(signalOf(code)) ? 'checkpoint-died' : undefined;
}

/**
 * Gives everything back, last taken first: container, display, image, package, storage, user id. What fails is tried again by the keeper and after a restart,
 * and the instance is not run again before it has worked.
 */
export async function release(world: World, instance: Instance): Promise<void> {
  const { record } = instance;
  if (record.released || record.state !== 'TERMINATED') return;
  const { images, insides, packages, storage, userIds, networks, log } = world;
  try {
    // an earlier daemon may have left a tool at work, a lazy wake its page server: then they are looked for, among all processes
    const sure = !instance.inherited && (record.hibernation?.wake?.pages ?? null) === null;
    const known = sure ? record.live : null;
    await clear(world, instance, known);
    await giveBackDisplay(world, record);
    await world.pictures.remove(record.containerId);
    await insides.remove(record.containerId);
    if (record.hibernation !== null) {
      await images.remove(record.containerId);
      await images.discardDraft(record.containerId);
    }
    await packages.release(record.containerId);
    await storage.release(record.appId, record.containerId);
    const hibernation = record.hibernation && { ...record.hibernation, image: null };
    const returned = userIds.giveBack(record.appId);
    await instance
      .note({ released: true, live: null, hibernation, network: null }, { userIds: returned, essential: true })
      .catch((error: unknown) => {
        userIds.takeBack(record.appId);
        throw error;
      });
    networks.giveBack(record);
  } catch (error) {
    log.warn(
      { err: error, appInstanceId: record.appInstanceId },
      'something of an ended app could not be given back yet',
    );
  }
}
