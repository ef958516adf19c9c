/**
 * Hibernation images on disk. An image is a whole or it is not there: it grows in a draft directory, is described by a manifest,
 * and becomes an image by one rename. Nothing here talks to CRIU.
 */
import type { Resources } from '../domain/health.ts';
import type { ImageInfo } from '../domain/hibernation.ts';
import type { AppId, AppInstanceId, ContainerId } from '../domain/ids.ts';
import type { Wait } from './wait.ts';

/** What the image was made of and on; a wake compares it with what is there then. */
export type ImageSubject = {
  readonly appId: AppId;
  readonly appInstanceId: AppInstanceId;
  readonly containerId: ContainerId;
  readonly engine: string;
  /** Name and version, for instance `runc 1.3.6`, `4.2.1`. */
  readonly runtime: string;
  readonly criu: string;
  /** The container's config.json, kept in the image. */
  readonly config: object;
  readonly hibernatedAt: string;
};

export type Draft = {
  /** Empty but for the room held, on the images' disk, closed to all but root: CRIU writes files that everybody may read. */
  readonly directory: string;
};

export type Image = {
  readonly directory: string;
  readonly subject: ImageSubject;
  readonly info: ImageInfo;
};

export type ImageSettings = {
  /** All images together; a hibernation that would exceed it is refused. */
  readonly budgetBytes: number;
  /** zstd level for images that sleep long; 0: never compressed. */
  readonly compressionLevel: number;
  /** Time asleep before an image is compressed, in ms. */
  readonly compressAfterMs: number;
};

export type Images = {
  /**
   * An empty draft, with room reserved for its manifest; what an earlier attempt left is gone.
   * Throws NO_SPACE when `expectedBytes` do not fit the budget or the disk: says how much is needed and which images could go.
   */
  readonly begin: (id: ContainerId, expectedBytes: number) => Promise<Draft>;
  /** Writes the manifest (sizes, checksums of the small files) and renames: now it is an image, not yet flushed. */
  readonly commit: (id: ContainerId, subject: ImageSubject) => Promise<Image>;
  /**
   * Runs a dump into the draft. Beyond the budget the dump is made to fail, which leaves the app as it was: then it throws NO_SPACE.
   */
  readonly bounded: <Result>(id: ContainerId, dump: () => Promise<Result>) => Promise<Result>;
  readonly discardDraft: (id: ContainerId) => Promise<void>;
  /** The draft directory of an interrupted hibernation, if there is one. */
  readonly findDraft: (id: ContainerId) => Promise<Draft | undefined>;
  /** What the manifest says; undefined when there is no image. Throws IMAGE_UNUSABLE for a broken manifest. */
  readonly find: (id: ContainerId) => Promise<Image | undefined>;
  /** Whether it is what a power cut may have left of an image; cheap: large files are not read. Throws IMAGE_UNUSABLE. */
  readonly examine: (id: ContainerId, wait: Wait) => Promise<void>;
  /**
   * Ready to be restored: whole, unchanged since it was made, made on a kernel and CPU that fit, and uncompressed.
   * Throws IMAGE_UNUSABLE with the reason, NO_SPACE when there is no room to decompress; the image stays as it is.
   * Stops what goes on with it in the background.
   */
  readonly open: (id: ContainerId, wait: Wait) => Promise<Image>;
  /** Flushes it and adds the checksums of its pages; from then on it survives a power cut. Idempotent. */
  readonly harden: (id: ContainerId, signal: AbortSignal) => Promise<ImageInfo>;
  /** In the background, at low priority. Idempotent; an abort leaves the image raw and whole. */
  readonly compress: (id: ContainerId, signal: AbortSignal) => Promise<ImageInfo>;
  readonly remove: (id: ContainerId) => Promise<void>;
  /** How much there is, and how much more could be. */
  readonly use: () => Promise<Resources['images']>;
  /** Container ids that have an image or a draft. */
  readonly known: () => Promise<readonly ContainerId[]>;
};
