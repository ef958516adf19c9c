/** Private directories of apps: `<base>/<name of the app>`, 0700, kept over runs; with a limit a file system is mounted there. */
import { randomUUID } from 'node:crypto';
import { chmod, chown, lstat, mkdir, rename, statfs } from 'node:fs/promises';
import { statfsSync } from 'node:fs';
import { join } from 'node:path';
import { isErrno, RuntimeError } from '../../domain/errors.ts';
import { plainName, type AppId, type ContainerId } from '../../domain/ids.ts';
import type { StorageUse } from '../../domain/info.ts';
import type { StorageRepair } from '../../domain/results.ts';
import type { Storage, StorageOrder } from '../../ports/storage.ts';
import { listDirectory } from '../files/list-directory.ts';
import type { RunTool } from '../process/run-tool.ts';
import { DOOMED } from './mount-point.ts';
import { storageTools, type StorageTools } from './tools.ts';
import { volumesIn, type Volumes } from './volumes.ts';

export type StorageOptions = {
  readonly directory: string;
  /** Of the file systems of apps with a limit. */
  readonly volumeDirectory: string;
};

type House = {
  readonly base: string;
  readonly tools: StorageTools;
  readonly volumes: Volumes;
  readonly holders: Map<AppId, Set<ContainerId>>;
  /** Whose file system is mounted now: asked for often, and the table of mounts is long. */
  readonly limited: Set<AppId>;
  /** What is done to one app's storage, one after the other. */
  readonly inTurn: <Result>(appId: AppId, work: () => Promise<Result>) => Promise<Result>;
};

export function directories(runTool: RunTool, { directory, volumeDirectory }: StorageOptions): Storage {
  const tools = storageTools(runTool, [directory, volumeDirectory]);
  const volumes = volumesIn(tools, volumeDirectory);
  const house: House = { base: directory, tools, volumes, holders: new Map(), limited: new Set(), inTurn: turns() };
  const { inTurn } = house;
  const pathOf = (appId: AppId): string => join(directory, plainName(appId));
  return {
    pathOf,
    locate: ({ appId }) => Promise.resolve(pathOf(appId)),
    prepare: (order) => inTurn(order.appId, () => prepare(house, pathOf(order.appId), order)),
    release: (appId, holder) => inTurn(appId, () => release(house, pathOf(appId), { appId, holder })),
    sweep: (holders) => sweep(house, holders),
    exists: async (appId) => (await isThere(pathOf(appId))) || (await volumes.has(plainName(appId))),
    useOf: (appId) => (house.limited.has(appId) ? filled(statfsSync(pathOf(appId))) : null),
    measure: (appId) => inTurn(appId, () => measure(house, appId, pathOf(appId))),
    clear: ({ appId, uid, gid }) =>
      inTurn(appId, async () => {
        await remove(house, appId, pathOf(appId));
        await mkdir(pathOf(appId), { mode: 0o700 });
        await chown(pathOf(appId), uid, gid);
      }),
    remove: ({ appId }) => inTurn(appId, () => remove(house, appId, pathOf(appId))),
    repair: (owner) => inTurn(owner.appId, () => repair(house, pathOf(owner.appId), owner.appId)),
    close: async () => {
      for (const point of volumes.mounted(directory)) await volumes.unmount(point);
    },
  };
}

function turns(): House['inTurn'] {
  const last = new Map<AppId, Promise<unknown>>();
  return (appId, work) => {
    const turn = (last.get(appId) ?? Promise.resolve()).then(work, work);
    last.set(appId, turn);
    return turn.finally(() => {
      if (last.get(appId) === turn) last.delete(appId);
    });
  };
}

async function prepare(
  { base, tools, volumes, holders, limited }: House,
  path: string,
  order: StorageOrder,
): Promise<string> {
  const { appId, uid, gid, holder, sizeBytes } = order;
  const others = holders.get(appId) ?? new Set();
  try {
    await mkdir(path, { mode: 0o700 }).catch((error: unknown) => {
      if (!isErrno(error, 'EEXIST')) throw error;
    });
    if (!(await lstat(path)).isDirectory()) throw new Error(`${path} is not a directory`);
    const mounted = await volumes.mount(plainName(appId), { appId, path, sizeBytes, inUse: others.size > 0 });
    if (mounted) limited.add(appId);
    await own(tools, path, { uid, gid });
  } catch (error) {
    if (others.size === 0) {
      limited.delete(appId);
      await volumes.unmount(path);
    }
    throw error instanceof RuntimeError ? error : noStorage(path, error, base);
  }
  holders.set(appId, others.add(holder));
  return path;
}

/**
 * All in it goes to the app's present ids, links themselves and not what they lead to. The directory itself comes last, so
 * that a change of owner that was interrupted is done again.
 */
async function own(tools: StorageTools, path: string, { uid, gid }: { uid: number; gid: number }): Promise<void> {
  const found = await lstat(path);
  if (found.uid !== uid || found.gid !== gid) {
    await tools(['chown', '--recursive', '-P', '--no-dereference', `${uid}:${gid}`, path]);
  }
  const rescued = join(path, 'lost+found');
  // of a repaired file system: files that root has found again
  if ((await lstat(rescued).catch(() => undefined))?.uid === 0) {
    await tools(['chown', '--recursive', '-P', '--no-dereference', `${uid}:${gid}`, rescued]);
  }
  if ((found.mode & 0o7777) !== 0o700) await chmod(path, 0o700);
}

type Hold = { readonly appId: AppId; readonly holder: ContainerId };

async function release({ volumes, holders, limited }: House, path: string, { appId, holder }: Hold): Promise<void> {
  const left = holders.get(appId);
  left?.delete(holder);
  if (left !== undefined && left.size > 0) return;
  limited.delete(appId);
  await volumes.unmount(path);
  holders.delete(appId);
}

async function sweep(house: House, held: readonly Hold[]): Promise<void> {
  const { base, volumes, holders, limited, tools } = house;
  const mounted = volumes.mounted(base);
  for (const { appId, holder } of held) {
    holders.set(appId, (holders.get(appId) ?? new Set()).add(holder));
    if (mounted.includes(join(base, plainName(appId)))) limited.add(appId);
  }
  const inUse = new Set([...holders.keys()].map((appId) => join(base, plainName(appId))));
  for (const point of mounted) if (!inUse.has(point)) await volumes.unmount(point);
  await volumes.clean();
  for (const name of await listDirectory(base)) {
    if (name.startsWith(DOOMED)) {
      await tools(['rm', '--recursive', '--force', '--one-file-system', '--', join(base, name)]);
    }
  }
}

async function measure({ tools, volumes }: House, appId: AppId, path: string): Promise<StorageUse | null> {
  if (volumes.isMounted(path)) return filled(await statfs(path));
  const asleep = await volumes.describe(plainName(appId));
  if (asleep !== undefined) return asleep;
  if (!(await isThere(path))) return null;
  const { stdout } = await tools(['du', '--summarize', '--one-file-system', '--block-size=1', '--', path]);
  return { usedBytes: Number.parseInt(stdout, 10), limitBytes: null };
}

async function repair({ volumes, holders }: House, path: string, appId: AppId): Promise<StorageRepair> {
  if (volumes.isMounted(path)) {
    if ((holders.get(appId)?.size ?? 0) > 0) throw inUse(appId);
    await volumes.unmount(path);
  }
  const nothing = { changes: [], changeCount: 0, salvaged: [], undoFile: null };
  return (
    (await volumes.repair(plainName(appId), { appId, path })) ?? { appId, file: null, repaired: false, ...nothing }
  );
}

const inUse = (appId: AppId): RuntimeError =>
  new RuntimeError('ILLEGAL_STATE', {
    what: `the storage of ${appId} is in use`,
    next: 'terminate its instances first',
  });

/** Out of the way by one rename, then deleted: a crash in between leaves what the next start deletes. */
async function remove({ base, tools, volumes, holders }: House, appId: AppId, path: string): Promise<void> {
  if ((holders.get(appId)?.size ?? 0) > 0) throw inUse(appId);
  await volumes.unmount(path);
  await volumes.remove(plainName(appId));
  if (!(await isThere(path))) return;
  const doomed = join(base, `${DOOMED}${randomUUID()}`);
  await rename(path, doomed);
  await tools(['rm', '--recursive', '--force', '--one-file-system', '--', doomed]);
}

type Filled = { readonly blocks: number; readonly bfree: number; readonly bavail: number; readonly bsize: number };

/** What ext4 keeps back for itself is not the app's to use (statfs(2): f_bfree, f_bavail). */
const filled = ({ blocks, bfree, bavail, bsize }: Filled): StorageUse => ({
  usedBytes: (blocks - bfree) * bsize,
  limitBytes: (blocks - bfree + bavail) * bsize,
});

async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    (error: unknown) => {
      if (isErrno(error, 'ENOENT')) return false;
      throw error;
    },
  );
}

const noStorage = (path: string, cause: unknown, base: string): RuntimeError =>
  new RuntimeError(RuntimeError.of(cause).code, {
    what: `the app's storage ${path} could not be made`,
    next: `look at the free space and the permissions of ${base}`,
    cause,
  });
