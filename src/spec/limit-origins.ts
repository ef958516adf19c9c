/** Which member of the app each limit of the configuration comes from, and the device's word on cores. */
import type { App } from '../domain/app.ts';
import { originIn } from './described.ts';
import type { OciResources } from './oci-types.ts';
import type { Origins } from './origins.ts';
import type { Platform } from './platform/platform.ts';

const ROWS: readonly (readonly [path: string, limit: keyof App['limits']])[] = [
  ['linux.resources.memory', 'memoryBytes'],
  ['linux.resources.cpu.quota', 'cpus'],
  ['linux.resources.cpu.period', 'cpus'],
  ['linux.resources.pids', 'pids'],
  ['process.rlimits[RLIMIT_NOFILE]', 'openFiles'],
];

export function noteLimits(app: App, said: Origins, trace: Origins): void {
  for (const [path, limit] of ROWS) {
    if (app.limits[limit] !== undefined) trace.set(path, originIn({ app, origins: said }, `limits.${limit}`));
  }
}

/** Cores that the device keeps from apps; a set without a core of this machine is none, as upstream has it. */
export function withCores(
  resources: OciResources,
  { cores, count }: { readonly cores: Platform['cores']; readonly count: number },
  trace: Origins,
): OciResources {
  const there = Array.from({ length: count }, (_, core) => core);
  const chosen = there.filter((core) => cores.value?.includes(core) ?? true);
  if (chosen.length === 0 || chosen.length === count) return resources;
  trace.set('linux.resources.cpu.cpus', cores.origin);
  return { ...resources, cpu: { cpus: chosen.join(','), ...resources.cpu } };
}
