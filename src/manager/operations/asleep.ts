/** The end of a hibernation whose image is whole already: after a crash, or when something stood in the way. */
import { RuntimeError } from '../../domain/errors.ts';
import { unhurried } from '../../domain/unhurried.ts';
import type { Instance } from '../instance.ts';
import type { World } from '../world.ts';
import { clear } from './clear.ts';
import { failureOf } from './operation.ts';

/** Repeatable. Throws what keeps the container's traces where they are. */
export async function beAsleep(world: World, instance: Instance, why: string): Promise<void> {
  const { images } = world;
  const { containerId, hibernation } = instance.record;
  if (hibernation === null) return;
  await clear(world, instance, null);
  await images.discardDraft(containerId);
  const found = await images.find(containerId).catch((error: unknown) => {
    if (!isUnusable(error)) throw error;
    return undefined;
  });
  const fault = await faultOf(world, instance);
  const image = found?.info ?? hibernation.image;
  const isNews = fault !== undefined && hibernation.image?.damage !== fault.message;
  await instance.enter('HIBERNATED', why, {
    record: {
      live: null,
      hibernation: { ...hibernation, image: image && { ...image, ...(fault && { damage: fault.message }) } },
    },
    before: isNews ? [failureOf('wake', fault, { ended: false })] : [],
  });
}

const LOOK_MS = 10_000;

/** A power cut may have taken what was not flushed yet: better said now than at the wake. The image is kept, whatever it is. */
async function faultOf({ images, log }: World, { record }: Instance): Promise<RuntimeError | undefined> {
  const { appInstanceId, containerId } = record;
  try {
    await images.examine(containerId, unhurried(LOOK_MS));
    return undefined;
  } catch (error) {
    log.warn({ err: error, appInstanceId }, 'the image of a hibernated app');
    return isUnusable(error) ? RuntimeError.of(error) : undefined;
  }
}

/** It says something about the image; any other error (no descriptor is left) does not even say whether there is one. */
export const isUnusable = (error: unknown): boolean => RuntimeError.of(error).code === 'IMAGE_UNUSABLE';
