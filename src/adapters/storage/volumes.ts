/**
 * Storage with a limit: an ext4 file system in a sparse file, mounted on the app's directory. The kernel holds the limit. The loop
 * device is of the kind that the kernel frees with its last mount (mount(8), -o loop).
 */
import { readdir, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { StorageUse } from '../../domain/info.ts';
import type { StorageRepair } from '../../domain/results.ts';
import { listDirectory } from '../files/list-directory.ts';
import { mountsBelow } from '../files/mount-table.ts';
import { alive, busy, mustBeFree } from './claim.ts';
import { check, damaged, DRAFT, isHalfGrown, makeExt4, refuse, resize, sizeOf, SUFFIX, wholeBlocks } from './ext4.ts';
import { isMounted, mountInfo, unmountEverywhere } from './mount-point.ts';
import { repairVolume, undoFilesOf } from './repair.ts';
import type { StorageTools } from './tools.ts';
import { verdictOf } from '../process/run-tool.ts';

export type VolumeOrder = {
  /** For errors; the volume's own name is made of it. */
  readonly appId: string;
  readonly path: string;
  /** Null: no limit of its own; one that was made with a limit keeps it. */
  readonly sizeBytes: number | null;
  /** Another instance of the app works in it. */
  readonly inUse: boolean;
};

export type Volumes = {
  /** Made, made larger or smaller, checked and mounted as needed; false for one without limit. Throws INVALID_ARGUMENT, NO_SPACE, CORRUPT_FILE, BUSY. */
  readonly mount: (name: string, order: VolumeOrder) => Promise<boolean>;
  readonly unmount: (path: string) => Promise<void>;
  readonly isMounted: (path: string) => boolean;
  /** Mount points directly in this directory. */
  readonly mounted: (directory: string) => readonly string[];
  readonly has: (name: string) => Promise<boolean>;
  /** Of one that is not mounted: what its file takes on the disk. */
  readonly describe: (name: string) => Promise<StorageUse | undefined>;
  /** Of one that is not mounted here; undefined when there is none. Throws BUSY, CORRUPT_FILE. */
  readonly repair: (name: string, order: Pick<VolumeOrder, 'appId' | 'path'>) => Promise<StorageRepair | undefined>;
  readonly remove: (name: string) => Promise<void>;
  /** What a killed daemon left half-made. */
  readonly clean: () => Promise<void>;
};

/** `discard`: what the app deletes comes back to the disk. */
const MOUNT_OPTIONS = 'nosuid,nodev,discard';

export function volumesIn(tools: StorageTools, directory: string): Volumes {
  const fileOf = (name: string): string => join(directory, `${name}${SUFFIX}`);
  return {
    mount: async (name, { appId, path, sizeBytes, inUse }) => {
      const file = fileOf(name);
      const before = await sizeOf(file);
      const wanted = sizeBytes === null ? before : wholeBlocks(sizeBytes);
      if (wanted === undefined) return false;
      if (isMounted(path)) {
        if (wanted === before) return true;
        if (inUse) {
          throw refuse(path, 'is in use with another size', 'end its other instances first, or give their size');
        }
        await unmountEverywhere(tools, path);
      }
      if (before === undefined) {
        await refuseFilled(path, inUse);
        await makeExt4(tools, { directory, file, sizeBytes: wanted });
      }
      await mountOn(tools, { file, path, appId }, { from: before ?? wanted, to: wanted });
      // of a file system that is new; e2fsck makes it when it needs it, and then it is not empty
      await rmdir(join(path, 'lost+found')).catch(() => undefined);
      return true;
    },
    unmount: (path) => unmountEverywhere(tools, path),
    isMounted,
    mounted: (base) => mountsBelow(base, mountInfo()).filter((point) => point !== base),
    has: async (name) => (await sizeOf(fileOf(name))) !== undefined,
    describe: async (name) => {
      const found = await stat(fileOf(name)).catch(() => undefined);
      return found && { usedBytes: found.blocks * 512, limitBytes: found.size };
    },
    repair: async (name, { appId, path }) => {
      const file = fileOf(name);
      return (await sizeOf(file)) === undefined ? undefined : repairVolume(tools, { file, path, appId });
    },
    remove: async (name) => {
      for (const file of [fileOf(name), ...undoFilesOf(fileOf(name))]) await rm(file, { force: true });
    },
    clean: async () => {
      for (const name of await listDirectory(directory)) {
        if (name.startsWith(DRAFT)) await rm(join(directory, name), { force: true });
      }
    },
  };
}

type Target = { readonly file: string; readonly path: string; readonly appId: string };
type Sizes = { readonly from: number; readonly to: number };

/** Once for the machine: a file system that another mount namespace keeps alive is joined as it is. */
async function mountOn(tools: StorageTools, target: Target, { from, to }: Sizes): Promise<void> {
  const { file, path } = target;
  if (from !== to) await mustBeFree(tools, target);
  await using held = await alive(tools, target);
  if (held === undefined) {
    await check(tools, target);
    if (from !== to || (await isHalfGrown(file, to))) await resize(tools, target, { from, to });
    await mountChecked(tools, target);
  } else {
    // --rw: a file system that has become read-only is an error, not a read-only mount
    await tools(['mount', '--rw', '-t', 'ext4', '-o', MOUNT_OPTIONS, held.device.path, path]).catch(
      async (error: unknown) => {
        if (verdictOf(error) === undefined) throw error;
        throw await busy(file, [held.device]);
      },
    );
  }
  await tools(['mount', '--make-private', path]);
}

/** What mount(8) says when the file system is the reason (EUCLEAN, EINVAL, EIO). */
const DAMAGED = /structure needs cleaning|bad superblock|can't read superblock/i;

/** e2fsck -p looks at the superblock only, when that says that all is well; the kernel sees more. */
async function mountChecked(tools: StorageTools, target: Target): Promise<void> {
  const mount = () => tools(['mount', '-t', 'ext4', '-o', `loop,${MOUNT_OPTIONS}`, target.file, target.path]);
  await mount().catch(async (error: unknown) => {
    if (!DAMAGED.test(String(error))) throw error;
    await check(tools, target, ['-f', '-p']);
    await mount().catch((again: unknown) => {
      throw DAMAGED.test(String(again)) ? damaged(target, again) : again;
    });
  });
}

/** What is there already would be hidden. */
async function refuseFilled(path: string, inUse: boolean): Promise<void> {
  if (inUse) throw refuse(path, 'is in use without a limit', 'end its other instances first');
  if ((await readdir(path)).length === 0) return;
  throw refuse(
    path,
    'holds files and has no limit',
    'clear it first (runtimectl storage clear), or leave storage.sizeBytes out',
  );
}
