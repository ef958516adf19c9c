/** The end of a hibernation whose image is whole already: after a crash, or when something stood in the way. */
import type { Instance } from '../instance.ts';
import type { World } from '../world.ts';
import { clear } from './clear.ts';

/** Repeatable. Throws what keeps the container's traces where they are. */
export async function beAsleep(world: World, instance: Instance, why: string): Promise<void> {
  const { images } = world;
  const { containerId, hibernation } = instance.record;
  if (hibernation === null) return;
  await clear(world, instance, null);
  await images.discardDraft(containerId);
  const image = await images.find(containerId).catch(() => undefined);
  await instance.enter('HIBERNATED', why, {
    record: { live: null, hibernation: { ...hibernation, image: image?.info ?? hibernation.image } },
  });
}
