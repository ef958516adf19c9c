/** The control groups that the peers make on the way to those of their apps. */
import { readdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';

const GROUPS = '/sys/fs/cgroup';

/** Those below it first; one in use stays, and so do those above it. */
export function removeTree(directory: string): void {
  try {
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      if (entry.isDirectory()) removeTree(join(directory, entry.name));
    }
    rmdirSync(directory);
  } catch {
    // not in this hierarchy
  }
}

export function removeGroups(): void {
  const name = `runtime-manager-bench-${process.pid}`;
  removeTree(join(GROUPS, name));
  for (const hierarchy of readdirSync(GROUPS)) removeTree(join(GROUPS, hierarchy, name));
}
