/**
 * Storage by org.rdk.AppStorageManager. `getStorage` is not in the JSON interface of every build: where it is not, an app's
 * directory is made here, in a directory of the configuration. Source: facts/thunder.md §3.3.
 */
import { lstat } from 'node:fs/promises';
import * as z from 'zod';
import { isErrno, RuntimeError } from '../../domain/errors.ts';
import type { AppId } from '../../domain/ids.ts';
import { unhurried } from '../../domain/unhurried.ts';
import type { Log } from '../../ports/log.ts';
import type { Storage, StorageOwner } from '../../ports/storage.ts';
import type { Wait } from '../../ports/wait.ts';
import { isRefusal, neighbourFailed } from './answers.ts';
import type { Thunder } from './thunder.ts';

export const STORAGE_MANAGER = 'org.rdk.AppStorageManager';
const DESIGNATOR = `${STORAGE_MANAGER}.getStorage`;

type Options = {
  readonly thunder: Thunder;
  /** What is done on a device whose build has no getStorage, or no such plugin. */
  readonly otherwise: Storage;
  readonly log: Log;
};

const answerSchema = z.object({
  path: z
    .string()
    .startsWith('/')
    .refine((path) => !path.includes('\0') && !path.split('/').includes('..')),
});

/** The limit of a call is the neighbour's. */
const neighboursOwn = (): Wait => unhurried(Infinity);

export function appStorage({ thunder, otherwise, log }: Options): Storage {
  const neighbour = thunder.neighbour(STORAGE_MANAGER);
  /** As the neighbour said last; `undefined`: it does not keep this one. */
  const known = new Map<AppId, string | undefined>();
  /** It has said so for an app: then for all. */
  let handsOutNone = false;

  /** Its own path, or undefined when the neighbour does not hand storage out here. */
  async function ask({ appId, uid, gid }: StorageOwner): Promise<string | undefined> {
    try {
      const answer = await neighbour.call('getStorage', { appId, userId: uid, groupId: gid }, neighboursOwn());
      const { data } = answerSchema.safeParse(answer);
      if (data === undefined) throw neighbourFailed(DESIGNATOR, 'failed', 'the answer names no directory');
      return data.path;
    } catch (error) {
      if (!isRefusal(error, 'unknown-method', 'unknown-service')) throw error;
      if (!handsOutNone) log.info({ err: error }, `${STORAGE_MANAGER} hands out no storage here: it is made by us`);
      handsOutNone = true;
      return undefined;
    }
  }

  async function locate(owner: StorageOwner): Promise<string> {
    const path = await ask(owner);
    known.set(owner.appId, path);
    return path ?? otherwise.locate(owner);
  }

  return {
    locate,
    pathOf: (appId) => known.get(appId) ?? otherwise.pathOf(appId),
    prepare: async (owner) => {
      if (!known.has(owner.appId)) await locate(owner);
      const path = known.get(owner.appId);
      if (path === undefined) return otherwise.prepare(owner);
      if (owner.sizeBytes !== null) throw notOurs('storage.sizeBytes', `${theirs(owner)}, and its limit`);
      await checkOwner(path, owner);
      return path;
    },
    // what the neighbour keeps for an app that has not been seen yet cannot be known: the app's id stays its own
    exists: (appId) =>
      known.get(appId) !== undefined || !(handsOutNone || known.has(appId))
        ? Promise.resolve(true)
        : otherwise.exists(appId),
    release: (appId, holder) => otherwise.release(appId, holder),
    sweep: (holders) => otherwise.sweep(holders),
    useOf: (appId) => (known.get(appId) === undefined ? otherwise.useOf(appId) : null),
    measure: (appId) => (known.get(appId) === undefined ? otherwise.measure(appId) : Promise.resolve(null)),
    clear: async (owner) => {
      if ((await locate(owner)) === otherwise.pathOf(owner.appId)) return otherwise.clear(owner);
      await neighbour.call('clear', { appId: owner.appId }, neighboursOwn());
    },
    remove: async (owner) => {
      if ((await locate(owner)) === otherwise.pathOf(owner.appId)) return otherwise.remove(owner);
      throw notOurs('deleteStorage', `${theirs(owner)}, and deletes it by COM only`);
    },
    repair: async (owner) => {
      if ((await locate(owner)) === otherwise.pathOf(owner.appId)) return otherwise.repair(owner);
      throw notOurs('repairStorage', theirs(owner));
    },
    close: () => otherwise.close(),
  };
}

const theirs = ({ appId }: StorageOwner): string => `${STORAGE_MANAGER} keeps the storage of ${appId}`;

const notOurs = (member: string, what: string): RuntimeError =>
  new RuntimeError('NOT_SUPPORTED', {
    what: `${member} is not possible: ${what}`,
    next: 'set it where apps are installed on this device',
    details: { member },
  });

/** It must be handed out with the app's ids; a directory of others is not taken over, whatever the answer says. */
async function checkOwner(path: string, { uid, gid }: StorageOwner): Promise<void> {
  const found = await lstat(path).catch((error: unknown) => {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  });
  if (found?.isDirectory() === true && found.uid === uid && found.gid === gid) return;
  const why =
    found === undefined
      ? `${path} is not there`
      : `${path} is not a directory of user ${uid}, group ${gid} (it has ${found.uid}, ${found.gid})`;
  throw neighbourFailed(DESIGNATOR, 'failed', why);
}
