/** Which paths of this device a bundle may show to its app: what lies in the bundle, and what the configuration lists. */
import { realpath } from 'node:fs/promises';
import { isBelow } from '../../domain/rootfs.ts';

export type BundlePolicy = {
  /** Read-only, with everything below. */
  readonly mounts: readonly string[];
  /** Writable too. */
  readonly writableMounts: readonly string[];
};

/** `real`: without symbolic links. */
export type AllowedSources = (real: string, access: 'read' | 'write') => boolean;

const isWithin = (path: string, place: string): boolean => path === place || isBelow(path, place);

/** `bundle`: without symbolic links. Links in the listed paths are followed: they are the device's own. */
export async function allowedSources(bundle: string, policy: BundlePolicy): Promise<AllowedSources> {
  const [readable, writable] = await Promise.all([followed(policy.mounts), followed(policy.writableMounts)]);
  return (real, access) =>
    [bundle, ...writable, ...(access === 'read' ? readable : [])].some((place) => isWithin(real, place));
}

/** A place of the configuration that does not exist allows what lies at its name later. */
const followed = (paths: readonly string[]): Promise<readonly string[]> =>
  Promise.all(paths.map((path) => realpath(path).catch(() => path)));
