/** Suspend and resume: the kernel's freezer, read back; the journal follows the kernel. */
import type { Instance } from '../instance.ts';
import type { World } from '../world.ts';
import { during } from './operation.ts';

/** No intent is written: after a crash in the middle the freezer itself says which of the two it is. */
export const suspend = (world: World, instance: Instance, signal: AbortSignal): Promise<void> =>
  during(instance, 'suspend', async () => {
    const { to } = instance.moveFor('suspend');
    await world.engine.suspend(instance.record.containerId, { signal, timeoutMs: world.settings.freezeTimeoutMs });
    await instance.enter(to, 'suspend');
  });

export const resume = (world: World, instance: Instance, signal: AbortSignal): Promise<void> =>
  during(instance, 'resume', async () => {
    const { to } = instance.moveFor('resume');
    await world.engine.resume(instance.record.containerId, { signal, timeoutMs: world.settings.freezeTimeoutMs });
    await instance.enter(to, 'resume');
  });
