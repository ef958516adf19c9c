/**
 * Packages that must be made ready before an app can start from them: images are unpacked, file system images mounted, layers
 * laid over each other. What is ready is read-only and shared by all instances of the package.
 */
import type { ContainerId } from '../domain/ids.ts';
import type { PackageEntry, PackageStore, Pruned } from '../domain/packages.ts';
import type { HeldPackage, PackageSource } from '../domain/rootfs.ts';

export type { HeldPackage, PackageSource } from '../domain/rootfs.ts';

/** What is in the store, and whose it is. */
export type Stock = Omit<PackageStore, 'packages'> & {
  readonly packages: readonly (Omit<PackageEntry, 'usedBy'> & { readonly holders: readonly ContainerId[] })[];
};

export type Packages = {
  /**
   * The package's root file system, there until {@link release}. A holder that has one already gets the same again, whatever its
   * reference means by now: an app that sleeps must find what it knew. On disk, so that it holds over restarts and reboots.
   * Throws BUNDLE_INVALID with file and reason, NO_SPACE, NOT_SUPPORTED, ABORTED; IMAGE_UNUSABLE when what a holder had is not there.
   */
  readonly hold: (holder: ContainerId, source: PackageSource, signal: AbortSignal) => Promise<HeldPackage>;
  /** Gives back; when nobody else holds the package, it is unmounted, and may be deleted when room is needed. */
  readonly release: (holder: ContainerId) => Promise<void>;
  /** Releases the holds of all others, and what a killed daemon left. */
  readonly sweep: (living: ReadonlySet<ContainerId>) => Promise<void>;
  readonly list: () => Promise<Stock>;
  /** Deletes what nobody holds. Throws BUSY while an image is being unpacked: it may stand on any of them. */
  readonly prune: () => Promise<Pruned>;
  /** Nothing runs any more: unmounts all. The holds of apps that sleep stay. */
  readonly close: () => Promise<void>;
};
