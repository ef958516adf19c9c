/** What callers may do with the private directories of apps. */
import type { MethodResults } from '../domain/api.ts';
import { RuntimeError } from '../domain/errors.ts';
import { appId as checkedAppId } from '../domain/ids.ts';
import type { UserIdLease } from '../ports/journal.ts';
import type { World } from './world.ts';

type Of = { readonly appId: string };

export async function listStorage({ storage, userIds }: World): Promise<MethodResults['listStorage']> {
  const entries: MethodResults['listStorage'][number][] = [];
  for (const { appId, uid } of userIds.all()) {
    const use = await storage.measure(appId);
    if (use === null) continue;
    entries.push({ appId, uid, path: storage.pathOf(appId), ...use, inUse: userIds.isUsed(appId) });
  }
  return entries.toSorted((one, other) => (one.appId < other.appId ? -1 : 1));
}

/** A run that comes meanwhile waits for it in the storage, and finds it empty. */
export async function clearStorage(world: World, params: Of): Promise<MethodResults['clearStorage']> {
  const lease = await unusedLease(world, params);
  if (lease === undefined) return { already: true };
  await world.storage.clear(lease);
  return { already: false };
}

/** The app keeps its user id until another app needs it. */
export async function deleteStorage(world: World, params: Of): Promise<MethodResults['deleteStorage']> {
  const lease = await unusedLease(world, params);
  if (lease === undefined) return { already: true };
  await world.storage.remove(lease);
  return { already: false };
}

/** Also for an instance that sleeps and cannot be woken because of it: what counts is that nothing has it mounted. */
export async function repairStorage({ storage, userIds }: World, params: Of): Promise<MethodResults['repairStorage']> {
  const id = checkedAppId(params.appId);
  const lease = userIds.all().find((one) => one.appId === id);
  if (lease !== undefined && (await storage.exists(id))) return storage.repair(lease);
  throw new RuntimeError('NOT_FOUND', {
    what: `${id} has no storage`,
    next: 'runtimectl storage ls shows the apps that have some',
    details: { appId: id },
  });
}

/** Undefined: there is no storage. Throws ILLEGAL_STATE while an instance is there, asleep ones included. */
async function unusedLease({ storage, userIds }: World, params: Of): Promise<UserIdLease | undefined> {
  const id = checkedAppId(params.appId);
  if (userIds.isUsed(id)) {
    throw new RuntimeError('ILLEGAL_STATE', {
      what: `the storage of ${id} is in use: an instance of this app is there`,
      next: `terminate its instances first (runtimectl ps shows them)`,
      details: { appId: id },
    });
  }
  const lease = userIds.all().find((one) => one.appId === id);
  return lease !== undefined && (await storage.exists(id)) ? lease : undefined;
}
