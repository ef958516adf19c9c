/** Suspend and resume: the kernel's freezer, read back; the journal follows the kernel. */
import { unhurried } from '../../domain/unhurried.ts';
import type { Instance } from '../instance.ts';
import type { World } from '../world.ts';
import { during } from './operation.ts';
import { hideScreen, showScreen } from './screen.ts';

/** No intent is written: after a crash in the middle the freezer itself says which of the two it is. */
export const suspend = (world: World, instance: Instance, signal: AbortSignal): Promise<void> =>
  during(instance, 'suspend', async () => {
    const { to } = instance.moveFor('suspend');
    const { containerId } = instance.record;
    await hideScreen(world, instance);
    try {
      await world.engine.suspend(containerId, { signal, timeoutMs: world.settings.freezeTimeoutMs });
      await instance.enter(to, 'suspend').catch(async (error: unknown) => {
        // what cannot be written must not be so: nobody could resume it
        await world.engine.resume(containerId, unhurried(world.settings.freezeTimeoutMs));
        throw error;
      });
    } catch (error) {
      await showScreen(world, instance);
      throw error;
    }
  });

export const resume = (world: World, instance: Instance, signal: AbortSignal): Promise<void> =>
  during(instance, 'resume', async () => {
    const { to } = instance.moveFor('resume');
    const { containerId } = instance.record;
    await world.engine.resume(containerId, { signal, timeoutMs: world.settings.freezeTimeoutMs });
    await instance.enter(to, 'resume').catch(async (error: unknown) => {
      await world.engine.suspend(containerId, unhurried(world.settings.freezeTimeoutMs));
      throw error;
    });
    await showScreen(world, instance);
  });
