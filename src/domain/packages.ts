/** The store of unpacked images, as callers see it. */
import type { AppInstanceId } from './ids.ts';

export type PackageEntry = {
  /** Of an unpacked image: the digest of its layers together. */
  readonly id: string;
  readonly kind: 'image' | 'squashfs' | 'erofs' | 'layers';
  /** By what runs have named it; none: other images stand on it (a base), or its reference has become another image. */
  readonly sources: readonly string[];
  /** All of its files, with those that it shares with others; null: nothing of it was unpacked, it is mounted as it is. */
  readonly sizeBytes: number | null;
  /** When a run last named it; null where nothing was unpacked. */
  readonly usedAt: string | null;
  /** Instances that run or sleep with it; it cannot be deleted. */
  readonly usedBy: readonly AppInstanceId[];
};

export type PackageStore = {
  readonly packages: readonly PackageEntry[];
  /** On the disk; what several share counts once. */
  readonly totalBytes: number;
  /** Above it unused ones go, longest unused first. */
  readonly budgetBytes: number;
};

export type Pruned = { readonly deleted: number; readonly freedBytes: number };
