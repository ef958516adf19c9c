/** Private directories of apps. */
import type { AppId } from '../domain/ids.ts';

export type StorageOwner = { readonly appId: AppId; readonly uid: number; readonly gid: number };

export type Storage = {
  /** The last known answer of `locate`, without a look. */
  readonly pathOf: (appId: AppId) => string;
  /** Where the app's directory is, or will be when it is prepared. Throws NEIGHBOUR_FAILED, TIMED_OUT when another service keeps it. */
  readonly locate: (owner: StorageOwner) => Promise<string>;
  /** The app's directory, made when it is not there, 0700 and owned by the app; the path that `locate` gave. */
  readonly prepare: (owner: StorageOwner) => Promise<string>;
  readonly exists: (appId: AppId) => Promise<boolean>;
};
