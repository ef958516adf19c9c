/** What the app may use of the machine. */
import type { App } from '../domain/app.ts';
import type { Limits } from '../domain/limits.ts';
import type { OciProcess, OciResources } from './oci-types.ts';

const CPU_PERIOD_US = 100_000;
/** Enough for a browser; a fork bomb is stopped before the machine feels it. */
const DEFAULT_PIDS = 1024;

/** With the defaults. */
export const effectiveLimits = ({ memoryBytes, cpus, pids }: App['limits']): Limits => ({
  memoryBytes: memoryBytes ?? null,
  cpus: cpus ?? null,
  pids: pids ?? DEFAULT_PIDS,
});

export const resources = ({ memoryBytes, cpus, pids }: App['limits']): OciResources => ({
  // Deny everything; the runtime adds /dev/null and its like by itself (runtime-spec config-linux.md, default devices).
  devices: [{ allow: false, access: 'rwm' }],
  ...(memoryBytes !== undefined && { memory: { limit: memoryBytes } }),
  ...(cpus !== undefined && { cpu: { quota: Math.round(cpus * CPU_PERIOD_US), period: CPU_PERIOD_US } }),
  pids: { limit: pids ?? DEFAULT_PIDS },
});

/** No core files: they would fill the app's storage. Everything else is inherited. */
export const rlimits = ({ openFiles }: App['limits']): OciProcess['rlimits'] => [
  { type: 'RLIMIT_CORE', soft: 0, hard: 0 },
  ...(openFiles === undefined ? [] : [{ type: 'RLIMIT_NOFILE', soft: openFiles, hard: openFiles }]),
];
