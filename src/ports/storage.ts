/** Private directories of apps. */
import type { AppId } from '../domain/ids.ts';

export type StorageOwner = { readonly appId: AppId; readonly uid: number; readonly gid: number };

export type Storage = {
  readonly pathOf: (appId: AppId) => string;
  /** The app's directory, made when it is not there, 0700 and owned by the app. */
  readonly prepare: (owner: StorageOwner) => Promise<string>;
  readonly exists: (appId: AppId) => Promise<boolean>;
};
