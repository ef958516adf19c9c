/** What the Dobby for tests tells of a container (GetInfo), in the form of the real one. */
import type { DobbyBox } from './dobby-box.ts';
import type { BundleConfig } from './dobby-crun.ts';

type Told = {
  readonly id: string;
  readonly state: string;
  readonly box: DobbyBox;
  readonly config: BundleConfig;
  readonly annotations: ReadonlyMap<string, string>;
};

export function infoOf({ box, config, id, state, annotations }: Told): object {
  const pids = box.pids();
  const isBlind = config.linux?.cgroupsPath !== undefined;
  const processes = pids.map((pid, index) => ({
    pid,
    nsPid: index === 0 ? 1 : 2 + index,
    cmdline: '',
    executable: '',
  }));
  return {
    ...{ id, state, timestamp: 1 },
    ...(isBlind ? { pids: null, processes: null } : { pids: [...pids].reverse(), processes }),
    cpu: { usage: { total: isBlind ? null : 1000, percpu: [] } },
    memory: { user: { limit: isBlind ? null : 2 ** 63, usage: isBlind ? null : box.residentBytes() } },
    annotations: Object.fromEntries(annotations),
  };
}
