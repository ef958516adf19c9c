/** Where the apps' root directories lie. */
import { statSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Layout } from '../domain/layout.ts';

const OTHERS_MAY_ENTER = 0o001;

/** A short name for a root directory, the same at every start. */
export const tagOf = ({ state }: Layout): string => createHash('sha256').update(state).digest('hex').slice(0, 12);

/** Whether the root of a user namespace, nobody out here, can pass every directory down to this one. */
function isOpen(directory: string): boolean {
  const passes = (statSync(directory).mode & OTHERS_MAY_ENTER) !== 0;
  return passes && (directory === '/' || isOpen(dirname(directory)));
}

export type RootPlace = {
  readonly directory: string;
  /** When no app is left. */
  readonly close: () => Promise<void>;
};

/**
 * Below the run directory, where that can be entered. A container's root is an unprivileged user out here, and the kernel
 * lets it mount only what it can reach; a --root below a private directory (mktemp -d, /root) therefore gets a place in /run.
 */
export async function rootPlace(places: Layout): Promise<RootPlace> {
  if (isOpen(places.run)) return { directory: `${places.run}/rootfs`, close: () => Promise.resolve() };
  const own = `/run/runtime-manager-${tagOf(places)}`;
  await mkdir(own, { recursive: true, mode: 0o711 });
  return { directory: `${own}/rootfs`, close: () => rm(own, { recursive: true, force: true }) };
}
