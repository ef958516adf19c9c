/** What holds for an app whose description says nothing: its package's word, else the device's. */
import type { App } from '../domain/app.ts';
import type { BundleConfig } from '../domain/rootfs.ts';
import { originIn } from './described.ts';
import { from, type Origins } from './origins.ts';

/** Settings of the daemon (`apps`); null: no limit. */
export type AppDefaults = {
  readonly memoryBytes: number | null;
  readonly tmpBytes: number | null;
  readonly storageBytes: number | null;
  readonly noExec: boolean;
};

export const NO_DEFAULTS: AppDefaults = { memoryBytes: null, tmpBytes: null, storageBytes: null, noExec: false };

type Around = {
  readonly bundle: BundleConfig | null;
  readonly defaults: AppDefaults;
  /** Whether the kernel can hold an app to its swap. */
  readonly countsSwap: boolean;
  /** Who said what of `app`; what is added here is noted in it. */
  readonly said: Origins;
};

/** With a limit for all that has one in the package or on the device. */
export function withDefaults(app: App, { bundle, defaults, countsSwap, said }: Around): App {
  // noted first: what is filled in below is not the caller's
  for (const name of ['memoryBytes', 'pids'] as const) {
    if (app.limits[name] !== undefined) said.set(`limits.${name}`, originIn({ app, origins: said }, `limits.${name}`));
  }
  const memoryBytes = said.choose('limits.memoryBytes', [
    [app.limits.memoryBytes, said.of('limits.memoryBytes')],
    [bundle?.limits?.memoryBytes, from('package', 'linux.resources.memory.limit')],
    [defaults.memoryBytes ?? undefined, from('default', 'apps.memoryBytes')],
  ]);
  const pids = said.choose('limits.pids', [
    [app.limits.pids, said.of('limits.pids')],
    [bundle?.limits?.pids, from('package', 'linux.resources.pids.limit')],
  ]);
  // a limit that nobody asked for takes no swap away
  const isOurs = app.limits.memoryBytes === undefined && memoryBytes === defaults.memoryBytes;
  const swapBytes = app.limits.swapBytes ?? (isOurs && countsSwap ? memoryBytes : undefined);
  const sizeBytes = app.storage.sizeBytes ?? defaults.storageBytes ?? undefined;
  return {
    ...app,
    limits: {
      ...app.limits,
      ...(memoryBytes !== undefined && { memoryBytes }),
      ...(swapBytes !== undefined && { swapBytes }),
      ...(pids !== undefined && { pids }),
    },
    storage: { ...app.storage, ...(sizeBytes !== undefined && { sizeBytes }) },
  };
}

/** What has no limit at all, for the one who starts the app. */
export function notesOfLimits({ limits, storage }: App, { tmpBytes }: AppDefaults): readonly string[] {
  return [
    ...(limits.memoryBytes === undefined
      ? ['no limit on its memory (set app.limits.memoryBytes, or apps.memoryBytes)']
      : []),
    ...(tmpBytes === null && limits.memoryBytes === undefined ? ['no limit on its /tmp (set apps.tmpBytes)'] : []),
    ...(storage.sizeBytes === undefined
      ? ['no limit on its storage but the disk (set app.storage.sizeBytes, or apps.storageBytes)']
      : []),
  ];
}
