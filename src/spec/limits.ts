/** What the app may use of the machine. */
import type { App } from '../domain/app.ts';
import type { Limits } from '../domain/limits.ts';
import type { OciConfig, OciProcess, OciResources } from './oci-types.ts';

const CPU_PERIOD_US = 100_000;
/** Enough for a browser; a fork bomb is stopped before the machine feels it. */
const DEFAULT_PIDS = 1024;

/** With the defaults. */
export const effectiveLimits = ({ memoryBytes, swapBytes, cpus, pids, ...others }: App['limits']): Limits => ({
  memoryBytes: memoryBytes ?? null,
  swapBytes: memoryBytes === undefined ? null : (swapBytes ?? 0),
  cpus: cpus ?? null,
  pids: pids ?? DEFAULT_PIDS,
  cpuShares: others.cpuShares ?? null,
  cores: others.cores ?? null,
  ioWeight: others.ioWeight ?? null,
});

/** `countsSwap`: whether the kernel can hold an app to its swap; the runtime fails where it cannot. */
export const resources = (limits: App['limits'], countsSwap: boolean): OciResources => ({
  // Deny everything; the runtime adds /dev/null and its like by itself (runtime-spec config-linux.md, default devices).
  devices: [{ allow: false, access: 'rwm' }],
  ...memory(limits, countsSwap),
  ...cpu(limits),
  pids: { limit: limits.pids ?? DEFAULT_PIDS },
  ...(limits.ioWeight !== undefined && { blockIO: { weight: limits.ioWeight } }),
});

/** Both together are the runtime's `swap` (runtime-spec config-linux.md, memory). */
function memory({ memoryBytes, swapBytes }: App['limits'], countsSwap: boolean): Pick<OciResources, 'memory'> {
  if (memoryBytes === undefined) return {};
  const swap = swapBytes ?? (countsSwap ? 0 : undefined);
  return { memory: { limit: memoryBytes, ...(swap !== undefined && { swap: memoryBytes + swap }) } };
}

function cpu({ cpus, cpuShares }: App['limits']): Pick<OciResources, 'cpu'> {
  if (cpus === undefined && cpuShares === undefined) return {};
  return {
    cpu: {
      ...(cpus !== undefined && { quota: Math.round(cpus * CPU_PERIOD_US), period: CPU_PERIOD_US }),
      ...(cpuShares !== undefined && { shares: cpuShares }),
    },
  };
}

/** What a configuration asks the kernel for. */
export function startLimits({ linux }: Pick<OciConfig, 'linux'>): Limits {
  const { memory: asked, cpu: time = {}, pids, blockIO } = linux.resources;
  return {
    memoryBytes: asked?.limit ?? null,
    swapBytes: asked?.swap === undefined ? null : asked.swap - asked.limit,
    cpus: time.quota === undefined ? null : time.quota / CPU_PERIOD_US,
    pids: pids.limit,
    cpuShares: time.shares ?? null,
    cores: time.cpus ?? null,
    ioWeight: blockIO?.weight ?? null,
  };
}

/** No core files: they would fill the app's storage. Everything else is inherited. */
export const rlimits = ({ openFiles }: App['limits']): OciProcess['rlimits'] => [
  { type: 'RLIMIT_CORE', soft: 0, hard: 0 },
  ...(openFiles === undefined ? [] : [{ type: 'RLIMIT_NOFILE', soft: openFiles, hard: openFiles }]),
];
