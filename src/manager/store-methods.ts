/** What callers may know of the two stores on disk, images of apps that sleep and unpacked packages, and what they may delete. */
import type { MethodResults } from '../domain/api.ts';
import { RuntimeError } from '../domain/errors.ts';
import type { ImageEntry } from '../domain/hibernation.ts';
import type { Instance } from './instance.ts';
import type { Instances } from './instances.ts';
import type { World } from './world.ts';

export async function listImages(world: World, instances: Instances): Promise<MethodResults['listImages']> {
  const entries = await Promise.all([...instances].map((instance) => entryOf(world, instance)));
  return entries.filter((entry) => entry !== undefined);
}

/** Undefined: it has none; the one of an app that has just been woken goes as soon as the app has all pages. */
async function entryOf({ images }: World, { record }: Instance): Promise<ImageEntry | undefined> {
  const { appId, appInstanceId, containerId, hibernation } = record;
  const image = hibernation?.image ?? null;
  if (image === null) return undefined;
  const known = { ...image, appId, appInstanceId };
  try {
    const found = await images.find(containerId);
    if (found !== undefined) return { ...known, ...found.info, path: found.directory, unusable: image.damage ?? null };
  } catch (thrown) {
    return { ...known, path: null, unusable: RuntimeError.of(thrown).message };
  }
  return record.state === 'HIBERNATED' ? { ...known, path: null, unusable: 'it is not there' } : undefined;
}

export async function listPackages({ packages }: World, instances: Instances): Promise<MethodResults['listPackages']> {
  const stock = await packages.list();
  const owners = new Map([...instances].map(({ record }) => [record.containerId, record.appInstanceId]));
  return {
    ...stock,
    packages: stock.packages.map(({ holders, ...entry }) => ({
      ...entry,
      usedBy: holders.flatMap((holder) => owners.get(holder) ?? []),
    })),
  };
}

export const prunePackages = ({ packages }: World): Promise<MethodResults['prunePackages']> => packages.prune();
