/** Private directories of apps. */
import type { StorageUse } from '../domain/info.ts';
import type { StorageRepair } from '../domain/results.ts';
import type { AppId, ContainerId } from '../domain/ids.ts';

export type StorageOwner = { readonly appId: AppId; readonly uid: number; readonly gid: number };
export type StorageOrder = StorageOwner & {
  /** Who needs it to be there until {@link Storage.release}. */
  readonly holder: ContainerId;
  /** Most that it may take on the disk, put in force by the kernel; null: as much as there is. */
  readonly sizeBytes: number | null;
};

export type Storage = {
  /** The last known answer of `locate`, without a look. */
  readonly pathOf: (appId: AppId) => string;
  /** Where the app's directory is, or will be when it is prepared. Throws NEIGHBOUR_FAILED, TIMED_OUT when another service keeps it. */
  readonly locate: (owner: StorageOwner) => Promise<string>;
  /**
   * The app's directory, made when it is not there, 0700 and owned by the app, all that is in it too; the path that `locate`
   * gave. Throws NO_SPACE,
   * INVALID_ARGUMENT for a size that cannot be now.
   */
  readonly prepare: (order: StorageOrder) => Promise<string>;
  /** What was mounted for it goes with its last holder; its files stay. */
  readonly release: (appId: AppId, holder: ContainerId) => Promise<void>;
  /** Knows the holders anew after a start; all others are released, and what a killed daemon left is removed. */
  readonly sweep: (holders: readonly { readonly appId: AppId; readonly holder: ContainerId }[]) => Promise<void>;
  readonly exists: (appId: AppId) => Promise<boolean>;
  /** Read from the kernel at once; null where there is no limit, or nothing is mounted now. */
  readonly useOf: (appId: AppId) => StorageUse | null;
  /** Counted where the kernel does not know it, which takes time; null when there is none. */
  readonly measure: (appId: AppId) => Promise<StorageUse | null>;
  /** Deletes all that is in it. The caller sees to it that no instance of the app is there. */
  readonly clear: (owner: StorageOwner) => Promise<void>;
  /** Deletes it. The caller sees to it that no instance of the app is there. */
  readonly remove: (owner: StorageOwner) => Promise<void>;
  /** Repairs the file system of a limited one. Throws ILLEGAL_STATE while an instance works in it, BUSY, CORRUPT_FILE. */
  readonly repair: (owner: StorageOwner) => Promise<StorageRepair>;
  /** Nothing runs any more: gives back what is mounted. */
  readonly close: () => Promise<void>;
};
