/** The end of a hibernation whose image is whole already: after a crash, or when something stood in the way. */
import type { Instance } from '../instance.ts';
import type { World } from '../world.ts';
import { restDisplay } from './displays.ts';
import { unhurried } from './operation.ts';

/** Repeatable. Throws what keeps the container's traces where they are. */
export async function beAsleep(world: World, instance: Instance, why: string): Promise<void> {
  const { engine, images, settings } = world;
  const { containerId, hibernation } = instance.record;
  if (hibernation === null) return;
  await engine.remove(containerId, { known: null, ...unhurried(settings.killTimeoutMs) });
  await restDisplay(world, instance.record);
  await images.discardDraft(containerId);
  const image = await images.find(containerId).catch(() => undefined);
  await instance.enter('HIBERNATED', why, {
    record: { live: null, hibernation: { ...hibernation, image: image?.info ?? hibernation.image } },
  });
}
