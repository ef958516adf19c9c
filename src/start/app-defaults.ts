/** The configuration's word on apps that say nothing of themselves. */
import type { AppDefaults } from '../spec/defaults.ts';
import type { Config } from '../config.ts';

const orNull = (bytes: number): number | null => (bytes === 0 ? null : bytes);

/** One app alone leaves half of the machine to the others and to the daemon. */
export const appDefaultsOf = ({ apps }: Pick<Config, 'apps'>, machineBytes: number): AppDefaults => ({
  memoryBytes: orNull(apps.memoryBytes ?? Math.floor(machineBytes / 2)),
  tmpBytes: orNull(apps.tmpBytes),
  storageBytes: orNull(apps.storageBytes),
  noExec: apps.noExec,
});
